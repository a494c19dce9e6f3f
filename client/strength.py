"""How strong a chosen password is: judged on this machine alone, in the one place that knows zxcvbn."""

from __future__ import annotations

from gettext import gettext as _
from typing import Final, NamedTuple

from client.errors import N_

STRONGEST: Final = 4

_JUDGED: Final = 72
"""Characters that are looked at: the time taken grows faster than the length, and what follows only adds."""

_MORE: Final = N_("Add another word or two. Uncommon words are better.")

ADVICE: Final = (
    _MORE,
    N_("Use a few words, avoid common phrases."),
    N_("No need for symbols, digits, or uppercase letters."),
    N_("Straight rows of keys are easy to guess."),
    N_("Short keyboard patterns are easy to guess."),
    N_("Use a longer keyboard pattern with more turns."),
    N_('Repeats like "aaa" are easy to guess.'),
    N_('Repeats like "abcabcabc" are only slightly harder to guess than "abc".'),
    N_("Avoid repeated words and characters."),
    N_('Sequences like "abc" or "6543" are easy to guess.'),
    N_("Avoid sequences."),
    N_("Recent years are easy to guess."),
    N_("Avoid recent years."),
    N_("Avoid years that are associated with you."),
    N_("Dates are often easy to guess."),
    N_("Avoid dates and years that are associated with you."),
    N_("This is a top-10 common password."),
    N_("This is a top-100 common password."),
    N_("This is a very common password."),
    N_("This is similar to a commonly used password."),
    N_("A word by itself is easy to guess."),
    N_("Names and surnames by themselves are easy to guess."),
    N_("Common names and surnames are easy to guess."),
    N_("Capitalization doesn't help very much."),
    N_("All-uppercase is almost as easy to guess as all-lowercase."),
    N_("Reversed words aren't much harder to guess."),
    N_("Predictable substitutions like '@' instead of 'a' don't help very much."),
)
"""All that zxcvbn says; it looks its texts up in the catalogue that is bound, which is ours."""


class Verdict(NamedTuple):
    """What was found out about a password; nothing of the password itself.

    Attributes:
        score: 0 (guessed at once) to 4 (very hard to guess).
        advice: what to do better, in the person's language; never empty.
    """

    score: int
    advice: str


def judge(password: str, *known: str) -> Verdict:
    """Judge a password.

    Args:
        password: what was chosen.
        known: what an attacker knows anyway, such as the user name.
    """
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its word lists take long to load, and few choose a password

    found = zxcvbn(password[:_JUDGED], user_inputs=list(known))
    said = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
    return Verdict(found["score"], " ".join(text for text in said if text) or _(_MORE))
