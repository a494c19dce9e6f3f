"""Fetching a container: it gets its name when it is verified, and not before.

The container is examined while it arrives. Where the line breaks, the download goes on from the byte that it
came to; each attempt stands in the service's journal.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from client.exchange.targets import AtomicFile
from client.refusals import refusing
from client.remote.problems import CutOff
from client.remote.retries import Retries
from vault.container.arrival import ArrivalExaminer
from vault.container.examine import NOTHING_EXPECTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from client.remote.service import Service
    from client.remote.transport import Stream
    from vault.container.examine import Examined, Expectations

    Advance = Callable[[int], None]

_RETRIES: Final = Retries()


async def download(
    service: Service,
    evidence: str,
    number: int,
    path: str,
    *,
    expected: Expectations = NOTHING_EXPECTED,
    check: Callable[[Examined], None] = lambda _examined: None,
    force: bool = False,
    advance: Advance = lambda _count: None,
    retries: Retries = _RETRIES,
) -> Examined:
    """Fetch one version into ``path`` and return what it is.

    Args:
        service: signed in as somebody who may have it.
        evidence: the proof's id.
        number: which version.
        path: where it goes.
        expected: what it must agree with.
        check: raises where the caller does not take what was examined; the file then gets no name.
        force: whether a file of that name may be replaced.
        advance: called with the number of bytes that came since the last call.
        retries: how often and how patiently a broken download goes on.

    Raises:
        RefusedContainer: what came is not a whole container, or not the one that was expected.
        ConflictProblem: something stands at ``path``.
        ServiceProblem, TransportProblem: it did not come.
    """
    with AtomicFile(path, force=force) as target:
        arrival = _Arrival(target, expected, path)
        attempt = 1
        while True:
            try:
                async with (
                    arrival.rest_of(service, evidence, number) as stream,
                    aclosing(stream.chunks()) as chunks,
                ):
                    async for chunk in chunks:
                        await asyncio.to_thread(arrival.take, chunk)
                        advance(len(chunk))
                break
            except CutOff:
                if attempt >= retries.attempts:
                    raise
                await retries.pause(attempt)
                attempt += 1
        with refusing(path):
            examined = arrival.examiner.finalize()
        check(examined)
        target.commit()
    return examined


class _Arrival:
    """What has come so far: in the file, and examined."""

    def __init__(self, target: AtomicFile, expected: Expectations, path: str) -> None:
        self._target = target
        self._path = path
        self._expected = expected
        self.examiner = ArrivalExaminer(expected)

    def rest_of(self, service: Service, evidence: str, number: int) -> AbstractAsyncContextManager[Stream]:
        """Ask for what has not come yet."""
        received = self.examiner.received
        if not received:
            return service.fetch_container(evidence, number)
        preamble = self.examiner.preamble
        if preamble is None or received <= preamble.payload_offset:
            # Only the body can be had in parts; so little is quickly had again.
            self._target.file.seek(0)
            self._target.file.truncate()
            self.examiner = ArrivalExaminer(self._expected)
            return service.fetch_container(evidence, number)
        return service.fetch_body(evidence, number, offset=received - preamble.payload_offset)

    def take(self, chunk: bytes) -> None:
        """Examine and keep the next bytes."""
        with refusing(self._path):
            self.examiner.update(chunk)
        self._target.write(chunk)
