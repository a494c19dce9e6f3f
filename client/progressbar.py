"""The progress bar: the one place that knows rich."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _LabelColumn(TextColumn):
    """The label as it is: square brackets in a file name are not rich's markup."""

    def render(self, task: object) -> Text:
        return Text(getattr(task, "description", ""))


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar for ``total`` bytes on stderr and remove it at the end."""
    with _drawn(label, total, DownloadColumn(binary_units=True)) as advance:
        yield advance


@contextmanager
def counted_bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar for ``total`` things that are counted."""
    with _drawn(label, total, MofNCompleteColumn()) as advance:
        yield advance


@contextmanager
def _drawn(label: str, total: int, amount: ProgressColumn) -> Iterator[Callable[[int], None]]:
    columns = (_LabelColumn(""), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(label, total=total)
        yield lambda count: display.advance(task, count)
