"""Hashing beside the main thread: what makes sealing and opening use two cores.

SHA-256 is nine tenths of the work, and hashlib lets other threads run meanwhile. A lane is a worker thread
that does its jobs in order, a few at a time in waiting, so that memory stays constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from queue import SimpleQueue

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

DEPTH: Final = 4
"""Jobs of about 1 MiB each that may wait in one lane."""

_WORTH_A_THREAD: Final = 4 * 1024 * 1024


class Result(Protocol[T_co]):
    """What a job will have given."""

    def result(self) -> T_co:
        """Wait, and return what the work returned or raise what it raised."""


class Lane(Protocol):
    """Does jobs in the order in which they were submitted."""

    def submit(self, work: Callable[[], T]) -> Result[T]:
        """Have ``work`` done after all that was submitted before; may wait for room."""

    def close(self) -> None:
        """Do what is waiting, then end. May be called twice."""


def open_lane(length: int) -> Lane:
    """Return a lane for work over ``length`` bytes: a thread where it is worth one."""
    return ThreadLane() if length >= _WORTH_A_THREAD else InlineLane()


class InlineLane:
    """Does each job at once, in the caller's thread."""

    def submit(self, work: Callable[[], T]) -> Result[T]:
        """Do it."""
        return _Done(work())

    def close(self) -> None:
        """Nothing is waiting."""


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
        job = _Job(work, self._event())
        self._room.acquire()
        self._queue.put(job)
        return job

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
