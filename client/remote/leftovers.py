"""What an earlier download left: proven block by block before anything is fetched again.

Leaves and seal, the end of the body, are fetched first. They say what every block has to be: damage is found
now and not when all the rest has come, and what is not damaged need not come again.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import ClientError
from client.refusals import refusing
from client.remote.problems import ServiceProblem, TransportProblem
from keys.signing import SIGNATURE_LENGTH
from vault.api.problems import Code
from vault.container import limits
from vault.container.arrival import ArrivalExaminer
from vault.container.examine import examine
from vault.container.layout import BLOCK, LEAF, PREAMBLE_LENGTH, SEAL_HEAD, parse_preamble
from vault.container.steps import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.exchange.partial import PartialFile
    from client.remote.service import Service
    from vault.container.examine import Examined, Expectations
    from vault.container.layout import Preamble

_MAX_SEAL: Final = SEAL_HEAD + limits.SEAL + SIGNATURE_LENGTH


class Start(Enum):
    """What a download found when it began."""

    NOTHING = auto()
    """Nothing was there, or no whole block."""
    WHOLE = auto()
    """Every block that was there is good."""
    DAMAGED = auto()
    """From some block on they are not."""
    FOREIGN = auto()
    """It is the beginning of something else, or of an older state."""


class Wanted(NamedTuple):
    """What is to be fetched, and where to.

    Attributes:
        service: signed in as somebody who may have it.
        evidence: the proof's id.
        number: which version.
        path: its name, for messages.
        expected: what it must agree with.
        check: raises where the caller does not take what was examined.
    """

    service: Service
    evidence: str
    number: int
    path: str
    expected: Expectations
    check: Callable[[Examined], None]


async def take_up(wanted: Wanted, target: PartialFile) -> tuple[Start, ArrivalExaminer]:
    """Cut ``target`` to the blocks that are good, and return how it stands and an examiner that has them.

    Raises:
        ServiceProblem, TransportProblem: leaves and seal did not come.
        OSError: the system refuses.
    """
    size = target.size
    if size <= PREAMBLE_LENGTH:
        return Start.NOTHING, _begin_again(wanted, target)
    try:
        examined = await _examine(wanted, target, size)
    except ClientError as error:
        if not _says_something_else(error):
            raise
        return Start.FOREIGN, _begin_again(wanted, target)
    if examined is None:
        return Start.NOTHING, _begin_again(wanted, target)
    return await asyncio.to_thread(_prove, wanted, target, examined)


async def _examine(wanted: Wanted, target: PartialFile, size: int) -> Examined | None:
    """Return what ``target`` is the beginning of, None where not even its envelope came."""
    with refusing(wanted.path):
        preamble = parse_preamble(target.read_at(0, PREAMBLE_LENGTH))
    if size <= preamble.payload_offset:
        return None
    tail = await _fetch_tail(wanted, preamble)

    def read_at(offset: int, length: int) -> bytes:
        if offset < preamble.leaves_offset:
            return target.read_at(offset, length)
        start = offset - preamble.leaves_offset
        return tail[start : start + length]

    with refusing(wanted.path):
        examined = run(examine(preamble.leaves_offset + len(tail), wanted.expected), read_at)
    wanted.check(examined)
    return examined


async def _fetch_tail(wanted: Wanted, preamble: Preamble) -> bytes:
    """Return what follows the payload, or as much of it as there can be."""
    maximum = LEAF * preamble.leaf_count + _MAX_SEAL
    tail = bytearray()
    async with (
        wanted.service.fetch_body(wanted.evidence, wanted.number, offset=preamble.payload_length) as stream,
        aclosing(stream.chunks()) as chunks,
    ):
        async for chunk in chunks:
            tail += chunk
            if len(tail) > maximum:
                break
    return bytes(tail)


def _says_something_else(error: ClientError) -> bool:
    """Tell "this is not its beginning" from "nobody could tell"."""
    if isinstance(error, ServiceProblem):
        return error.code is Code.RANGE_NOT_SATISFIABLE
    return not isinstance(error, TransportProblem)


def _prove(wanted: Wanted, target: PartialFile, examined: Examined) -> tuple[Start, ArrivalExaminer]:
    """Compare every full block with its leaf; what is not full yet is not proven, and comes again."""
    preamble = examined.preamble
    there = (min(target.size, preamble.leaves_offset) - preamble.payload_offset) // BLOCK
    examiner = _feed(wanted, target, preamble.payload_offset + there * BLOCK)
    leaves, good = examiner.block_leaves, there
    for index in range(there):
        if leaves[index * LEAF : (index + 1) * LEAF] != examined.leaves[index * LEAF : (index + 1) * LEAF]:
            good = index
            break
    start = Start.WHOLE if good == there else Start.DAMAGED
    if not good:
        return (start if there else Start.NOTHING), _begin_again(wanted, target)
    position = preamble.payload_offset + good * BLOCK
    if good < there:
        examiner = _feed(wanted, target, position)
    target.cut(position)
    return start, examiner


def _feed(wanted: Wanted, target: PartialFile, stop: int) -> ArrivalExaminer:
    """Return an examiner that has taken the first ``stop`` bytes."""
    examiner = ArrivalExaminer(wanted.expected)
    with refusing(wanted.path):
        while examiner.received < stop:
            examiner.update(target.read_at(examiner.received, min(BLOCK, stop - examiner.received)))
    return examiner


def _begin_again(wanted: Wanted, target: PartialFile) -> ArrivalExaminer:
    target.cut(0)
    return ArrivalExaminer(wanted.expected)
