"""The terminal: what a person is told (stderr), asked and shown. Data goes to stdout, elsewhere.

Text that came out of a container or a file name passes `escape` before it gets here.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from gettext import gettext as _
from typing import TYPE_CHECKING, Final

from client.errors import N_, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Advance = Callable[[int], None]

PROGRAM: Final = "scelle"
PROGRESS_FROM: Final = 8 * 1024 * 1024
"""Below this many bytes the work is done before a bar could be read."""

COUNTING_FROM: Final = 20
"""The same of things that take a request each."""

_MAX_ATTEMPTS: Final = 3
# Spaces other than U+0020 (category Zs): Python calls them not printable, French typography needs them.
_SPACES: Final = frozenset("\u00a0\u1680\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))


def escape(text: str) -> str:
    r"""Return ``text`` with everything that could act on a terminal or deceive a reader written as \u{…}.

    That is every control, formatting (the bidirectional ones among them), surrogate, private or unassigned
    character, and line and paragraph separators.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _SPACES else f"\\u{{{ord(character):x}}}"
        for character in text
    )


def say(message: str) -> None:
    """Tell the person something on stderr: one line, under the program's name."""
    sys.stderr.write(f"{PROGRAM}: {message}\n")
    sys.stderr.flush()


def can_ask() -> bool:
    """Tell whether a person sits at a terminal that can be asked."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ask_secret(prompt: str) -> str:
    """Ask for a password without echo, on the terminal itself whatever stdin and stdout are.

    Raises:
        UsageProblem: there is no terminal.
    """
    if not can_ask():
        raise UsageProblem(
            N_("no terminal to ask for a password; give it with --password-file or --passphrase-file")
        )
    from getpass import getpass  # noqa: PLC0415 - only where somebody is asked

    return getpass(f"{prompt} ")


def ask_new_secret(prompt: str, again: str) -> str:
    """Ask for a new password twice, at most three times over.

    Raises:
        UsageProblem: there is no terminal, or the two never agreed.
    """
    for _attempt in range(_MAX_ATTEMPTS):
        secret = ask_secret(prompt)
        if secret and secret == ask_secret(again):
            return secret
        say(_("that was empty or not the same twice") if secret else _("it may not be empty"))
    raise UsageProblem(N_("no password was given"))


@contextmanager
def progress(label: str, total: int, *, quiet: bool = False) -> Iterator[Advance]:
    """Show a bar on stderr while ``total`` bytes are worked on; silent in a pipe and for small work.

    Yields:
        a function to call with the number of bytes done since the last call.
    """
    if quiet or total < PROGRESS_FROM or not sys.stderr.isatty():
        yield _ignore
        return
    from client.progressbar import bar  # noqa: PLC0415 - rich costs more than sealing a small document

    with bar(label, total) as advance:
        yield advance


@contextmanager
def counting(label: str, total: int, *, quiet: bool = False) -> Iterator[Advance]:
    """Show a bar on stderr while ``total`` things are done; silent in a pipe and for a few.

    Yields:
        a function to call with the number of things done since the last call.
    """
    if quiet or total < COUNTING_FROM or not sys.stderr.isatty():
        yield _ignore
        return
    from client.progressbar import counted_bar  # noqa: PLC0415 - as above

    with counted_bar(label, total) as advance:
        yield advance


def _ignore(_count: int) -> None:
    pass
