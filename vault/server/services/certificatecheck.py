"""A stored certificate against what was signed: its lines, and its place in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vault.certificates import LINES, CertificateError, LineTree

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keys.statements import Erasure, Rotation
    from vault.server.stores.records.transactions import Reading

    Lines = Callable[[int, int], Awaitable[Sequence[bytes]]]

_LINES: Final = 1000


async def fault_of(view: Reading, said: Erasure | Rotation, count: int, lines: Lines) -> str:
    """Return what is wrong, empty where nothing is.

    Args:
        view: where the journal is.
        said: the certificate's statement, whose signature was verified.
        count: how many lines it speaks of.
        lines: returns lines, given the number of the first, from 0, and how many at most.
    """
    entries = await view.journal.entries(said.journal_position, 1)
    if [row.leaf for row in entries] != [said.journal_leaf]:
        return "the journal does not have the entry that the certificate names"
    tree: LineTree[Any] = LineTree(LINES[said.kind])
    start = 0
    try:
        while found := await lines(start, _LINES):
            for line in found:
                tree.read(line)
            start += _LINES
        tree.require(count=count, root=said.root)
    except CertificateError as error:
        return f"the lines of the certificate were changed: {error}"
    return ""
