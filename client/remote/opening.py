"""Opening a dossier: its first key, made here, handed to those who may open it, and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, UsageProblem
from client.remote.carriage import to_model
from client.remote.granting import sign_grant
from keys.canonical import encode_binary
from keys.derivation import key_id
from keys.keyfile import Use
from keys.keyring import Identity
from keys.kinds import MAX_WRITERS
from keys.possession import prove_signer
from keys.randomness import random_bytes
from keys.statements import DossierKey, Mandate, lasting, sign_statement
from vault.api.models.dossiers import DepositorRequest, DossierRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.remote.service import Service
    from client.trust import Anchor, Person
    from vault.api.models.dossiers import Depositor, Dossier

_FIRST: Final = 1


class NewDossier(NamedTuple):
    """What a dossier is about; ``organisation`` is named by an admin, a portal's is its own."""

    id: str
    product: str
    version: str = ""
    procedure: str = ""
    organisation: str | None = None


def new_dossier_id() -> str:
    """Return an id that nobody can guess and that says nothing."""
    return f"D-{random_bytes(10).hex()}"


async def open_dossier(
    service: Service, anchor: Anchor, issuer: Identity, about: NewDossier, people: Sequence[Person]
) -> Dossier:
    """Open a dossier with its first key and a grant for each of ``people``.

    The key's private half exists in this function alone, and in the grants.

    Args:
        service: signed in as the portal, or as an admin.
        anchor: whom to trust.
        issuer: the portal's or admin's habilitated identity.
        about: the dossier.
        people: who may open what is sealed to it, each believed on the authority's word; at least one admin.

    Raises:
        UsageProblem: no admin is among them.
        StateConflict: there is a dossier of this id.
    """
    admins = [person for person in people if person.habilitation.role == "admin"]
    if not admins:
        raise UsageProblem(N_("a dossier is granted to at least one admin; add --admin NAME"))
    now = anchor.now()
    writers = [anchor.authority.signing_key_id, *(admin.identity.signing_key_id for admin in admins)]
    key = Identity.generate(Use.DOSSIER)
    statement = DossierKey(
        issuer=issuer.signing.public_key,
        **lasting(now, 0),
        dossier=about.id,
        generation=_FIRST,
        public_key=key.public.kem,
        previous=b"",
        writers=tuple(dict.fromkeys(writers))[:MAX_WRITERS],
    )
    grants = tuple(sign_grant(about.id, _FIRST, key, issuer=issuer, to=person, now=now) for person in people)
    del key
    return await service.create_dossier(
        DossierRequest(
            id=about.id,
            product=about.product,
            version=about.version,
            procedure=about.procedure,
            key=to_model(sign_statement(statement, issuer.signing)),
            grants=grants,
            organisation=about.organisation,
        )
    )


class NewMandate(NamedTuple):
    """What a depositor may do; ``seconds`` of 0 is no end."""

    evidence_types: tuple[str, ...]
    may_replace: bool = True
    seconds: int = 0
    label: str = ""


async def give_mandate(
    service: Service,
    anchor: Anchor,
    issuer: Identity,
    dossier: str,
    *,
    signer: bytes,
    mandate: NewMandate,
    possession: bytes | None = None,
) -> Depositor:
    """Give a signing key a mandate on a dossier.

    Args:
        service: signed in as the portal that opened the dossier, or as an admin.
        anchor: whom to trust.
        issuer: that portal's identity, or the authority's.
        dossier: its id.
        signer: the depositor's public signing key, 1984 bytes.
        mandate: what it may do.
        possession: what `prove` returned, where no template of this dossier is sealed by the key.

    Raises:
        ServiceProblem: ``possession_unproven``, ``statement_invalid``, ``dossier_closed``.
    """
    statement = Mandate(
        issuer=issuer.signing.public_key,
        **lasting(anchor.now(), mandate.seconds),
        dossier=dossier,
        signer=key_id(signer),
        evidence_types=mandate.evidence_types,
        may_replace=mandate.may_replace,
    )
    return await service.add_depositor(
        dossier,
        DepositorRequest(
            mandate=to_model(sign_statement(statement, issuer.signing)),
            key=encode_binary(signer),
            possession=encode_binary(possession) if possession else None,
            label=mandate.label,
        ),
    )


def prove(identity: Identity, *, origin: str, dossier: str) -> bytes:
    """Return a depositor's proof that it has the key for which it asks a mandate, there and nowhere else."""
    return prove_signer(identity.signing, origin=origin, dossier=dossier)
