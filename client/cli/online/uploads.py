"""What a person is told about an upload in parts: what is there already, and how to go on if it stops."""

from __future__ import annotations

import asyncio
from gettext import gettext as _
from typing import TYPE_CHECKING, Self

from client.remote.problems import PASSING, SignInRefused
from client.terminal import say

if TYPE_CHECKING:
    from types import TracebackType

_GOES_ON_AFTER = (*PASSING, SignInRefused, KeyboardInterrupt, asyncio.CancelledError)


class Telling:
    """Speaks about one upload, in a ``with`` block around it.

    Args:
        again: the line that goes on with it.
        quiet: whether nothing is said while all goes well.
    """

    def __init__(self, again: str, *, quiet: bool) -> None:
        self._again = again
        self._quiet = quiet
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun and isinstance(error, _GOES_ON_AFTER):
            text = _("the parts that arrived stay at the service; to go on, type: {line}")
            say(text.format(line=self._again))

    def found(self, there: int, parts: int) -> None:
        """Take note that the service knows of it, and say so if it was begun earlier."""
        if there and not self._begun and not self._quiet:
            text = _("going on with an upload begun earlier: {there} of {parts} parts are there")
            say(text.format(there=there, parts=parts))
        self._begun = True
