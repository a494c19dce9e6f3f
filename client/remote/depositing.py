"""Depositing a sealed container, and replacing what was deposited: until the receipt is verified.

Before anything is sent, the container is compared with the dossier's current key. Where that key was rotated
since the container was sealed, its list of accesses is written anew, here, by whoever may; the sealed content
stays byte for byte, and so does its seal.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from client.dossiers import KnownDossier
from client.errors import N_, UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.rewrapping import change_accesses
from client.refusals import refusing
from client.remote.carriage import from_model
from client.remote.granting import fetch_keys
from client.remote.problems import StateConflict
from client.remote.uploading import upload_file
from client.trust import check_receipt
from keys.derivation import key_id
from vault.api.problems import Code
from vault.container.envelope import RecipientSlot
from vault.container.manifest import CarriedRecipient
from vault.container.seal import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.remote.service import Service
    from client.trust import Anchor
    from keys.signing import SigningKey
    from keys.statements import DossierKey, Receipt, Signed
    from vault.api.models.base import SignedStatement
    from vault.api.models.evidence import Version
    from vault.container.examine import Examined
    from vault.container.unlocking import Unlocked

    Advance = Callable[[int], None]


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
    """

    version: Version
    signed: Signed
    receipt: Receipt
    rewritten: bool


async def deposit(
    service: Service,
    anchor: Anchor,
    path: str,
    *,
    replaces: str | None = None,
    acting_for: str | None = None,
    rewriter: Rewriter | None = None,
    advance: Advance = lambda _count: None,
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
        advance: called with the number of bytes sent since the last call; negative where it begins again.

    Raises:
        UsageProblem: a template, or a seal that does not say what it replaces, or says so unasked.
        RefusedContainer: it is not whole; nothing was sent.
        StateConflict: ``dossier_key_outdated`` without a rewriter; whatever else the service found.
        Distrusted: statements or a receipt that the authority does not stand behind.
    """
    sending = _Sending(replaces, acting_for, advance)
    rewritten, refusals = False, 0
    while True:
        with ContainerFile.open(path) as file:
            examined = await asyncio.to_thread(file.examine)
            _check_purpose(path, examined, replaces)
            key = await current_key(service, anchor, examined.seal.seal.dossier, acting_for=acting_for)
            if sealed_to(examined, key) or rewriter is None:
                try:
                    kept = await _send(service, anchor, file, examined, sending)
                    return kept._replace(rewritten=rewritten)
                except StateConflict as refused:
                    # Rotated between our look and the deposit: once more, with what is current now.
                    refusals += 1
                    outdated = refused.code is Code.DOSSIER_KEY_OUTDATED and rewriter is not None
                    if not outdated or refusals > 1:
                        raise
                    continue
            await asyncio.to_thread(_rewrite, file, examined, rewriter, key)
            rewritten = True


async def current_key(
    service: Service, anchor: Anchor, dossier: str, *, acting_for: str | None = None
) -> DossierKey:
    """Return the dossier's current key, as somebody says it who may.

    Raises:
        Distrusted: no statement, or none that counts.
    """
    return KnownDossier(anchor, await fetch_keys(service, dossier, acting_for=acting_for)).current_key()


def sealed_to(examined: Examined, key: DossierKey) -> bool:
    """Tell whether a container has an access labelled for this very dossier key."""
    wanted = key_id(key.public_key)
    return any(
        slot.role == "dossier" and slot.key == wanted and slot.generation == key.generation
        for slot in examined.envelope.envelope.recipient_slots
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
    outdated = [
        slot.id
        for slot in examined.envelope.envelope.slots
        if isinstance(slot, RecipientSlot) and slot.role == "dossier"
    ]
    change_accesses(
        file,
        examined,
        unlocked,
        rewriter.signer(unlocked),
        remove=outdated,
        recipients=(CarriedRecipient("dossier", key.generation, key.public_key),),
    )


class _Sending(NamedTuple):
    replaces: str | None
    acting_for: str | None
    advance: Advance


async def _send(
    service: Service, anchor: Anchor, file: ContainerFile, examined: Examined, call: _Sending
) -> Kept:
    seal, upload = examined.seal.seal, upload_file(file, call.advance)
    try:
        if call.replaces is None:
            answer = await service.deposit(
                seal.dossier,
                upload,
                # The same container again is the same request again, even from another process.
                idempotency_key=examined.envelope.digest.hex(),
                acting_for=call.acting_for,
            )
        else:
            answer = await service.replace_evidence(
                call.replaces, upload, if_match=seal.supersedes.hex(), acting_for=call.acting_for
            )
        version, carried = answer.version, answer.receipt
    except StateConflict as refused:
        if not refused.repeated or refused.code not in {Code.ALREADY_DEPOSITED, Code.PRECONDITION_FAILED}:
            raise
        # The attempt that broke off may have been the one that was kept.
        found = await _find_kept(service, examined, call)
        if found is None:
            raise
        version, carried = found
    signed = from_model(carried)
    receipt = anchor.receipt(signed)
    check_receipt(receipt, examined)
    return Kept(version, signed, receipt, rewritten=False)


async def _find_kept(
    service: Service, examined: Examined, call: _Sending
) -> tuple[Version, SignedStatement] | None:
    if call.replaces is None:
        return None
    proof = await service.get_evidence(call.replaces, acting_for=call.acting_for)
    for version in proof.versions:
        if version.seal_id == examined.seal.seal_id.hex():
            return version, (await service.get_receipt(proof.id, version.number)).receipt
    return None
