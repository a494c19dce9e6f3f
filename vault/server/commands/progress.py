"""One line that says how far a command is, on a terminal alone."""

from __future__ import annotations

import sys
import time
from typing import Final, Self

import click

_EVERY: Final = 0.2
"""Seconds between two lines."""


class Progress:
    """A line on stderr that is written over, for as long as the block lasts."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = 0.0
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away, before something else is written."""
        if self._width:
            click.echo(f"\r{'':{self._width}}\r", nl=False, err=True)
            self._width = 0

    def show(self, text: str) -> None:
        """Show how far it is, unless that was just shown."""
        now = time.monotonic()
        if not self._shown or now - self._last < _EVERY:
            return
        self._last = now
        click.echo(f"\r{text:{self._width}}", nl=False, err=True)
        self._width = len(text)
