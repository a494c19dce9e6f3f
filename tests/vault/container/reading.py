"""Reading a container in tests: all of it, in the order of the specification, keeping what was released."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vault.container.arrival import ArrivalExaminer
from vault.container.examine import NOTHING_EXPECTED, examine, verify_blocks
from vault.container.opening import open_container
from vault.container.outcomes import ContainerError, Outcome
from vault.container.steps import FileFinished, FileStarted, Plaintext, run
from vault.container.unlocking import unlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.unwrapping import DecapsulationKey
    from vault.container.examine import Examined, Expectations
    from vault.container.opening import Opened
    from vault.container.slots import PasswordAccess
    from vault.container.steps import Event


@dataclass
class Trail:
    """What a reading released, by path, and which files it called finished."""

    released: dict[str, bytes] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)
    _current: str = ""

    def take(self, event: Event) -> None:
        if isinstance(event, FileStarted):
            assert event.file.path not in self.released
            self._current = event.file.path
            self.released[self._current] = b""
        elif isinstance(event, Plaintext):
            self.released[self._current] += event.data
        elif isinstance(event, FileFinished):
            assert event.file.path == self._current
            self.finished.append(self._current)

    def assert_authentic(self, true_files: dict[str, bytes]) -> None:
        """Every released byte is a true one, in its place; what is called finished is whole."""
        for path, data in self.released.items():
            assert true_files[path].startswith(data)
        for path in self.finished:
            assert self.released[path] == true_files[path]


def reader_of(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


def examine_bytes(data: bytes, expected: Expectations = NOTHING_EXPECTED) -> Examined:
    """Examine without a key, every block."""
    examined = run(examine(len(data), expected), reader_of(data))
    run(verify_blocks(examined), reader_of(data))
    return examined


def arrive(data: bytes, expected: Expectations = NOTHING_EXPECTED, piece: int = 1 << 16) -> Examined:
    """Examine without a key, front to back."""
    examiner = ArrivalExaminer(expected)
    for start in range(0, len(data), piece):
        examiner.update(data[start : start + piece])
    return examiner.finalize()


def open_bytes(
    data: bytes, access: PasswordAccess | DecapsulationKey, expected: Expectations = NOTHING_EXPECTED
) -> Opened:
    """Read up to the manifest, as a client does: blocks are read when they are needed."""
    examined = run(examine(len(data), expected), reader_of(data))
    return run(open_container(examined, unlock(examined, access)), reader_of(data))


def read_all(
    data: bytes,
    access: PasswordAccess | DecapsulationKey,
    expected: Expectations = NOTHING_EXPECTED,
    trail: Trail | None = None,
) -> Trail:
    """Read everything."""
    trail = Trail() if trail is None else trail
    run(open_bytes(data, access, expected).read_files(), reader_of(data), trail.take)
    return trail


def outcome_of(act: Callable[..., object], *args: Any, match: str = "", **options: Any) -> Outcome | None:
    """Return the outcome that ``act`` ends in (None: none), having checked its sentence."""
    try:
        act(*args, **options)
    except ContainerError as error:
        found = error
    else:
        return None
    assert re.search(match, found.detail), found.detail
    return found.outcome


def assert_refused(
    outcome: Outcome, data: bytes, expected: Expectations = NOTHING_EXPECTED, *, match: str = ""
) -> None:
    """Both keyless readers refuse ``data``, with this outcome, for the same reason."""
    assert outcome_of(examine_bytes, data, expected, match=match) is outcome
    assert outcome_of(arrive, data, expected, match=match) is outcome


def assert_refused_inside(
    outcome: Outcome,
    data: bytes,
    access: PasswordAccess | DecapsulationKey,
    *,
    match: str = "",
    finished: int = 0,
) -> Trail:
    """Nothing is wrong to see without a key; with it ``data`` is refused, so many files having finished."""
    examine_bytes(data)
    arrive(data)
    trail = Trail()
    assert outcome_of(read_all, data, access, trail=trail, match=match) is outcome
    assert len(trail.finished) == finished
    return trail
