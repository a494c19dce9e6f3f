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


class Read(NamedTuple):
    """Send me ``length`` bytes (at least 1) from ``offset`` of the container."""

    offset: int
    length: int


class FileStarted(NamedTuple):
    """The plaintext of this file follows."""

    file: FileEntry


class Plaintext(NamedTuple):
    """Authentic bytes of the current file, in order; the file as a whole is not yet proven."""

    data: bytes


class FileFinished(NamedTuple):
    """The current file is whole and has the digest that was sealed: it may get its final name."""

    file: FileEntry


if TYPE_CHECKING:
    Event: TypeAlias = FileStarted | Plaintext | FileFinished
    Steps: TypeAlias = Generator[Read, bytes, T]
    Events: TypeAlias = Generator[Read | Event, bytes | None, None]


def run(
    steps: Generator[Any, Any, T],
    read_at: Callable[[int, int], bytes],
    on_event: Callable[[Event], None] | None = None,
) -> T:
    """Drive a reader over something that can be read synchronously, and return its result.

    Args:
        steps: the reader.
        read_at: returns up to ``length`` bytes from ``offset``; fewer only at the end.
        on_event: what to do with each event.

    Raises:
        ContainerError: whatever the reader found; malformed where bytes were missing.
    """
    answer: bytes | None = None
    try:
        while True:
            request = steps.send(answer)
            if isinstance(request, Read):
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


def require(request: Read, data: bytes) -> bytes:
    """Return ``data`` if it is as long as was asked for.

    Raises:
        ContainerError: malformed.
    """
    if len(data) != request.length:
        raise ContainerError(Outcome.MALFORMED, "the container ends too early")
    return data
