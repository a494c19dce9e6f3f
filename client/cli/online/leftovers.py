"""What a person is told about a download that was begun earlier, and about one that stops now."""

from __future__ import annotations

from contextlib import contextmanager
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client.cli.output import show_size
from client.errors import N_, ConflictProblem
from client.exchange.partial import SUFFIX
from client.remote.leftovers import Start
from client.terminal import escape, say

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAYINGS: Final = {
    Start.NOTHING: N_("nothing of an earlier download can be used; fetching from the beginning"),
    Start.WHOLE: N_("going on with an earlier download: {size} are there and good"),
    Start.DAMAGED: N_(
        "what an earlier download left is damaged; {size} of it are good, the rest is fetched again"
    ),
    Start.FOREIGN: N_(
        "what an earlier download left does not belong to this container as it is now; "
        "fetching from the beginning"
    ),
}


def tell_start(start: Start, size: int, *, quiet: bool) -> None:
    """Say what became of what an earlier download left."""
    if not quiet:
        say(_(_SAYINGS[start]).format(size=show_size(size)))


@contextmanager
def telling_what_stays(path: str, again: str) -> Iterator[None]:
    """Where the block fails and something stays, say how to go on with it.

    Args:
        path: what was to be written.
        again: the line that goes on.
    """
    try:
        yield
    except ConflictProblem:
        # That one says itself what to do.
        raise
    except BaseException:
        part = Path(path + SUFFIX)
        if part.exists():
            kept = show_size(part.stat().st_size)
            text = _("{part}: {size} are kept; to go on, type: {line}")
            say(text.format(part=escape(str(part)), size=kept, line=again))
        raise
