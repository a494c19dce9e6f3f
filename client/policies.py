"""What an organisation asks of new passwords, as far as this machine knows it.

The service says it together with a dossier's keys, and the profile keeps it. A template carries it in its
note, which is sealed and opens with the password: so an editor who is offline, or never signed in, knows it
too. Where neither says anything, nothing is asked.
"""

from __future__ import annotations

import re
from typing import Final

from client.errors import N_, UsageProblem
from client.profile import Profile

GENERATED: Final = "generated"
FORBIDDEN: Final = "forbidden"
_STRENGTH: Final = "strength:"
_NOTE: Final = re.compile(r"passwords: (generated|strength:[1-4]|forbidden)")


def asked_of(dossier: str) -> str | None:
    """Return what is asked of new passwords for a dossier, as a service said it last; None if none did.

    Raises:
        ClientError: a damaged profile.
    """
    known = (service.policy(dossier) for service in Profile.default().services())
    return next((policy for policy in known if policy is not None), None)


def to_note(policy: str | None) -> str:
    """Return the note of a template that carries a policy."""
    return f"passwords: {policy}" if policy else ""


def from_note(note: str) -> str | None:
    """Return the policy that a template's note carries, None where it carries none."""
    found = _NOTE.fullmatch(note)
    return found[1] if found else None


def require_passwords(policy: str | None) -> None:
    """Return only if there may be accesses by password at all.

    Raises:
        UsageProblem: there may not.
    """
    if policy == FORBIDDEN:
        raise UsageProblem(
            N_(
                "this dossier's organisation allows no access by password; give access to a key instead: "
                "--recipient FILE"
            )
        )


def require_choice(policy: str | None) -> None:
    """Return only if a person may choose the password.

    Raises:
        UsageProblem: passwords are made here, or there are none.
    """
    require_passwords(policy)
    if policy == GENERATED:
        raise UsageProblem(
            N_(
                "this dossier's organisation takes generated passwords only, none that you choose; leave "
                "the password out, and one is made for you"
            )
        )


def require_strong(policy: str | None, password: str, username: str) -> None:
    """Return only if a chosen password is as strong as is asked.

    Raises:
        UsageProblem: it is weaker; says what to do better.
    """
    if policy is None or not policy.startswith(_STRENGTH):
        return
    from client.strength import STRONGEST, judge  # noqa: PLC0415 - only where it is asked for

    least, verdict = int(policy.removeprefix(_STRENGTH)), judge(password, username)
    if verdict.score < least:
        raise UsageProblem(
            N_(
                "this password is too easy to guess: its strength is {score} of {best}, and this dossier's "
                "organisation asks for {least}; {advice}"
            ),
            score=verdict.score,
            best=STRONGEST,
            least=least,
            advice=verdict.advice,
        )
