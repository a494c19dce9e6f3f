"""Depositing a sealed container, and replacing what was deposited: until the receipt is verified.

Large ones go in parts, see ``client.remote.parts``.

Before anything is sent, the container is compared with the dossier's current key. Where that key was rotated
since the container was sealed, its list of accesses is written anew, here, by whoever may; the sealed content
stays byte for byte, and so does its seal.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from client.dossiers import KnownDossier
from client.errors import N_, UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.rewrapping import change_accesses
from client.policies import FORBIDDEN
from client.refusals import refusing
from client.remote.accesses import dossier_slots
from client.remote.carriage import from_model
from client.remote.granting import fetch_keys
from client.remote.parts import FROM, Way, give_up, send_in_parts
from client.remote.problems import StateConflict
from client.remote.sending import Delivery, send_whole
from client.trust import check_receipt
from keys.derivation import key_id
from vault.api.problems import Code
from vault.container.seal import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.remote.sending import Delivered
    from client.remote.service import Service
    from client.trust import Anchor
    from keys.signing import SigningKey
    from keys.statements import DossierKey, Receipt, Signed
    from vault.api.models.evidence import Version
    from vault.container.examine import Examined
    from vault.container.unlocking import Unlocked

    Advance = Callable[[int], None]


IN_PARTS: Final = Way()


class Rewriter(NamedTuple):
    """Who may write a container's accesses anew: what unlocks it, and the key that signs."""

    unlock: Callable[[Examined], Unlocked]
    signer: Callable[[Unlocked], SigningKey]


class Kept(NamedTuple):
    """A deposit that the service acknowledged.

    Attributes:
        version: what the service made of it.
        signed: the receipt as it travels and rests.
        receipt: the receipt, verified, and found to be about this very container.
        rewritten: whether its accesses had to be written anew.
        policy: what the dossier's organisation asks of new passwords.
    """

    version: Version
    signed: Signed
    receipt: Receipt
    rewritten: bool
    policy: str | None


async def deposit(
    service: Service,
    anchor: Anchor,
    path: str,
    *,
    replaces: str | None = None,
    acting_for: str | None = None,
    rewriter: Rewriter | None = None,
    advance: Advance = lambda _count: None,
    way: Way = IN_PARTS,
    parts_from: int = FROM,
) -> Kept:
    """Deposit a container; with ``replaces``, in the place of that proof's active version.

    Trying again after any failure is safe: what was deposited is not deposited twice.

    Args:
        service: signed in as the editor, or as the portal.
        anchor: whom to trust.
        path: the container.
        replaces: id of the proof; the seal itself says which version of it is superseded.
        acting_for: key id, in hexadecimal, of the editor that a portal acts for.
        rewriter: who may write the accesses anew; without one a container to an older key is refused.
        advance: called with the number of bytes sent since the last call; below 0 where some are sent again.
        way: how it goes in parts, and whether it has to go on with what an earlier attempt sent.
        parts_from: size in bytes from which on it goes in parts.

    Raises:
        UsageProblem: a template, or a seal that does not say what it replaces, or says so unasked, or a
            container without what the dossier asks for; nothing was sent.
        NotFoundProblem: it has to go on, and there is nothing to go on with.
        RefusedContainer: it is not whole; nothing was sent.
        StateConflict: ``dossier_key_outdated`` without a rewriter; whatever else the service found.
        Distrusted: statements or a receipt that the authority does not stand behind.
    """
    rewritten, refusals = False, 0
    while True:
        with ContainerFile.open(path) as file:
            examined = await asyncio.to_thread(file.examine)
            _check_purpose(path, examined, replaces)
            dossier = await fetch_keys(service, examined.seal.seal.dossier, acting_for=acting_for)
            key = KnownDossier(anchor, dossier).current_key()
            check_accesses(path, examined, anchor, key, dossier.passwords)
            if not any(dossier_slots(examined, key)) or rewriter is None:
                delivery = Delivery(file, examined, replaces, acting_for, advance)
                try:
                    if way.resume or file.size >= parts_from:
                        answer = await send_in_parts(service, delivery, way)
                    else:
                        answer = await send_whole(service, delivery)
                    return _judge(anchor, examined, answer, rewritten=rewritten, policy=dossier.passwords)
                except StateConflict as refused:
                    # Rotated between our look and the deposit: once more, with what is current now.
                    refusals += 1
                    outdated = refused.code is Code.DOSSIER_KEY_OUTDATED and rewriter is not None
                    if not outdated or refusals > 1:
                        raise
                    continue
            await asyncio.to_thread(_rewrite, file, examined, rewriter, key)
            rewritten = True


async def abandon(
    service: Service, path: str, *, replaces: str | None = None, acting_for: str | None = None
) -> None:
    """Give up an upload in parts that did not finish; raises as `client.remote.parts.give_up` does."""
    with ContainerFile.open(path) as file:
        examined = await asyncio.to_thread(file.examine)
        _check_purpose(path, examined, replaces)
        await give_up(service, Delivery(file, examined, replaces, acting_for, lambda _count: None))


async def current_key(
    service: Service, anchor: Anchor, dossier: str, *, acting_for: str | None = None
) -> DossierKey:
    """Return the dossier's current key, as somebody says it who may.

    Raises:
        Distrusted: no statement, or none that counts.
    """
    return KnownDossier(anchor, await fetch_keys(service, dossier, acting_for=acting_for)).current_key()


def check_accesses(
    path: str, examined: Examined, anchor: Anchor, key: DossierKey, policy: str | None
) -> None:
    """Return only if a container has what the dossier asks for, beside an access for its current key.

    Raises:
        UsageProblem: the service would refuse it.
        Distrusted: there is no recovery key that counts.
    """
    seal = examined.seal.seal
    if policy == FORBIDDEN and examined.envelope.envelope.password_slots:
        raise UsageProblem(
            N_(
                "{path}: this dossier's organisation allows no access by password; take it away with scelle "
                "access remove, or seal with --no-password"
            ),
            path=path,
        )
    if key_id(anchor.recovery_key()) not in {slot.key for slot in seal.recovery}:
        raise UsageProblem(
            N_(
                "{path}: the container has no access for the present recovery key; seal it again from a "
                "template of this dossier"
            ),
            path=path,
        )
    if set(key.writers) - set(seal.writers):
        raise UsageProblem(
            N_(
                "{path}: the seal does not list the writers that the dossier asks for; seal it from a "
                "template of this dossier"
            ),
            path=path,
        )


def _check_purpose(path: str, examined: Examined, replaces: str | None) -> None:
    seal = examined.seal.seal
    if seal.evidence_type == TEMPLATE:
        raise UsageProblem(
            N_("{path}: a template is not deposited; seal evidence with scelle seal --template"), path=path
        )
    if replaces and not seal.supersedes:
        raise UsageProblem(
            N_("{path}: the seal does not say what it replaces; seal it again with --supersedes"), path=path
        )
    if seal.supersedes and not replaces:
        raise UsageProblem(
            N_("{path}: the seal says that it replaces a proof; say which one: --replaces PROOF"), path=path
        )


def _rewrite(file: ContainerFile, examined: Examined, rewriter: Rewriter, key: DossierKey) -> None:
    """Put an access for the current dossier key in the place of those for older ones."""
    file.require_replaceable()
    with refusing(file.path):
        unlocked = rewriter.unlock(examined)
    outdated, current = dossier_slots(examined, key)
    change_accesses(
        file,
        examined,
        unlocked,
        rewriter.signer(unlocked),
        remove=outdated,
        recipients=current,
    )


def _judge(
    anchor: Anchor, examined: Examined, answer: Delivered, *, rewritten: bool, policy: str | None
) -> Kept:
    """Believe the receipt, if it is one and about this very container."""
    signed = from_model(answer.receipt)
    receipt = anchor.receipt(signed)
    check_receipt(receipt, examined)
    return Kept(answer.version, signed, receipt, rewritten, policy)
