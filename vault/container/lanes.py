"""Hashing beside the main thread: what makes sealing and opening use two cores.

SHA-256 is nine tenths of the work, and hashlib lets other threads run meanwhile. A lane is a worker thread
that does its jobs in order, a few at a time in waiting, so that memory stays constant. Work that needs no
order is offered: whoever has time does it. That keeps two threads on two cores busy; a third one would be
moved from core to core, and one of them would wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from vault.container.outcomes import MisuseError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from queue import SimpleQueue

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

DEPTH: Final = 8
"""Jobs of about 1 MiB each that may wait in one lane: hashing goes on while a write waits for the disk."""

_WORTH_A_THREAD: Final = 4 * 1024 * 1024

_BUSY: Final = 2
"""With so many jobs waiting, a lane is offered no more."""


def worth_a_thread(length: int) -> bool:
    """Tell whether hashing ``length`` bytes beside the main thread saves more than it costs."""
    return length >= _WORTH_A_THREAD


class Result(Protocol[T_co]):
    """What a job will have given."""

    def result(self) -> T_co:
        """Wait, and return what the work returned or raise what it raised."""


class Lane(Protocol):
    """Does jobs in the order in which they were submitted."""

    def submit(self, work: Callable[[], T]) -> Result[T]:
        """Have ``work`` done after all that was submitted before; may wait for room.

        Raises:
            MisuseError: the lane is closed.
        """

    def offer(self, work: Callable[[], T]) -> Result[T]:
        """Have ``work`` done by the lane or, where that is busy, by the caller, at once.

        Raises:
            MisuseError: the lane is closed.
        """

    def close(self) -> None:
        """Do what is waiting, then end. May be called twice."""


class Ring:
    """Memory in pieces, each used again once the lane that hashes it is through with it.

    Allocating afresh for each MiB costs more in page faults than the encryption does.
    """

    def __init__(self, size: int) -> None:
        """Allocate nothing yet; each of the `DEPTH` + 2 pieces will have ``size`` bytes."""
        self._size = size
        self._pieces: list[bytearray] = []
        self._jobs: list[Result[Any] | None] = []
        self._turn = 0

    def take(self) -> memoryview:
        """Return the piece whose turn it is; what it held is gone. `lend` it before the next is taken."""
        if self._turn == len(self._pieces):
            self._pieces.append(bytearray(self._size))
            self._jobs.append(None)
        job = self._jobs[self._turn]
        if job is not None:
            job.result()
        return memoryview(self._pieces[self._turn])

    def lend(self, job: Result[Any]) -> None:
        """Say which job reads the piece that was taken last."""
        self._jobs[self._turn] = job
        self._turn = (self._turn + 1) % (DEPTH + 2)

    def holds(self, data: bytes | bytearray | memoryview) -> bool:
        """Tell whether ``data`` is a view of the piece whose turn it is."""
        turn = self._pieces[self._turn] if self._turn < len(self._pieces) else None
        return turn is not None and isinstance(data, memoryview) and data.obj is turn


def open_lane(length: int) -> Lane:
    """Return a lane for work over ``length`` bytes: a thread where it is worth one."""
    return ThreadLane() if worth_a_thread(length) else InlineLane()


class InlineLane:
    """Does each job at once, in the caller's thread."""

    def __init__(self) -> None:
        self._closed = False

    def submit(self, work: Callable[[], T]) -> Result[T]:
        """Do it."""
        if self._closed:
            raise MisuseError("the lane is closed")
        return _Done(work())

    offer = submit

    def close(self) -> None:
        """Nothing is waiting."""
        self._closed = True


class _Done(Generic[T]):
    def __init__(self, value: T) -> None:
        self._value = value

    def result(self) -> T:
        return self._value


class ThreadLane:
    """One worker thread. After a job has failed, every later one fails alike: order is its point."""

    def __init__(self) -> None:
        # A small container never needs a thread; what a person types should not load them.
        import threading  # noqa: PLC0415
        from queue import SimpleQueue  # noqa: PLC0415

        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._room = threading.BoundedSemaphore(DEPTH)
        self._event = threading.Event
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = threading.Thread(
            target=self._serve, name="scelle-hash", daemon=True
        )
        self._thread.start()

    def submit(self, work: Callable[[], T]) -> Result[T]:
        """Have ``work`` done after all that was submitted before; waits while the lane is full."""
        if self._thread is None:
            # Nobody would do it: whoever asked for the result would wait for ever.
            raise MisuseError("the lane is closed")
        job = _Job(work, self._event())
        self._room.acquire()
        self._queue.put(job)
        return job

    def offer(self, work: Callable[[], T]) -> Result[T]:
        """Have ``work`` done by the thread, or by the caller while jobs are waiting."""
        if self._thread is not None and self._queue.qsize() >= _BUSY:
            return _Done(work())
        return self.submit(work)

    def close(self) -> None:
        """Do what is waiting, then end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            self._failure = job.run(self._failure)
            # Or the last job's data would live until the next one comes.
            del job
            self._room.release()


class _Job(Generic[T]):
    def __init__(self, work: Callable[[], T], done: threading.Event) -> None:
        self._work = work
        self._done = done
        self._value: T
        self._error: BaseException | None = None

    def run(self, failure: BaseException | None) -> BaseException | None:
        """Do the work unless an earlier job failed; return the failure so far."""
        try:
            if failure is None:
                self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            failure = error
        # Lets go of the data that the closure holds.
        del self._work
        self._error = failure
        self._done.set()
        return failure

    def result(self) -> T:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value
