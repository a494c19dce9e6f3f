"""Examining a container that comes without its payload: preamble ‖ envelope ‖ leaves ‖ seal, front to back.

All that a container says stands in these; what is left are blocks, each of which is what its leaf says or
not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.container.examine import NOTHING_EXPECTED, Outline, judge_outline
from vault.container.intake import Intake
from vault.container.layout import LEAF
from vault.merkle import TreeHasher

if TYPE_CHECKING:
    from vault.container.examine import Expectations
    from vault.container.layout import Preamble


class AnnouncementExaminer(Intake[Outline]):
    """Takes a container without its payload; memory is one envelope, however many leaves there are.

    Of what it returns everything is verified but the payload itself.
    """

    def __init__(self, expected: Expectations = NOTHING_EXPECTED) -> None:
        super().__init__(expected)
        self._tree = TreeHasher()
        self._begun = b""

    def _take_middle(self, preamble: Preamble) -> None:
        self._expect(LEAF * preamble.leaf_count, lambda _: self._take_seal_next(), passing=self._take_leaves)

    def _take_leaves(self, piece: memoryview) -> None:
        data = self._begun + piece
        whole = len(data) - len(data) % LEAF
        for offset in range(0, whole, LEAF):
            self._tree.append(data[offset : offset + LEAF])
        self._begun = data[whole:]

    def _conclude(self, outline: Outline) -> Outline:
        judge_outline(outline, self._tree.root(), self._expected)
        return outline
