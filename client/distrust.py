"""What a person is told about a statement that does not count."""

from __future__ import annotations

from contextlib import contextmanager
from gettext import gettext
from typing import TYPE_CHECKING, Final

from client.errors import N_, ClientError
from keys.errors import KeyMaterialError, Refusal, StatementError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Term:
    """A word inside a sentence, translated with it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return gettext(self._text)


AUTHORITY: Final = Term(N_("the word of the authority"))
CERTIFICATE: Final = Term(N_("the certificate"))
CONTAINER: Final = Term(N_("the container"))
CHECKPOINT: Final = Term(N_("the journal's checkpoint"))
DOSSIER_KEY: Final = Term(N_("the statement on the dossier's key"))
GRANT: Final = Term(N_("the grant"))
HABILITATION: Final = Term(N_("the habilitation"))
MANDATE: Final = Term(N_("the mandate"))
RECEIPT: Final = Term(N_("the receipt"))
RECOVERY: Final = Term(N_("the statement on the recovery key"))
SERVER: Final = Term(N_("the habilitation of the service"))

_FORGED: Final = N_("{what} is not signed by whom it should be; do not go on, and tell an admin [forged]")

SENTENCES: Final = {
    Refusal.WRONG_KIND: N_("{what} turned out to be something else; tell an admin [wrong_kind]"),
    Refusal.EARLY: N_("{what} is not valid yet; check your clock, or ask an admin [early]"),
    Refusal.EXPIRED: N_("{what} has expired; ask an admin for a new one [expired]"),
    Refusal.WITHDRAWN: N_("{what} was withdrawn; ask an admin [withdrawn]"),
    Refusal.SUPERSEDED: N_("{what} was signed by a key that had been replaced; ask an admin [superseded]"),
    Refusal.DISPUTED: N_("{what} depends on a key that named two successors; ask an admin [disputed]"),
    Refusal.NOT_ENTITLED: N_("{what} was signed by somebody who may not; tell an admin [not_entitled]"),
    Refusal.MISMATCH: N_("{what} is about something else; tell an admin [mismatch]"),
}


class Distrusted(ClientError):  # noqa: N818 - named like its siblings
    """Something is not signed by whom it should be, or no longer counts (exit code 5).

    Attributes:
        reason: why the statement does not count, None where it is forged or no statement at all.
    """

    exit_code = 5

    def __init__(self, what: Term, reason: Refusal | None = None) -> None:
        super().__init__(SENTENCES[reason] if reason else _FORGED, what=what)
        self.reason = reason


@contextmanager
def judging(what: Term) -> Iterator[None]:
    """Turn what the key code raises about a statement into `Distrusted`."""
    try:
        yield
    except StatementError as error:
        raise Distrusted(what, error.reason) from error
    except KeyMaterialError as error:
        raise Distrusted(what) from error
