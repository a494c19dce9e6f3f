"""Shares of a recovery key on the terminal: shown one at a time, and typed in, each checked at once."""

from __future__ import annotations

import re
from difflib import get_close_matches
from gettext import gettext as _
from typing import TYPE_CHECKING, Final

from client.cli.privatescreen import PrivateScreen
from client.errors import ClientError
from client.shares import WORDS, explaining
from keys.errors import ShareError, ShareFlaw
from keys.slip39 import words as wordlist
from keys.slip39.phrase import read_share, unknown_word
from keys.slip39.sharing import check_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.slip39.phrase import Share

_COLUMNS: Final = 5
_CORRECTION: Final = re.compile(r"([0-9]{1,2})\s+([a-z]+)")


def show_shares(phrases: Sequence[str], threshold: int, fingerprint: str) -> bool:
    """Show each share until somebody has written it down; returns whether the terminal put them away.

    Raises:
        UsageProblem: there is no terminal, or it was closed before the last one was seen.
    """
    with PrivateScreen() as screen:
        for number, phrase in enumerate(phrases, 1):
            screen.page(
                [
                    _("recovery key {fingerprint}").format(fingerprint=fingerprint),
                    _("share {number} of {count}; any {threshold} of them open everything").format(
                        number=number, count=len(phrases), threshold=threshold
                    ),
                    "",
                    *_rows(phrase.split()),
                    "",
                    _("write it down by hand, for one person, and keep it apart from the others"),
                ]
            )
            screen.ask(_("then press Enter:"))
        return screen.leaves_nothing


def ask_for_shares() -> list[Share]:
    """Ask for as many shares as the first one says are needed.

    Raises:
        UsageProblem: there is no terminal, or nothing more was typed.
    """
    shares: list[Share] = []
    with PrivateScreen() as screen:
        while not shares or len(shares) < shares[0].threshold:
            shares.append(_ask_for_share(screen, shares))
    return shares


def _ask_for_share(screen: PrivateScreen, earlier: Sequence[Share]) -> Share:
    title = _("share {number}").format(number=len(earlier) + 1)
    if earlier:
        title = _("share {number} of {needed}").format(number=len(earlier) + 1, needed=earlier[0].threshold)
    screen.page(
        [
            title,
            _("type its {count} words, as many on a line as you like").format(count=WORDS),
            _("to put one right: its number and the word, such as 7 academic; to begin again: 0"),
            "",
        ]
    )
    words: list[str] = []
    while True:
        prompt = _("from word {number}:").format(number=len(words) + 1)
        if len(words) >= WORDS:
            try:
                return _check(words, title, earlier)
            except ClientError as error:
                for row in _rows(words):
                    screen.add(row)
                screen.add(_(error.template).format(**error.values))
            prompt = _("the number and the right word, or 0:")
        _take(screen, screen.ask(prompt).lower(), words)


def _take(screen: PrivateScreen, line: str, words: list[str]) -> None:
    """Add what was typed to ``words``, or put one right; say which word is none."""
    if line == "0":
        words.clear()
        return
    correction = _CORRECTION.fullmatch(line)
    typed = [correction[2]] if correction else line.split()
    unknown = unknown_word(typed)
    if unknown is not None:
        close = ", ".join(get_close_matches(typed[unknown], wordlist.WORDS))
        screen.add(_("{word}: not in the list; type this line again").format(word=typed[unknown]))
        if close:
            screen.add(_("near to it: {words}").format(words=close))
    elif correction:
        if 0 < int(correction[1]) <= len(words):
            words[int(correction[1]) - 1] = correction[2]
    else:
        words.extend(typed)


def _check(words: Sequence[str], title: str, earlier: Sequence[Share]) -> Share:
    with explaining([title] * (len(earlier) + 1)):
        if len(words) != WORDS:
            raise ShareError(ShareFlaw.LENGTH, "too many words")
        share = read_share(" ".join(words))
        if share.groups != 1:
            raise ShareError(ShareFlaw.CONTENT, "shares in groups")
        check_together([*earlier, share])
    return share


def _rows(words: Sequence[str]) -> list[str]:
    """Return numbered words in columns."""
    cells = [f"{number:>2} {word:<8}" for number, word in enumerate(words, 1)]
    return ["   ".join(cells[at : at + _COLUMNS]).rstrip() for at in range(0, len(cells), _COLUMNS)]
