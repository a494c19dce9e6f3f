"""How a payload is cut into parts, and what the store keeps of an upload beside them."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from vault.container.layout import BLOCK, LEAF
from vault.container.seal import parse_stored_seal, verify_seal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vault.container.seal import SignedSeal
    from vault.server.ports import ObjectStore
    from vault.server.stores.records.rows import Upload

MAX_PARTS: Final = 9_000
"""An object store takes 10,000."""


def part_size(payload_length: int, least: int) -> int:
    """Return the length of every part but the last: whole blocks, so that each part has its own leaves."""
    return max(least, -(-payload_length // (MAX_PARTS * BLOCK)) * BLOCK)


def part_count(upload: Upload) -> int:
    """Return how many parts there have to be."""
    return -(-upload.payload_length // upload.part_size)


def part_length(upload: Upload, number: int) -> int:
    """Return how many bytes of payload a part has, counted from 1; none where there is no such part."""
    left = upload.payload_length - (number - 1) * upload.part_size
    return max(0, min(upload.part_size, left))


async def part_leaves(store: ObjectStore, upload: Upload, number: int) -> bytes:
    """Return the leaves of a part's blocks, 32 bytes each."""
    first = (number - 1) * upload.part_size // BLOCK
    length = LEAF * -(-part_length(upload, number) // BLOCK)
    return await _read(store.get(upload.trailer_key, offset=LEAF * first, length=length))


async def seal_of(store: ObjectStore, upload: Upload) -> SignedSeal:
    """Return the seal, its signature verified."""
    leaves = LEAF * -(-upload.payload_length // BLOCK)
    seal = parse_stored_seal(await _read(store.get(upload.trailer_key, offset=leaves)))
    verify_seal(seal)
    return seal


async def _read(chunks: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def trailer_of(store: ObjectStore, upload: Upload) -> AsyncGenerator[bytes, None]:
    """Yield leaves and seal, which end the body; to be closed where it is not read to its end."""
    async with aclosing(store.get(upload.trailer_key)) as chunks:
        async for chunk in chunks:
            yield chunk
