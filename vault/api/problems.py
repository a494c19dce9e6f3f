"""Every problem the service can answer with: a stable code, its HTTP status, its title.

Source: RFC 9457 (`application/problem+json`). Programs look at ``code`` alone; ``title`` and ``detail`` are
for people. A code is never renamed and never changes its status. The eleven outcomes of a container stand
here under the names that every implementation of the format uses.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:scelle:problem:"
"""A problem's ``type`` is this and its code; nothing has to be fetched to understand it."""


class Code(StrEnum):
    """The stable names."""

    # What a container turned out to be: the outcomes of docs/FORMAT.md.
    MALFORMED = "malformed"
    UNSUPPORTED_VERSION = "unsupported_version"
    LIMIT_EXCEEDED = "limit_exceeded"
    SEAL_INVALID = "seal_invalid"
    ENVELOPE_TAMPERED = "envelope_tampered"
    ENVELOPE_STALE = "envelope_stale"
    PAYLOAD_DAMAGED = "payload_damaged"
    WRONG_DOSSIER = "wrong_dossier"
    UNKNOWN_SIGNER = "unknown_signer"
    NO_ACCESS = "no_access"
    UNSAFE_PATH = "unsafe_path"

    # Why a whole and well signed container is still not taken.
    ALREADY_DEPOSITED = "already_deposited"
    CONFLICT = "conflict"
    DOSSIER_CLOSED = "dossier_closed"
    DOSSIER_ERASED = "dossier_erased"
    DOSSIER_KEY_OUTDATED = "dossier_key_outdated"
    DOSSIER_OPEN = "dossier_open"
    PASSWORD_FORBIDDEN = "password_forbidden"  # noqa: S105 - the name of a code
    QUOTA_EXCEEDED = "quota_exceeded"
    RECOVERY_SLOT_MISSING = "recovery_slot_missing"
    RETENTION_RUNNING = "retention_running"
    TEMPLATE_REFUSED = "template_refused"
    TYPE_NOT_ALLOWED = "type_not_allowed"
    UPLOAD_INCOMPLETE = "upload_incomplete"
    WRITER_MISSING = "writer_missing"

    # Statements, keys and trust.
    ALREADY_EXISTS = "already_exists"
    APPROVAL_UNFIT = "approval_unfit"
    APPROVALS_MISSING = "approvals_missing"
    AUTHORITY_MISSING = "authority_missing"
    POSSESSION_UNPROVEN = "possession_unproven"
    STATEMENT_INVALID = "statement_invalid"

    # Who is asking.
    ACCOUNT_DISABLED = "account_disabled"
    CREDENTIAL_EXPIRED = "credential_expired"
    FORBIDDEN = "forbidden"
    NOT_HABILITATED = "not_habilitated"
    SIGN_IN_FAILED = "sign_in_failed"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    UNAUTHENTICATED = "unauthenticated"

    # The request itself.
    BODY_TOO_LARGE = "body_too_large"
    DIGEST_MISMATCH = "digest_mismatch"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    INVALID_REQUEST = "invalid_request"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_FOUND = "not_found"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"

    # The service.
    INTERNAL_ERROR = "internal_error"
    UNAVAILABLE = "unavailable"


class Kind(NamedTuple):
    """What a code means over HTTP, and its title in English."""

    status: int
    title: str


KINDS: Final[dict[Code, Kind]] = {
    Code.MALFORMED: Kind(422, "The container is not well formed"),
    Code.UNSUPPORTED_VERSION: Kind(422, "The container has a version that is not understood"),
    Code.LIMIT_EXCEEDED: Kind(422, "The container exceeds a limit of the format"),
    Code.SEAL_INVALID: Kind(422, "The seal's signature does not verify"),
    Code.ENVELOPE_TAMPERED: Kind(422, "The envelope is not the seal's, or not signed by a writer"),
    Code.ENVELOPE_STALE: Kind(422, "The envelope is older than one already seen"),
    Code.PAYLOAD_DAMAGED: Kind(422, "The payload is not what was sealed"),
    Code.WRONG_DOSSIER: Kind(422, "The container is sealed for another dossier"),
    Code.UNKNOWN_SIGNER: Kind(403, "The seal's signer has no mandate for this deposit"),
    Code.NO_ACCESS: Kind(422, "No access of the container opens with this key"),
    Code.UNSAFE_PATH: Kind(422, "A path in the container is not safe"),
    Code.ALREADY_DEPOSITED: Kind(409, "This seal has been deposited before"),
    Code.CONFLICT: Kind(409, "The container does not supersede the active seal"),
    Code.DOSSIER_CLOSED: Kind(409, "The dossier is closed"),
    Code.DOSSIER_ERASED: Kind(410, "The dossier is erased"),
    Code.DOSSIER_KEY_OUTDATED: Kind(409, "The container is not sealed to the dossier's current key"),
    Code.DOSSIER_OPEN: Kind(409, "The dossier is not closed"),
    Code.PASSWORD_FORBIDDEN: Kind(422, "The organisation allows no access by password"),
    Code.QUOTA_EXCEEDED: Kind(403, "The organisation's quota is used up"),
    Code.RECOVERY_SLOT_MISSING: Kind(422, "The seal has no slot for the recovery key"),
    Code.RETENTION_RUNNING: Kind(409, "The dossier has to be kept for longer"),
    Code.TEMPLATE_REFUSED: Kind(422, "A template is not evidence, and evidence is not a template"),
    Code.TYPE_NOT_ALLOWED: Kind(422, "The mandate does not cover this type of evidence"),
    Code.UPLOAD_INCOMPLETE: Kind(409, "Parts of the upload are missing"),
    Code.WRITER_MISSING: Kind(422, "The seal does not list the writers that the dossier asks for"),
    Code.ALREADY_EXISTS: Kind(409, "There is one already"),
    Code.APPROVAL_UNFIT: Kind(409, "The approval is not of what would be done"),
    Code.APPROVALS_MISSING: Kind(409, "Approvals of admins are missing"),
    Code.AUTHORITY_MISSING: Kind(409, "No authority is published yet"),
    Code.POSSESSION_UNPROVEN: Kind(422, "The possession of the keys is not proven"),
    Code.STATEMENT_INVALID: Kind(422, "The statement cannot be accepted"),
    Code.ACCOUNT_DISABLED: Kind(403, "The account is disabled"),
    Code.CREDENTIAL_EXPIRED: Kind(401, "The token or session has expired"),
    Code.FORBIDDEN: Kind(403, "This role may not do this"),
    Code.NOT_HABILITATED: Kind(403, "There is no valid habilitation"),
    Code.SIGN_IN_FAILED: Kind(401, "The sign-in failed"),
    Code.TOO_MANY_ATTEMPTS: Kind(429, "Too many failed attempts"),
    Code.UNAUTHENTICATED: Kind(401, "Nobody is signed in"),
    Code.BODY_TOO_LARGE: Kind(413, "The body is larger than allowed"),
    Code.DIGEST_MISMATCH: Kind(400, "The body is not what its digest says"),
    Code.IDEMPOTENCY_KEY_REUSED: Kind(422, "The idempotency key belongs to another request"),
    Code.INVALID_REQUEST: Kind(400, "The request is not understood"),
    Code.METHOD_NOT_ALLOWED: Kind(405, "The method is not allowed here"),
    Code.NOT_FOUND: Kind(404, "There is nothing here that you may see"),
    Code.PRECONDITION_FAILED: Kind(412, "It has changed in the meantime"),
    Code.PRECONDITION_REQUIRED: Kind(428, "An If-Match header is required"),
    Code.RANGE_NOT_SATISFIABLE: Kind(416, "The range lies outside"),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(415, "The media type is not accepted here"),
    Code.INTERNAL_ERROR: Kind(500, "The service failed"),
    Code.UNAVAILABLE: Kind(503, "The service is not available at the moment"),
}

CONTAINER_CODES: Final = (
    Code.MALFORMED,
    Code.UNSUPPORTED_VERSION,
    Code.LIMIT_EXCEEDED,
    Code.SEAL_INVALID,
    Code.ENVELOPE_TAMPERED,
    Code.ENVELOPE_STALE,
    Code.PAYLOAD_DAMAGED,
    Code.WRONG_DOSSIER,
    Code.UNKNOWN_SIGNER,
    Code.NO_ACCESS,
    Code.UNSAFE_PATH,
)
"""The outcomes of docs/FORMAT.md, in its order."""


def problem_type(code: Code) -> str:
    """Return the ``type`` member of a problem with this code."""
    return TYPE_PREFIX + code.value
