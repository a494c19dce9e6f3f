"""Taking a container front to back, in pieces of any size: what its two examiners have in common.

The seal stands at the end, so what it proves is judged there, in the same order as `examine` judges it; what
can be refused before (magic, version, limits, form) is refused at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from keys.signing import SIGNATURE_LENGTH
from vault.container.envelope import parse_envelope
from vault.container.examine import NOTHING_EXPECTED, Outline, judge_envelope
from vault.container.layout import (
    MAGIC,
    PREAMBLE_LENGTH,
    SEAL_HEAD,
    Preamble,
    parse_preamble,
    parse_seal_length,
)
from vault.container.outcomes import ContainerError, Outcome
from vault.container.seal import parse_seal, verify_seal

if TYPE_CHECKING:
    from collections.abc import Callable

    from vault.container.envelope import SignedEnvelope
    from vault.container.examine import Expectations

T = TypeVar("T")


class Intake(ABC, Generic[T]):
    """Takes preamble, envelope, whatever an examiner expects then, and the seal.

    Attributes:
        preamble: known after the first 22 bytes, else None.
        envelope: known when it has arrived (its form only, not yet verified), else None.
        received: bytes taken so far.
    """

    def __init__(self, expected: Expectations = NOTHING_EXPECTED) -> None:
        self.preamble: Preamble | None = None
        self.envelope: SignedEnvelope | None = None
        self.received = 0
        self._expected = expected
        self._seal_length = 0
        self._result: T | None = None
        self._failure: ContainerError | None = None
        # One part is awaited at a time: how many bytes of it are missing, what is there, what to do then.
        self._missing = PREAMBLE_LENGTH
        self._buffer = bytearray()
        self._complete: Callable[[bytes], None] = self._take_preamble
        self._passing: Callable[[memoryview], None] | None = None

    @abstractmethod
    def _take_middle(self, preamble: Preamble) -> None:
        """Expect what follows the envelope; `_take_seal_next` goes on from there."""

    @abstractmethod
    def _conclude(self, outline: Outline) -> T:
        """Judge all of it, seal and envelope being verified.

        Raises:
            ContainerError: any outcome but no_access and unsafe_path.
        """

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes.

        Raises:
            ContainerError: as soon as the container cannot become a good one, and at every call from then on.
        """
        self._require_hope()
        try:
            self._take(data)
        except ContainerError as error:
            self._failure = error
            raise

    def _take(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        self.received += len(view)
        while view:
            if not self._missing:
                raise ContainerError(Outcome.MALFORMED, "bytes follow the end of the container")
            piece = view[: self._missing]
            view = view[len(piece) :]
            self._missing -= len(piece)
            if self._passing is not None:
                self._passing(piece)
            else:
                self._buffer += piece
            if self.preamble is None and not self._buffer.startswith(MAGIC[: len(self._buffer)]):
                # Another kind of file is refused at its first byte, not when 22 have come.
                parse_preamble(bytes(self._buffer))
            while not self._missing and self._result is None:
                part, self._buffer = bytes(self._buffer), bytearray()
                self._complete(part)

    def finalize(self) -> T:
        """Return what arrived.

        Raises:
            ContainerError: any outcome but no_access and unsafe_path.
        """
        self._require_hope()
        if self._result is None:
            if self.preamble is None:
                parse_preamble(bytes(self._buffer))
            raise ContainerError(Outcome.MALFORMED, "the container ends too early")
        return self._result

    def _require_hope(self) -> None:
        if self._failure is not None:
            raise ContainerError(self._failure.outcome, self._failure.detail)

    def _expect(
        self,
        length: int,
        complete: Callable[[bytes], None],
        *,
        passing: Callable[[memoryview], None] | None = None,
    ) -> None:
        """Await ``length`` bytes, gathered for ``complete`` or handed to ``passing`` as they come."""
        self._missing, self._complete, self._passing = length, complete, passing

    def _take_preamble(self, data: bytes) -> None:
        self.preamble = parse_preamble(data)
        self._expect(self.preamble.envelope_length, self._take_envelope)

    def _take_envelope(self, data: bytes) -> None:
        assert self.preamble is not None
        self.envelope = parse_envelope(data)
        self._take_middle(self.preamble)

    def _take_seal_next(self) -> None:
        self._expect(SEAL_HEAD, self._take_seal_length)

    def _take_seal_length(self, data: bytes) -> None:
        self._seal_length = parse_seal_length(data)
        self._expect(self._seal_length + SIGNATURE_LENGTH, self._take_seal)

    def _take_seal(self, data: bytes) -> None:
        assert self.preamble is not None
        assert self.envelope is not None
        seal = parse_seal(data[: self._seal_length], data[self._seal_length :])
        verify_seal(seal)
        judge_envelope(self.envelope, seal, self._expected)
        self._result = self._conclude(Outline(self.preamble, self.envelope, seal))
