"""From rows to the messages of the interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from keys.canonical import decode_binary, encode_binary
from keys.errors import KeyMaterialError
from keys.keyfile import PublicIdentity, Use, encode_public
from keys.signing import SIGNATURE_LENGTH
from keys.statements import Signed
from vault.api.models.base import Page, SignedStatement
from vault.api.models.dossiers import Dossier, DossierState, Template
from vault.api.models.erasure import CertificateLines
from vault.api.models.evidence import Evidence, Opened, State, Version
from vault.api.models.people import Account, Organisation, Token
from vault.api.models.signin import Role
from vault.api.problems import Code
from vault.server.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vault.api.models.erasure import LinesQuery
    from vault.server.stores.records import rows

A = TypeVar("A")


def certificate_lines(found: Sequence[bytes], query: LinesQuery) -> CertificateLines:
    """Return the lines of a certificate that were asked for, and one more where there is one."""
    return CertificateLines(
        items=tuple(map(encode_binary, found[: query.limit])),
        next=query.start + query.limit if len(found) > query.limit else None,
    )


def signed_of(model: SignedStatement, field: str) -> Signed:
    """Return a statement as it came, unjudged.

    Raises:
        RefusedError: invalid_request: it has another form.
    """
    try:
        statement = decode_binary(model.statement, len(model.statement) * 3 // 4, "statement")
        return Signed(statement, decode_binary(model.signature, SIGNATURE_LENGTH, "signature"))
    except KeyMaterialError as error:
        raise RefusedError(Code.INVALID_REQUEST, str(error), field=field) from None


def bytes_of(text: str, length: int, field: str) -> bytes:
    """Return ``length`` bytes from base64url.

    Raises:
        RefusedError: invalid_request.
    """
    try:
        return decode_binary(text, length, field)
    except KeyMaterialError as error:
        raise RefusedError(Code.INVALID_REQUEST, str(error), field=field) from None


def statement(signed: Signed | rows.StoredStatement | rows.SignedBytes) -> SignedStatement:
    """Return a statement as it is sent."""
    return SignedStatement(
        statement=encode_binary(signed.statement), signature=encode_binary(signed.signature)
    )


def stored(row: rows.StoredStatement) -> Signed:
    """Return a stored statement, unjudged."""
    return Signed(row.statement, row.signature)


def page(found: rows.Page[Any], view: Callable[[Any], A]) -> Page[A]:
    """Return a page of rows as a page of messages."""
    return Page(items=tuple(view(item) for item in found.items), next=found.next)


def organisation(row: rows.Organisation) -> Organisation:
    """Return a tenant."""
    return Organisation(
        id=row.id,
        name=row.name,
        quota_bytes=row.quota_bytes,
        max_container_bytes=row.max_container_bytes,
        passwords=row.passwords,
        used_bytes=row.used_bytes,
        created=row.created_at,
    )


def identity_of(row: rows.Account) -> PublicIdentity | None:
    """Return an account's public identity, once it enrolled."""
    if row.kem_public is None or row.signing_public is None:
        return None
    use = Use.SERVICE if row.role == Role.PORTAL.value else Use.PERSON
    return PublicIdentity(use, row.kem_public, row.signing_public)


def account(
    row: rows.Account,
    habilitation: rows.StoredStatement | None = None,
    withdrawal: rows.StoredStatement | None = None,
    successions: Iterable[rows.StoredStatement] = (),
) -> Account:
    """Return an account with its habilitation, what withdrew it, and how its keys followed those it names."""
    identity = identity_of(row)
    return Account(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        organisation=row.organisation_id,
        disabled=row.disabled_at is not None,
        created=row.created_at,
        identity=encode_public(identity) if identity else None,
        fingerprint=identity.fingerprint if identity else None,
        habilitation=statement(habilitation) if habilitation else None,
        withdrawal=statement(withdrawal) if withdrawal else None,
        successions=tuple(map(statement, successions)),
    )


def token(row: rows.Token) -> Token:
    """Return a token without the token."""
    return Token(
        id=row.id,
        account=row.account_id,
        label=row.label,
        read_only=row.read_only,
        created=row.created_at,
        expires=row.expires_at,
        revoked=row.revoked_at is not None,
        replaced_by=row.replaced_by,
    )


def state_of(row: rows.Dossier) -> DossierState:
    """Return whether a dossier is open, closed or erased."""
    if row.erased_at is not None:
        return DossierState.ERASED
    return DossierState.OPEN if row.closed_at is None else DossierState.CLOSED


def dossier(row: rows.Dossier) -> Dossier:
    """Return a dossier."""
    return Dossier(
        id=row.id,
        organisation=row.organisation_id,
        product=row.product,
        version=row.product_version,
        procedure=row.procedure,
        state=state_of(row),
        generation=row.generation,
        created=row.created_at,
    )


def template(row: rows.Template) -> Template:
    """Return a template without its link."""
    return Template(
        id=row.id,
        dossier=row.dossier_id,
        signer=row.signer.hex(),
        seal_id=row.seal_id.hex(),
        generation=row.generation,
        size=row.size,
        created=row.created_at,
        expires=row.expires_at,
        withdrawn=row.withdrawn_at is not None,
    )


def version(row: rows.Version) -> Version:
    """Return a version."""
    opened = Opened.UNKNOWN
    if row.opened_at is not None:
        opened = Opened.OPENED
    elif row.complained_at is not None:
        opened = Opened.COMPLAINT
    return Version(
        evidence=row.proof_id,
        number=row.number,
        dossier=row.dossier_id,
        evidence_type=row.evidence_type,
        state=State(row.state),
        seal_id=row.seal_id.hex(),
        signer=row.sealed_by.hex(),
        supersedes=row.supersedes.hex() if row.supersedes else None,
        generation=row.generation,
        dossier_generation=row.dossier_generation,
        envelope_digest=row.envelope_digest.hex(),
        size=row.head_size + row.body_size,
        deposited=row.created_at,
        opened=opened,
        erased=row.erased_at,
        depositor=row.signer.hex() if row.sealer else None,
    )


def evidence(row: rows.Proof, versions: tuple[rows.Version, ...]) -> Evidence:
    """Return a proof with its versions."""
    return Evidence(
        id=row.id,
        dossier=row.dossier_id,
        evidence_type=row.evidence_type,
        state=State(row.state),
        seal_id=row.seal_id.hex(),
        versions=tuple(version(item) for item in versions),
    )
