"""Who opens what is deposited, changed at the service: envelopes move, bodies stay where they are.

An envelope is written where the one before still stands. What somebody else wrote meanwhile is fetched, and
the change made to that.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from client.distrust import CONTAINER, Distrusted
from client.kept import known_dossier
from client.records import Proof
from client.refusals import refusing
from client.remote.failures import not_ours
from client.remote.problems import ServiceProblem
from client.remote.uploading import upload_bytes
from keys.derivation import key_id
from keys.errors import Refusal
from keys.signing import SIGNATURE_LENGTH
from vault.api.problems import Code
from vault.container import limits
from vault.container.examine import Expectations
from vault.container.heads import read_outline
from vault.container.layout import PREAMBLE_LENGTH, parse_preamble
from vault.container.manifest import CarriedRecipient
from vault.container.rewrap import replace_envelope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from client.profile import ServiceProfile
    from client.remote.service import Service
    from client.remote.transport import Stream
    from keys.statements import DossierKey
    from vault.api.models.evidence import Version
    from vault.container.envelope import SignedEnvelope
    from vault.container.examine import Headed, Outline
    from vault.container.seal import SignedSeal

ATTEMPTS: Final = 8
"""How often an envelope is met again that somebody else wrote meanwhile."""

_MAX_HEAD: Final = PREAMBLE_LENGTH + limits.ENVELOPE
_MAX_SEAL: Final = 4 + limits.SEAL + SIGNATURE_LENGTH


class Stored(NamedTuple):
    """One version, as the service has it now.

    Attributes:
        version: what the service says of it.
        outline: preamble, envelope and seal, which agree.
    """

    version: Version
    outline: Outline


async def fetch_stored(service: Service, known: ServiceProfile, version: Version) -> Stored:
    """Fetch all of a version but payload and leaves, and judge it.

    Raises:
        RefusedContainer: it is not what was sealed, or is older than what was seen.
        ServiceProblem, TransportProblem: it did not come.
    """
    name = f"{version.evidence} {version.number}"
    head = await _read(service.fetch_envelope(version.evidence, version.number), _MAX_HEAD)
    with refusing(name):
        preamble = parse_preamble(head)
    # The seal ends the body: nothing before it has to come along.
    offset = preamble.seal_offset - preamble.payload_offset
    end = await _read(service.fetch_body(version.evidence, version.number, offset=offset), _MAX_SEAL)
    before = known.proof(bytes.fromhex(version.seal_id))
    seen = before.generation if before else 0
    expected = Expectations(version.dossier, generation=seen, successors=partial(_followers, known))
    with refusing(name):
        outline = read_outline(head, end, expected)
    if outline.seal.seal_id.hex() != version.seal_id:
        raise Distrusted(CONTAINER, Refusal.MISMATCH)
    return Stored(version, outline)


class EnvelopeWriter:
    """Writes envelopes of one dossier.

    Args:
        service: signed in as who sealed what is to be changed.
        known: the profile, which keeps the generations that were seen.
        renew: called where the dossier was given its next key meanwhile, before the next attempt.
    """

    def __init__(self, service: Service, known: ServiceProfile, renew: Callable[[], Awaitable[None]]) -> None:
        self._service = service
        self._known = known
        self._renew = renew

    async def write(self, stored: Stored, make: Callable[[Outline], SignedEnvelope | None]) -> Version | None:
        """Put what ``make`` returns in the place of a version's envelope; None: there was nothing to do.

        Args:
            stored: the version as it was fetched.
            make: returns the next envelope, or None where the present one is as it should be; called again
                for each that somebody else wrote meanwhile.

        Raises:
            ServiceProblem, TransportProblem: the service refuses or does not answer.
            RefusedContainer: what is there now is not what was sealed.
        """
        version, outline = stored
        attempt = 0
        while True:
            attempt += 1
            envelope = await asyncio.to_thread(make, outline)
            if envelope is None:
                return None
            head, number = replace_envelope(outline, envelope), version.number
            try:
                after = await self._service.rewrite_envelope(
                    version.evidence,
                    number,
                    upload_bytes(head),
                    if_match=str(outline.envelope.envelope.generation),
                )
            except ServiceProblem as refused:
                if attempt == ATTEMPTS:
                    raise
                if refused.code is Code.DOSSIER_KEY_OUTDATED:
                    await self._renew()
                elif refused.code is not Code.PRECONDITION_FAILED:
                    raise
                version, outline = await fetch_stored(self._service, self._known, version)
                continue
            self._keep(after)
            return after

    def _keep(self, version: Version) -> None:
        seal_id = bytes.fromhex(version.seal_id)
        before = self._known.proof(seal_id)
        self._known.keep_proof(
            Proof(
                seal_id,
                version.evidence,
                version.number,
                version.dossier,
                version.generation,
                before.receipt if before else None,
            )
        )


def dossier_slots(headed: Headed, key: DossierKey) -> tuple[list[bytes], list[CarriedRecipient]]:
    """Return what a new envelope has to change so that it is taken: slots to remove, keys to add.

    It needs an access for the dossier's current key, and none for another one, whatever its label.
    """
    wanted = (key_id(key.public_key), key.generation)
    every = headed.envelope.envelope.recipient_slots
    slots = [slot for slot in every if slot.role == "dossier"]
    outdated = {slot.id: slot.key for slot in slots if (slot.key, slot.generation) != wanted}
    keys = {*outdated.values()} - {wanted[0]}
    also = [slot.id for slot in every if slot.role != "dossier" and slot.key in keys]
    current = CarriedRecipient("dossier", key.generation, key.public_key)
    return [*outdated, *also], [] if len(outdated) < len(slots) else [current]


def _followers(known: ServiceProfile, seal: SignedSeal) -> Mapping[bytes, bytes]:
    dossier = known_dossier(known, seal.seal.dossier)
    return dossier.followers(seal) if dossier else {}


async def _read(opening: AbstractAsyncContextManager[Stream], maximum: int) -> bytes:
    data = bytearray()
    async with opening as stream:
        async for chunk in stream.chunks():
            data += chunk
            if len(data) > maximum:
                raise not_ours("container")
    return bytes(data)
