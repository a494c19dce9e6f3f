"""A page of the terminal for secrets: what is shown and typed there is gone when it is left."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TextIO

from client.errors import N_, UsageProblem
from client.terminal import can_ask, escape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

_TERMINAL: Final = Path("/dev/tty")
# The alternate screen, as editors use it: it has no scrollback, and the terminal puts back what was there.
_ENTER: Final = "\x1b[?1049h"
_LEAVE: Final = "\x1b[2J\x1b[?1049l"
_CLEAR: Final = "\x1b[2J\x1b[H"
_PLAIN: Final = {"", "dumb"}


class PrivateScreen:
    """Shows pages and asks on the terminal itself, whatever stdin and stdout are.

    Attributes:
        leaves_nothing: whether the terminal can put away what was shown.
    """

    def __init__(self) -> None:
        """Look for the terminal.

        Raises:
            UsageProblem: there is none.
        """
        if not can_ask():
            raise UsageProblem(N_("no terminal to show and ask for shares on; use files"))
        self.leaves_nothing = os.environ.get("TERM", "") not in _PLAIN
        self._handles = ExitStack()
        self._output: TextIO
        self._input: TextIO

    def __enter__(self) -> Self:
        # Two handles: a terminal cannot be opened for both by one buffered file.
        self._output = self._handles.enter_context(
            _TERMINAL.open("w", encoding="utf-8", errors="backslashreplace")
        )
        self._input = self._handles.enter_context(_TERMINAL.open(encoding="utf-8", errors="replace"))
        self._write(_ENTER if self.leaves_nothing else "")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._handles:
            self._write(_LEAVE if self.leaves_nothing else "")

    def page(self, lines: Iterable[str]) -> None:
        """Show lines in the place of all that was there."""
        self._write(_CLEAR if self.leaves_nothing else "\n")
        for line in lines:
            self.add(line)

    def add(self, line: str) -> None:
        """Show one more line."""
        self._write(f"{escape(line)}\n")

    def ask(self, prompt: str) -> str:
        """Return the line that is typed, which is seen while it is typed.

        Raises:
            UsageProblem: the terminal was closed, or the line ended with Ctrl-D.
        """
        self._write(f"{prompt} ")
        line = self._input.readline()
        if not line:
            raise UsageProblem(N_("nothing more was typed; nothing was written"))
        return line.strip()

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()
