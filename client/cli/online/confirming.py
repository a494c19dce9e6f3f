"""Fingerprints: shown, read aloud, typed back. Nobody is trusted because a service says so."""

from __future__ import annotations

from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from client.errors import N_, AccessProblem, UsageProblem
from client.terminal import can_ask, say

if TYPE_CHECKING:
    from client.cli.options import Decorator
    from keys.keyfile import PublicIdentity

_TERMINAL: Final = Path("/dev/tty")


def fingerprint_option(text: str) -> Decorator:
    """``--fingerprint``; ``text`` says whose."""
    return click.option("--fingerprint", metavar=_("FINGERPRINT"), help=text)


def same_fingerprint(identity: PublicIdentity, given: str) -> bool:
    """Tell whether ``given`` is the whole fingerprint, however it is grouped and spelled."""
    return _plain(given) == _plain(identity.fingerprint)


def confirm_fingerprint(identity: PublicIdentity, whose: str, given: str | None) -> None:
    """Return only if the person, or the option, names the fingerprint that ``identity`` has.

    Raises:
        AccessProblem: another one was named.
        UsageProblem: nobody can be asked.
    """
    if given is None:
        if not can_ask():
            raise UsageProblem(N_("no terminal to compare a fingerprint on; give it with --fingerprint"))
        say(_("{whose}: ask for its fingerprint by another way, such as by telephone").format(whose=whose))
        given = _ask(_("type the fingerprint that you were told:"))
    if not same_fingerprint(identity, given):
        raise AccessProblem(
            N_("{whose} has another fingerprint, {fingerprint}; find out why before you go on"),
            whose=whose,
            fingerprint=identity.fingerprint,
        )


def confirm(question: str) -> bool:
    """Ask on the terminal; anything but a clear yes is no."""
    return _ask(question).strip().lower() in {"y", "yes", "o", "oui"}


def confirm_name(prompt: str, name: str) -> bool:
    """Ask on the terminal for a name that has to be typed in full."""
    return _ask(prompt) == name


def _ask(prompt: str) -> str:
    # Two handles: a terminal cannot be opened for both by one buffered file.
    with _TERMINAL.open("w", encoding="utf-8", errors="backslashreplace") as terminal:
        terminal.write(f"{prompt} ")
    with _TERMINAL.open(encoding="utf-8", errors="replace") as terminal:
        return terminal.readline().strip()


def _plain(fingerprint: str) -> str:
    return "".join(character for character in fingerprint.upper() if character.isalnum())
