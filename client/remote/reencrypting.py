"""Re-encrypting what a dossier holds: each container is fetched, sealed anew, sent, and its original erased.

Whole bodies pass through this machine, encrypted on its disk, open in its memory alone. How far it is stands
at the service: what came before the dossier's current key is left, and so is every original that has a body.
Stopped anywhere, it goes on from there, also elsewhere and by another admin.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, AccessProblem, ClientError
from client.exchange.containers import ContainerFile
from client.exchange.opening import Access, open_file
from client.exchange.reencrypting import accesses_of, seal_again
from client.remote.carriage import from_model
from client.remote.fetching import fetch
from client.remote.parts import FROM, Way, send_in_parts
from client.remote.problems import NothingThere, StateConflict
from client.remote.sending import Delivery, find_delivered, send_whole
from client.trust import check_receipt
from keys.kinds import MAX_WRITERS
from vault.api.problems import Code
from vault.container.examine import Expectations
from vault.container.manifest import CarriedRecipient

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from client.dossiers import KnownDossier
    from client.exchange.opening import OpenContainer
    from client.profile import ServiceProfile
    from client.remote.service import Service
    from client.trust import Anchor
    from keys.keyring import Identity
    from keys.statements import Receipt
    from vault.api.models.evidence import Version
    from vault.api.models.reencryption import Left

    Advance = Callable[[int], None]


class Desk(NamedTuple):
    """Where it is done.

    Attributes:
        service: signed in as an admin.
        anchor: whom to trust.
        kept: the profile.
        known: the dossier with its current key, and one's own grants.
        folder: an empty folder of one's own, for encrypted containers on their way.
    """

    service: Service
    anchor: Anchor
    kept: ServiceProfile
    known: KnownDossier
    folder: Path


class Hands(NamedTuple):
    """Who re-encrypts, and how.

    Attributes:
        identity: the admin's, which opens its grants and signs the new seals.
        removed: key ids whose own accesses are not carried over.
        without_depositor: whether to go on where nobody but the dossier's key would open it any more.
        keep_originals: whether the originals stay.
        way: how large containers go in parts.
    """

    identity: Identity
    removed: Collection[bytes] = ()
    without_depositor: bool = False
    keep_originals: bool = False
    way: Way = Way()


class Done(NamedTuple):
    """One version that was re-encrypted, or whose originals were erased.

    Attributes:
        version: as it is now.
        receipt: of the new container, verified; None where only originals were left.
        size: bytes that were fetched and sent.
        lost: accesses that nobody but their owners can make anew: by password, or of readers who came later.
    """

    version: Version
    receipt: Receipt | None
    size: int
    lost: int


class Reencrypting:
    """Re-encrypts one version at a time; memory is constant, the disk holds two containers."""

    def __init__(self, desk: Desk, hands: Hands) -> None:
        """Begin.

        Raises:
            AccessProblem: one was not granted the dossier's current key.
            Distrusted: its keys, or the recovery key, do not count.
        """
        self._desk, self._hands = desk, hands
        self._service, self._anchor, self._known = desk.service, desk.anchor, desk.known
        self._old, self._new = str(desk.folder / "old.scelle"), str(desk.folder / "new.scelle")
        self._current, self._recovery = desk.known.current_key(), desk.anchor.recovery_key()
        keys = desk.known.opened_by(hands.identity)
        if self._current.generation not in keys:
            raise AccessProblem(
                N_("you were not granted the dossier's present key; let an admin grant it to you")
            )
        newest = [keys[generation].decapsulation for generation in sorted(keys, reverse=True)]
        self._access = Access(lambda: newest)
        self._expected = Expectations(successors=desk.known.followers)

    async def one(self, left: Left, advance: Advance = lambda _count: None) -> Done | None:
        """Do what is left of one version; None where somebody else did, or it is gone.

        Args:
            left: the version.
            advance: called with the number of bytes done since the last call.

        Raises:
            RefusedContainer: what came is not what was sealed; the original stays.
            AccessProblem: the depositor would lose its access.
            ClientError: it did not come about; typing the same again goes on.
        """
        version = left.version
        try:
            if not left.outdated:
                await self._fetch(version, advance)
                await asyncio.to_thread(self._require_opens, self._old)
                return Done(await self._erase(version), None, version.size, 0)
            return await self._reencrypt(version, advance)
        except NothingThere:
            return None
        except StateConflict as refused:
            if refused.code is Code.DOSSIER_KEY_OUTDATED:
                raise ClientError(
                    N_("somebody else gave the dossier its next key just now; type the same again")
                ) from refused
            if refused.code in {Code.CONFLICT, Code.PRECONDITION_FAILED}:
                return None
            raise
        finally:
            _clear(self._desk.folder)

    async def _fetch(self, version: Version, advance: Advance) -> None:
        await fetch(
            self._service,
            self._anchor,
            self._desk.kept,
            version,
            self._old,
            reviewing=True,
            force=True,
            advance=advance,
        )

    async def _reencrypt(self, version: Version, advance: Advance) -> Done:
        await self._fetch(version, advance)
        lost, size = await asyncio.to_thread(self._seal, version)
        made, receipt = await self._send(version, advance)
        if not self._hands.keep_originals:
            made = await self._erase(made)
        return Done(made, receipt, version.size + size, lost)

    def _seal(self, version: Version) -> tuple[int, int]:
        """Seal the fetched container anew; return how many accesses that lost, and its size."""
        with open_file(self._old, self._access, self._expected) as container:
            accesses = accesses_of(container, self._hands.removed)
            lost = accesses.passwords + accesses.lost
            if lost and not accesses.kept and not self._hands.without_depositor:
                raise AccessProblem(
                    N_(
                        "{evidence} {number}: nobody but the holders of the dossier's key could open it any "
                        "more: its other accesses are by password, or of keys that it does not carry; "
                        "--without-depositor goes on all the same"
                    ),
                    evidence=version.evidence,
                    number=version.number,
                )
            sealed = seal_again(
                container,
                self._new,
                self._hands.identity.signing,
                sealed_at=self._anchor.now(),
                recipients=(
                    CarriedRecipient("dossier", self._current.generation, self._current.public_key),
                    *accesses.kept,
                    CarriedRecipient("recovery", 0, self._recovery),
                ),
                writers=self._writers(version, container),
            )
        self._require_opens(self._new)
        return lost, sealed.size

    def _writers(self, version: Version, container: OpenContainer) -> tuple[bytes, ...]:
        """Return who may write the envelopes: whom the dossier's key names, and whose deposit it is."""
        depositor = bytes.fromhex(version.depositor or version.signer)
        own = (depositor, *sorted(self._known.successors(depositor)))
        former = [one for one in container.examined.seal.seal.writers if one in own]
        return tuple(dict.fromkeys((*self._current.writers, *own, *former)))[:MAX_WRITERS]

    def _require_opens(self, path: str) -> None:
        """Return only if a container opens with the dossier's current key."""
        with open_file(path, self._access, self._expected) as container:
            slots = container.examined.envelope.envelope.recipient_slots
            opened = {slot.id: slot.generation for slot in slots if slot.role == "dossier"}
            if opened.get(container.unlocked.slot_id) != self._current.generation:
                raise ClientError(
                    N_("{path}: it does not open with the dossier's present key; its original stays"),
                    path=path,
                )

    async def _send(self, version: Version, advance: Advance) -> tuple[Version, Receipt]:
        with ContainerFile.open(self._new) as file:
            examined = await asyncio.to_thread(file.examine)
            delivery = Delivery(file, examined, version.evidence, None, advance, version.number)
            try:
                if file.size >= FROM:
                    answer = await send_in_parts(self._service, delivery, self._hands.way)
                else:
                    answer = await send_whole(self._service, delivery)
            except StateConflict as refused:
                # An attempt whose answer was lost may have been the one that was kept.
                found = await find_delivered(self._service, delivery)
                if refused.code is not Code.ALREADY_DEPOSITED or found is None:
                    raise
                answer = found
            receipt = self._anchor.receipt(from_model(answer.receipt))
            check_receipt(receipt, examined)
        return answer.version, receipt

    async def _erase(self, version: Version) -> Version:
        return await self._service.erase_originals(version.evidence, version.number, if_match=version.seal_id)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
