"""Examining a container while it arrives, front to back: what a server does with a deposit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.container.examine import NOTHING_EXPECTED, Examined, judge_content
from vault.container.intake import Intake
from vault.container.leaves import LeafHasher
from vault.container.outcomes import ContainerError, Outcome

if TYPE_CHECKING:
    from vault.container.examine import Expectations, Outline
    from vault.container.layout import Preamble


class ArrivalExaminer(Intake[Examined]):
    """Takes a whole container; memory is 64 bytes for each MiB of payload, and one envelope.

    What it returns is examined as `examine` and `verify_blocks` would.
    """

    def __init__(self, expected: Expectations = NOTHING_EXPECTED) -> None:
        super().__init__(expected)
        self._hasher = LeafHasher()
        self._leaves = b""

    @property
    def block_leaves(self) -> bytes:
        """Leaves of the blocks of payload that are full so far, 32 bytes each."""
        return bytes(self._hasher.leaves)

    def _take_middle(self, preamble: Preamble) -> None:
        self._expect(preamble.payload_length, self._take_payload, passing=self._hasher.update)

    def _take_payload(self, _: bytes) -> None:
        assert self.preamble is not None
        self._expect(self.preamble.seal_offset - self.preamble.leaves_offset, self._take_leaves)

    def _take_leaves(self, data: bytes) -> None:
        self._leaves = data
        self._take_seal_next()

    def _conclude(self, outline: Outline) -> Examined:
        examined = Examined(*outline, self._leaves)
        judge_content(examined, self._expected)
        if self._hasher.finalize() != self._leaves:
            raise ContainerError(Outcome.PAYLOAD_DAMAGED, "the payload was changed")
        return examined
