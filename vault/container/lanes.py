"""Hashing beside the main thread: what makes sealing and opening use two cores.

SHA-256 is nine tenths of the work, and hashlib lets other threads run meanwhile. A lane is one worker thread that
does its jobs in order, a few at a time in waiting, so that memory stays constant.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_DEPTH = 4
"""Jobs of about 1 MiB each that may wait in one lane."""


class Job(Generic[T]):
    """Something that a lane will have done."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._value: T
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work; an error is kept for whoever asks."""
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._error = error
        finally:
            # Lets go of the data that the closure holds.
            del self._work
            self._done.set()

    def result(self) -> T:
        """Wait, and return what the work returned or raise what it raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value


class Lane:
    """One worker thread; it is started by the first job and ended by `close`."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._room = threading.BoundedSemaphore(_DEPTH)
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], T]) -> Job[T]:
        """Have ``work`` done after all that was submitted before; waits while the lane is full."""
        job = Job(work)
        self._room.acquire()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="scelle-hash", daemon=True)
            self._thread.start()
        self._queue.put(job)
        return job

    def close(self) -> None:
        """Do what is waiting, then end the thread. May be called twice."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            job.run()
            self._room.release()
