"""What a service can refuse, and what can go wrong on the way to it: two families of errors.

`ServiceProblem` is an answer: RFC 9457, told apart by ``code``; its subclasses stand for the exit codes of
the command. `TransportProblem` is no answer: nobody there, cut off, or not a Scellé service. Sentences are
templates for the catalogue, like all of ``client.errors``.
"""

# Named after what they are; "Error" would only say it again.
# ruff: noqa: N818
from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from client.errors import N_, ClientError
from vault.api.problems import CONTAINER_CODES, Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vault.api.models.base import Problem


class ServiceProblem(ClientError):
    """The service refused (exit code 1).

    Attributes:
        code: the stable name; None if the service uses one that this program does not know.
        status: the HTTP status.
        detail: the service's own words, in English.
        field: the field at fault, or None.
        extra: what the code promises beside, such as the first receipt of ``already_deposited``.
        request_id: what to name when reporting it to the service.
        repeated: an attempt before this one broke off, so the refusal may be the echo of its success.
    """

    def __init__(self, problem: Problem) -> None:
        self.code = _known(problem.code)
        template = SENTENCES.get(self.code, _UNKNOWN) if self.code else _UNKNOWN
        field = f"{problem.field}: " if problem.field else ""
        values = {"detail": field + problem.detail, "code": problem.code}
        if self.code is Code.APPROVALS_MISSING:
            values |= _about_approvals(problem.extra or {})
        super().__init__(template, **values)
        self.status = problem.status
        self.detail = problem.detail
        self.field = problem.field
        self.extra: Mapping[str, Any] = problem.extra or {}
        self.request_id = problem.request_id
        self.repeated = False


class RequestRefused(ServiceProblem):
    """What was asked for has a form that the service does not take (exit code 2)."""

    exit_code = 2


class SignInRefused(ServiceProblem):
    """Not signed in, no longer, or not allowed (exit code 3)."""

    exit_code = 3


class NothingThere(ServiceProblem):
    """Not there, or not for the one who asks (exit code 4)."""

    exit_code = 4


class ContainerRefused(ServiceProblem):
    """The container was examined and refused: one of the eleven outcomes (exit code 5)."""

    exit_code = 5


class StateConflict(ServiceProblem):
    """Something else happened before, or stands in the way (exit code 6)."""

    exit_code = 6


class ServiceFailed(ServiceProblem):
    """The service could not do its work; trying again later may help (exit code 7)."""

    exit_code = 7


class TransportProblem(ClientError):
    """No answer, or none that a Scellé service gives (exit code 7)."""

    exit_code: ClassVar[int] = 7


class Unreachable(TransportProblem):
    """No connection came about; nothing was sent."""


class Untrusted(TransportProblem):
    """The TLS certificate is not one that this machine trusts; nothing was sent."""


class CutOff(TransportProblem):
    """The connection broke or fell silent; whether the service did its part is not known."""


class NotOurService(TransportProblem):
    """The answer is not one that a Scellé service gives."""


PASSING: Final = (Unreachable, CutOff, ServiceFailed)
"""What may be over in a moment; whether asking again is safe depends on what was asked."""
HOPELESS: Final = (TransportProblem, SignInRefused, ServiceFailed)
"""Of many requests, after one of these the next would fare no better."""


_UNKNOWN: Final = N_("the service refused: {detail} [{code}]")

SENTENCES: Final[dict[Code, str]] = {
    Code.MALFORMED: N_("the service refused the container: it is not well formed ({detail}) [{code}]"),
    Code.UNSUPPORTED_VERSION: N_(
        "the service does not know this version of the container ({detail}) [{code}]"
    ),
    Code.LIMIT_EXCEEDED: N_("the service refused the container: it exceeds a limit ({detail}) [{code}]"),
    Code.SEAL_INVALID: N_("the service refused the container: its seal does not verify [{code}]"),
    Code.ENVELOPE_TAMPERED: N_(
        "the service refused the container: its list of accesses is not signed by a writer [{code}]"
    ),
    Code.ENVELOPE_STALE: N_("the service has a newer list of accesses of this container [{code}]"),
    Code.PAYLOAD_DAMAGED: N_(
        "the service refused the container: its content is not what was sealed [{code}]"
    ),
    Code.WRONG_DOSSIER: N_("the service refused the container: it is sealed for another dossier [{code}]"),
    Code.UNKNOWN_SIGNER: N_(
        "whoever sealed this container has no mandate for the dossier; ask the portal for one [{code}]"
    ),
    Code.NO_ACCESS: N_("no access of the container opens with this key [{code}]"),
    Code.UNSAFE_PATH: N_("the service refused a path in the container [{code}]"),
    Code.ALREADY_DEPOSITED: N_("this very container was deposited before [{code}]"),
    Code.CONFLICT: N_(
        "the container does not replace the proof that is active now ({detail}); "
        "look with scelle evidence list, then seal again with --supersedes [{code}]"
    ),
    Code.DOSSIER_CLOSED: N_("the dossier is closed: it takes no deposit any more [{code}]"),
    Code.DOSSIER_ERASED: N_("the dossier is erased: nothing of it can be opened any more [{code}]"),
    Code.DOSSIER_KEY_OUTDATED: N_("the container is not sealed to the dossier's current key [{code}]"),
    Code.DOSSIER_OPEN: N_("the dossier is not closed; close it first with scelle dossier close [{code}]"),
    Code.PASSWORD_FORBIDDEN: N_(
        "the dossier's organisation allows no access by password; take it away with scelle access remove, or "
        "seal with --no-password [{code}]"
    ),
    Code.QUOTA_EXCEEDED: N_("the organisation's quota is used up ({detail}); ask an admin [{code}]"),
    Code.RECOVERY_SLOT_MISSING: N_(
        "it has no access for the present recovery key; type scelle trust renew, then make it again from a "
        "template of this dossier [{code}]"
    ),
    Code.RETENTION_RUNNING: N_("the dossier has to be kept for longer ({detail}) [{code}]"),
    Code.TEMPLATE_REFUSED: N_("a template is not evidence, and evidence is not a template [{code}]"),
    Code.TYPE_NOT_ALLOWED: N_("the mandate does not cover this type of evidence ({detail}) [{code}]"),
    Code.UPLOAD_INCOMPLETE: N_("parts of the upload are missing ({detail}); type the same again [{code}]"),
    Code.WRITER_MISSING: N_(
        "the seal does not list the writers that the dossier asks for; "
        "seal it from a template of this dossier [{code}]"
    ),
    Code.ALREADY_EXISTS: N_("there is one already ({detail}) [{code}]"),
    Code.APPROVAL_UNFIT: N_("the service does not take this approval: {detail}; look again [{code}]"),
    Code.APPROVALS_MISSING: N_(
        "{given} of {needed} approvals are there; each admin who agrees types: {command} [{code}]"
    ),
    Code.AUTHORITY_MISSING: N_(
        "no authority is published on this service yet; see scelle authority publish --help [{code}]"
    ),
    Code.POSSESSION_UNPROVEN: N_("the possession of the keys was not proven ({detail}) [{code}]"),
    Code.STATEMENT_INVALID: N_("the service did not accept the statement: {detail} [{code}]"),
    Code.ACCOUNT_DISABLED: N_("the account is disabled; ask an admin [{code}]"),
    Code.CREDENTIAL_EXPIRED: N_("the session or token has expired; sign in again with scelle login [{code}]"),
    Code.FORBIDDEN: N_("this may not be done with the present sign-in ({detail}) [{code}]"),
    Code.NOT_HABILITATED: N_(
        "there is no valid habilitation: it is missing, has expired or was withdrawn; ask an admin [{code}]"
    ),
    Code.SIGN_IN_FAILED: N_("the service does not accept this key [{code}]"),
    Code.TOO_MANY_ATTEMPTS: N_("too many failed attempts; wait a while and try again [{code}]"),
    Code.UNAUTHENTICATED: N_("nobody is signed in, or no longer; sign in with scelle login [{code}]"),
    Code.BODY_TOO_LARGE: N_("this is larger than the service takes ({detail}) [{code}]"),
    Code.DIGEST_MISMATCH: N_("what arrived at the service is not what was sent; try again [{code}]"),
    Code.IDEMPOTENCY_KEY_REUSED: N_("the idempotency key belongs to another request [{code}]"),
    Code.INVALID_REQUEST: N_("the service does not take this: {detail} [{code}]"),
    Code.METHOD_NOT_ALLOWED: N_("the service does not know this request; update scelle [{code}]"),
    Code.NOT_FOUND: N_("the service has nothing of this name that you may see [{code}]"),
    Code.PRECONDITION_FAILED: N_(
        "it has changed in the meantime ({detail}); look with scelle evidence show and try again [{code}]"
    ),
    Code.PRECONDITION_REQUIRED: N_("the service does not know this request; update scelle [{code}]"),
    Code.RANGE_NOT_SATISFIABLE: N_("the service does not have that part of the container [{code}]"),
    Code.UNSUPPORTED_MEDIA_TYPE: N_("the service does not know this request; update scelle [{code}]"),
    Code.INTERNAL_ERROR: N_("the service failed; try again later [{code}]"),
    Code.UNAVAILABLE: N_("the service is not available at the moment; try again later [{code}]"),
}
"""What a person is told, by code; ``detail`` is the service's own words."""

_FAMILIES: Final[dict[type[ServiceProblem], tuple[Code, ...]]] = {
    ContainerRefused: CONTAINER_CODES,
    RequestRefused: (Code.INVALID_REQUEST,),
    SignInRefused: (
        Code.ACCOUNT_DISABLED,
        Code.CREDENTIAL_EXPIRED,
        Code.FORBIDDEN,
        Code.NOT_HABILITATED,
        Code.SIGN_IN_FAILED,
        Code.TOO_MANY_ATTEMPTS,
        Code.TYPE_NOT_ALLOWED,
        Code.UNAUTHENTICATED,
        Code.NO_ACCESS,
    ),
    NothingThere: (Code.NOT_FOUND,),
    StateConflict: (
        Code.ALREADY_DEPOSITED,
        Code.ALREADY_EXISTS,
        Code.APPROVAL_UNFIT,
        Code.APPROVALS_MISSING,
        Code.AUTHORITY_MISSING,
        Code.CONFLICT,
        Code.DOSSIER_CLOSED,
        Code.DOSSIER_ERASED,
        Code.DOSSIER_KEY_OUTDATED,
        Code.DOSSIER_OPEN,
        Code.IDEMPOTENCY_KEY_REUSED,
        Code.PRECONDITION_FAILED,
        Code.RETENTION_RUNNING,
        Code.UPLOAD_INCOMPLETE,
    ),
    ServiceFailed: (Code.INTERNAL_ERROR, Code.UNAVAILABLE),
}
# The last family wins: no_access is an outcome of the container, and about access.
FAMILY_OF: Final[dict[Code, type[ServiceProblem]]] = {
    code: family for family, codes in _FAMILIES.items() for code in codes
}


def to_exception(problem: Problem) -> ServiceProblem:
    """Return the exception that stands for a problem."""
    code = _known(problem.code)
    family = FAMILY_OF.get(code, ServiceProblem) if code else ServiceProblem
    found = family(problem)
    if code is None or family is ServiceFailed:
        # Nothing that whoever reads it can do about: only somebody who sees the service's log.
        found.report_as = found.request_id
    return found


def approve_command(act: str, subject: str) -> str:
    """Return what an admin types to agree to an act; ``subject`` is a dossier, or the next key's file."""
    return f"scelle approve {act} {subject}"


def _about_approvals(extra: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the sentence about missing approvals."""
    found = {name: str(extra.get(name, "?")) for name in ("given", "needed", "act", "subject")}
    # Of the authority the service knows keys alone.
    subject = "FILE" if found["act"] == "authority" else found["subject"]
    return {**found, "command": approve_command(found["act"], subject)}


def _known(code: str) -> Code | None:
    try:
        return Code(code)
    except ValueError:
        return None
