"""Reading without doing I/O: a reader asks for bytes, a driver fetches them from a file, HTTP or S3.

A reader is a generator. It yields `Read` and is sent exactly these bytes; some readers also yield events, for
which they are sent None. One machine, many drivers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from vault.container.outcomes import ContainerError, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

    from vault.container.manifest import FileEntry

T = TypeVar("T")
Data = TypeVar("Data", bytes, memoryview)


class Read(NamedTuple):
    """Send me ``length`` bytes (at least 1) from ``offset`` of the container.

    A driver that can read into memory may use ``into``, where it is given and has ``length`` bytes, and send
    it back; large containers then cost no allocations.
    """

    offset: int
    length: int
    into: memoryview | None = None


class FileStarted(NamedTuple):
    """The plaintext of this file follows."""

    file: FileEntry


class Plaintext(NamedTuple):
    """Authentic bytes of the current file, in order; the file as a whole is not yet proven.

    ``data`` may be a view of memory that the next step uses again: write it, or copy it.
    """

    data: bytes | memoryview


class FileFinished(NamedTuple):
    """The current file is whole and has the digest that was sealed: it may get its final name."""

    file: FileEntry


if TYPE_CHECKING:
    Event: TypeAlias = FileStarted | Plaintext | FileFinished
    Steps: TypeAlias = Generator[Read, bytes | memoryview, T]
    Events: TypeAlias = Generator[Read | Event, bytes | memoryview | None, None]


def run(
    steps: Generator[Any, Any, T],
    read_at: Callable[[int, int], bytes],
    on_event: Callable[[Event], None] | None = None,
    read_into: Callable[[memoryview, int], int] | None = None,
) -> T:
    """Drive a reader over something that can be read synchronously, and return its result.

    Args:
        steps: the reader.
        read_at: returns up to ``length`` bytes from ``offset``; fewer only at the end.
        on_event: what to do with each event.
        read_into: fills a view from ``offset`` and returns how many bytes there were; spares allocations.

    Raises:
        ContainerError: whatever the reader found; malformed where bytes were missing.
    """
    answer: bytes | memoryview | None = None
    try:
        while True:
            request = steps.send(answer)
            if isinstance(request, Read):
                if read_into is not None and request.into is not None:
                    answer = require(request, request.into[: read_into(request.into, request.offset)])
                else:
                    answer = require(request, read_at(request.offset, request.length))
            else:
                answer = None
                if on_event is not None:
                    on_event(request)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        steps.close()


def require(request: Read, data: Data) -> Data:
    """Return ``data`` if it is as long as was asked for.

    Raises:
        ContainerError: malformed.
    """
    if len(data) != request.length:
        raise ContainerError(Outcome.MALFORMED, "the container ends too early")
    return data
