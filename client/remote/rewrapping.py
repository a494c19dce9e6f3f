"""Wrapping every envelope of a dossier to its current key: the part of a rotation that takes time.

Each envelope is written where the one before still stands; what somebody else wrote meanwhile is met again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, AccessProblem, ClientError
from client.refusals import refusing
from client.remote.accesses import dossier_slots
from client.remote.carriage import read_stored
from client.remote.failures import not_ours
from client.remote.problems import NothingThere, ServiceProblem
from client.remote.uploading import upload_bytes
from keys.derivation import key_id
from vault.api.models.rotation import OutdatedQuery
from vault.api.problems import Code
from vault.container.examine import Expectations
from vault.container.heads import read_outline
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.unlocking import unlock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from client.dossiers import KnownDossier
    from client.remote.service import Service
    from keys.keyring import Identity
    from keys.signing import SigningKey
    from keys.unwrapping import DecapsulationKey
    from vault.api.models.rotation import Outdated
    from vault.container.examine import Outline

    Advance = Callable[[int], None]

AT_ONCE: Final = 4
"""Envelopes on their way at a time: writing one is a transaction of the service, making one a signature."""


class Hands(NamedTuple):
    """Who rotates.

    Attributes:
        identity: the admin's, which opens its grants and signs the new ones.
        writer: the key that signs envelopes: one that the seals list, or that followed one.
    """

    identity: Identity
    writer: SigningKey


async def rewrap_all(
    service: Service,
    known: KnownDossier,
    dossier: str,
    hands: Hands,
    *,
    removed: Collection[bytes] = (),
    passwords: bool = True,
    advance: Advance = lambda _count: None,
) -> int:
    """Wrap every envelope that is sealed to an older key to the current one; return how many that were.

    An envelope that somebody else writes at the same time is met again, as that one left it.

    Args:
        service: signed in as an admin.
        known: the dossier with the current key, and one's own grants of the older ones.
        dossier: its id.
        hands: who opens and who signs.
        removed: key ids whose own accesses go too.
        passwords: whether accesses by password stay; where they are forbidden, no service takes them again.
        advance: called with the number of envelopes done since the last call.

    Raises:
        AccessProblem: one's grants do not open one of them, or the seals do not list the writer.
        RefusedContainer: one is not what was sealed.
        ClientError: the key was rotated once more meanwhile.
    """
    wrapping = _Wrapping(service, known, dossier, hands, frozenset(removed), passwords=passwords)
    total = 0
    while True:
        seen, moved, cursor = 0, 0, None
        while True:
            page = await service.list_outdated(dossier, OutdatedQuery(cursor=cursor))
            for start in range(0, len(page.items), AT_ONCE):
                some = page.items[start : start + AT_ONCE]
                done = await _all(wrapping.write(item) for item in some)
                seen, moved = seen + len(some), moved + sum(done)
                advance(sum(done))
            if page.next is None:
                break
            cursor = page.next
        total += moved
        if not moved or moved == seen:
            return total


async def _all(work: Iterable[Awaitable[bool]]) -> list[bool]:
    """Wait for all, also where one fails: none goes on behind the caller's back."""
    done: list[bool] = []
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


class _Wrapping:
    """Writes one envelope at a time for the dossier's current key."""

    def __init__(
        self,
        service: Service,
        known: KnownDossier,
        dossier: str,
        hands: Hands,
        removed: frozenset[bytes],
        *,
        passwords: bool,
    ) -> None:
        self._service = service
        self._dossier = dossier
        self._writer = hands.writer
        self._opens = {
            generation: key.decapsulation for generation, key in known.opened_by(hands.identity).items()
        }
        self._known = known
        self._key = known.current_key()
        self._removed = removed
        self._passwords = passwords

    async def write(self, item: Outdated) -> bool:
        """Write it; tell whether it was, or somebody else did something to it meanwhile."""
        version = item.version
        head = await asyncio.to_thread(self._next_head, item)
        try:
            await self._service.rewrite_envelope(
                version.evidence, version.number, upload_bytes(head), if_match=str(version.generation)
            )
        except NothingThere:
            return False
        except ServiceProblem as refused:
            if refused.code is Code.PRECONDITION_FAILED:
                return False
            if refused.code is Code.DOSSIER_KEY_OUTDATED:
                raise ClientError(
                    N_("somebody else gave {dossier} its next key just now; go on with --resume"),
                    dossier=self._dossier,
                ) from refused
            raise
        return True

    def _next_head(self, item: Outdated) -> bytes:
        version = item.version
        with refusing(f"{version.evidence} {version.number}"):
            outline = read_outline(
                read_stored(item.head, "envelope"),
                read_stored(item.seal, "envelope"),
                Expectations(
                    dossier=self._dossier,
                    generation=version.generation,
                    successors=self._known.followers,
                ),
            )
            if outline.seal.seal_id.hex() != version.seal_id:
                raise not_ours("seal")
            self._require_writer(outline, version.evidence)
            unlocked = unlock(outline, self._key_of(outline, version.evidence))
        gone, recipients = dossier_slots(outline, self._key)
        gone += [slot.id for slot in outline.envelope.envelope.recipient_slots if slot.key in self._removed]
        if not self._passwords:
            gone += [slot.id for slot in outline.envelope.envelope.password_slots]
        envelope = rewrap(
            outline,
            unlocked,
            self._writer,
            remove=gone,
            recipients=recipients,
            successors=[key_id(self._writer.public_key)],
        )
        return replace_envelope(outline, envelope)

    def _require_writer(self, outline: Outline, evidence: str) -> None:
        if key_id(self._writer.public_key) not in self._known.writers(outline.seal):
            raise AccessProblem(
                N_(
                    "{evidence}: the seal does not let your key change who opens it; let an admin go on whom "
                    "it lists, or give --authority FILE"
                ),
                evidence=evidence,
            )

    def _key_of(self, outline: Outline, evidence: str) -> DecapsulationKey:
        for slot in outline.envelope.envelope.recipient_slots:
            if slot.role == "dossier" and slot.generation in self._opens:
                return self._opens[slot.generation]
        raise AccessProblem(
            N_("{evidence}: you were not granted the key that it is sealed to; let an admin go on who was"),
            evidence=evidence,
        )
