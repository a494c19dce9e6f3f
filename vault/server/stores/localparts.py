"""Objects that came in parts, in a local folder: one file for each part, there whole or not at all.

The parts stand in a folder of their own. When all are there, that folder takes the object's name in one step,
and nothing is copied. A part's file is named by its number and by its tag, the CRC-32 of what it holds: the
same part sent again takes the place of itself, and another one never stands in for it. (Whether bytes are
authentic is checked before they come here.)
"""

from __future__ import annotations

import os
import re
import shutil
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from vault.server.ports import ObjectDamagedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
    from pathlib import Path

    from vault.server.ports import StagedPart

_PART: Final = re.compile(r"[0-9]{5}-[0-9a-f]{8}")


class Piece(NamedTuple):
    """A file that holds the next ``size`` bytes of an object."""

    path: Path
    size: int


class Crc:
    """The CRC-32 of what passes by."""

    def __init__(self) -> None:
        self.value = 0

    async def over(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Yield the same chunks."""
        async for chunk in chunks:
            self.value = zlib.crc32(chunk, self.value)
            yield chunk


def part_name(number: int, tag: str) -> str:
    """Return the name of a part's file."""
    return f"{number:05d}-{tag}"


def pieces_of(path: Path) -> list[Piece]:
    """Return the files of an object in their order: itself, or its parts.

    Raises:
        OSError: there is none.
    """
    try:
        with os.scandir(path) as entries:
            found = sorted(entry.name for entry in entries if _PART.fullmatch(entry.name))
    except NotADirectoryError:
        return [Piece(path, path.stat().st_size)]
    return [Piece(path / name, (path / name).stat().st_size) for name in found]


def assemble(
    parts: Sequence[StagedPart], *, staged: Path, final: Path, publish: Callable[[Path, Path], None]
) -> None:
    """Make ``final`` of the folder ``staged`` by ``publish``, or find that an earlier call did.

    Raises:
        ObjectDamagedError: a part is missing, or is not what it was.
        OSError: neither is there.
    """
    named = {part_name(part.number, part.tag): part.size for part in parts}
    if not parts or sorted(part.number for part in parts) != list(range(1, len(parts) + 1)):
        raise ObjectDamagedError("a part is missing")
    try:
        found = _sizes(staged)
        if any(found.get(name) != size for name, size in named.items()):
            raise ObjectDamagedError("a part is missing, or is not what it was")
        for name in found.keys() - named.keys():
            (staged / name).unlink(missing_ok=True)
        publish(staged, final)
    except FileNotFoundError:
        # Another call was faster, or this one again after its answer was lost.
        if _sizes(final) != named:
            raise ObjectDamagedError("a part is missing, or is not what it was") from None


def remove(path: Path, aside: Path) -> None:
    """Remove an object or a folder of parts, at once: what takes time happens under the name ``aside``."""
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    try:
        shutil.rmtree(aside)
    except NotADirectoryError:
        aside.unlink()


def _sizes(folder: Path) -> dict[str, int]:
    return {piece.path.name: piece.size for piece in pieces_of(folder)}
