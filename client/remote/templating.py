"""Templates: an empty container with an editor's key under a password, and the public keys to seal to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from client.passwords import generate_password
from client.policies import require_passwords, to_note
from client.remote.opening import NewMandate, give_mandate
from client.remote.uploading import upload_bytes
from keys.derivation import DEFAULT_COST, PasswordCost
from keys.keyfile import Use
from keys.keyring import Identity
from vault.api.models.dossiers import TemplateQuery
from vault.container.manifest import CarriedRecipient
from vault.container.seal import TEMPLATE
from vault.container.sealing import Sealer, SealRequest
from vault.container.slots import PasswordAccess

if TYPE_CHECKING:
    from client.remote.service import Service
    from client.trust import Anchor
    from keys.statements import DossierKey
    from vault.api.models.dossiers import Depositor, Template


class MadeTemplate(NamedTuple):
    """What the editor gets: the link and the user name one way, the password another.

    Attributes:
        template: what the service stored.
        link: where the editor fetches it; shown once.
        username: of the editor.
        password: shown once, and known from then on to the editor alone.
        depositor: the mandate that the editor's key was given.
    """

    template: Template
    link: str
    username: str
    password: str
    depositor: Depositor

    def __repr__(self) -> str:
        return f"MadeTemplate({self.template.id}, <redacted>)"


async def make_template(
    service: Service,
    anchor: Anchor,
    issuer: Identity,
    key: DossierKey,
    *,
    username: str,
    mandate: NewMandate,
    lifetime: int,
    policy: str | None = None,
    cost: PasswordCost = DEFAULT_COST,
) -> MadeTemplate:
    """Make an editor's key and password, seal them into a template, store it, and give the key a mandate.

    Key and password exist in this function, in the template, and in what is returned.

    Args:
        service: signed in as the portal that opened the dossier, or as an admin.
        anchor: whom to trust.
        issuer: that portal's identity, or the authority's.
        key: the dossier's current key, verified.
        username: of the editor, in its normal spelling.
        mandate: what the editor may do.
        lifetime: seconds until the link expires.
        policy: what the dossier's organisation asks of new passwords, which the template carries.
        cost: Argon2id costs of the password.

    Raises:
        UsageProblem: the organisation allows no access by password, and so no template.
        Distrusted: there is no recovery key that counts.
        ServiceProblem: the service refuses; no template is left behind.
    """
    require_passwords(policy)
    depositor, password = Identity.generate(Use.PERSON), generate_password()
    access = PasswordAccess(username, password, identity=depositor.seed)
    container = await asyncio.to_thread(
        seal_template, anchor, depositor, key, access, note=to_note(policy), cost=cost
    )
    issued = await service.create_template(
        key.dossier, upload_bytes(container), TemplateQuery(lifetime=lifetime)
    )
    try:
        given = await give_mandate(
            service, anchor, issuer, key.dossier, signer=depositor.public.signing, mandate=mandate
        )
    except Exception:
        # Without its mandate it is of no use, and its link would only mislead.
        await service.withdraw_template(key.dossier, issued.template.id)
        raise
    return MadeTemplate(issued.template, issued.link or "", username, password, given)


def seal_template(
    anchor: Anchor,
    depositor: Identity,
    key: DossierKey,
    *accesses: PasswordAccess,
    note: str = "",
    cost: PasswordCost = DEFAULT_COST,
) -> bytes:
    """Return a template in memory; takes one password derivation for each access.

    Args:
        anchor: whom to trust.
        depositor: who seals it.
        key: the dossier's current key, verified.
        accesses: the depositor's first; those after it, with the same password, carry the keys that it
            follows.
        note: what the template tells whoever opens it.
        cost: Argon2id costs of the passwords.

    Raises:
        Distrusted: there is no recovery key that counts.
    """
    recovery = CarriedRecipient("recovery", 0, anchor.recovery_key())
    authority = anchor.authority.signing_key_id
    request = SealRequest(
        dossier=key.dossier,
        evidence_type=TEMPLATE,
        sealed_at=anchor.now(),
        recipients=(recovery,),
        carried=(CarriedRecipient("dossier", key.generation, key.public_key), recovery),
        passwords=accesses,
        # Whoever opens it trusts the first of them as the authority.
        writers=tuple(dict.fromkeys((authority, *key.writers))),
        note=note,
        cost=cost,
    )
    with Sealer(request, (), depositor.signing) as sealer:
        return b"".join((sealer.header, *map(bytes, sealer.finalize())))
