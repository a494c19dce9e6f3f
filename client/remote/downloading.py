"""Fetching a container: it gets its name when it is verified, and not before.

The container is examined while it arrives. Where the line breaks, the download goes on from the byte that it
came to; what came stays beside the final name, and another process may go on with it, once it has proven it
block by block. Each attempt stands in the service's journal.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Self

from client.errors import ClientError
from client.exchange.partial import PartialFile
from client.refusals import refusing
from client.remote.leftovers import Start, Wanted, take_up
from client.remote.problems import PASSING
from client.remote.retries import LASTING, Endurance
from vault.container.arrival import ArrivalExaminer
from vault.container.examine import NOTHING_EXPECTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from client.remote.retries import Retries
    from client.remote.service import Service
    from client.remote.transport import Stream
    from vault.container.examine import Examined, Expectations
    from vault.container.layout import Preamble

    Advance = Callable[[int], None]
    Started = Callable[[Start, int], None]


async def download(
    service: Service,
    evidence: str,
    number: int,
    path: str,
    *,
    expected: Expectations = NOTHING_EXPECTED,
    check: Callable[[Examined], None] = lambda _examined: None,
    force: bool = False,
    resume: bool = False,
    started: Started = lambda _start, _size: None,
    advance: Advance = lambda _count: None,
    retries: Retries = LASTING,
) -> Examined:
    """Fetch one version into ``path`` and return what it is.

    Args:
        service: signed in as somebody who may have it.
        evidence: the proof's id.
        number: which version.
        path: where it goes; until it is verified, what came stands in ``path`` with ``.part`` behind.
        expected: what it must agree with.
        check: raises where the caller does not take what was examined; the file then gets no name.
        force: whether a file of that name may be replaced.
        resume: whether to go on with what an earlier process left.
        started: where it is to go on, called once with what was found and how many bytes of it are good.
        advance: called with the number of bytes that came since the last call; below 0 where it begins again.
        retries: how often and how patiently a broken download goes on while it gets no further.

    Raises:
        RefusedContainer: what came is not a whole container, or not the one that was expected.
        ConflictProblem: something stands at ``path``; or an earlier download left something, and ``resume``
            is not set.
        ServiceProblem, TransportProblem: it did not come, or not to its end; what came stays.
    """
    with PartialFile(path, force=force, resume=resume) as target:
        arrival = _Arrival(Wanted(service, evidence, number, path, expected, check), target, advance)
        endurance = Endurance(retries)
        with arrival:
            while True:
                try:
                    if resume:
                        start = await arrival.take_up()
                        started(start, arrival.received)
                        resume = False
                    async with arrival.rest() as stream, aclosing(stream.chunks()) as chunks:
                        async for chunk in chunks:
                            await asyncio.to_thread(arrival.take, chunk)
                    break
                except PASSING as error:
                    await endurance.bear(error, arrival.received)
            return arrival.finish()


class _Arrival:
    """What has come so far: in the file, and examined."""

    def __init__(self, wanted: Wanted, target: PartialFile, advance: Advance) -> None:
        self._wanted = wanted
        self._target = target
        self._advance = advance
        self._examiner = ArrivalExaminer(wanted.expected)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing of so little that it would be fetched again anyway."""
        if self.received and not self._begun():
            self._target.discard()

    @property
    def received(self) -> int:
        """Bytes that are there and good, as far as can be told."""
        return self._examiner.received

    async def take_up(self) -> Start:
        """Go on with what is in the file."""
        start, self._examiner = await take_up(self._wanted, self._target)
        self._advance(self.received)
        return start

    def rest(self) -> AbstractAsyncContextManager[Stream]:
        """Ask for what has not come yet."""
        service, evidence, number, *_ = self._wanted
        if preamble := self._begun():
            return service.fetch_body(evidence, number, offset=self.received - preamble.payload_offset)
        self._advance(-self.received)
        self._target.cut(0)
        self._examiner = ArrivalExaminer(self._wanted.expected)
        return service.fetch_container(evidence, number)

    def _begun(self) -> Preamble | None:
        """Return the preamble once some of the body came; only the body can be had in parts."""
        preamble = self._examiner.preamble
        return preamble if preamble and self.received > preamble.payload_offset else None

    def take(self, chunk: bytes) -> None:
        """Examine and keep the next bytes."""
        with self._judging():
            self._examiner.update(chunk)
        self._target.write(chunk)
        self._advance(len(chunk))

    def finish(self) -> Examined:
        """Give the file its name, if all of it is as it should be."""
        with self._judging():
            examined = self._examiner.finalize()
            self._wanted.check(examined)
        self._target.commit()
        return examined

    @contextmanager
    def _judging(self) -> Iterator[None]:
        """Keep nothing of what is refused."""
        try:
            with refusing(self._wanted.path):
                yield
        except ClientError:
            self._target.discard()
            raise
