"""What keys and statements can raise. None of the texts carries a secret or a byte of one."""

from __future__ import annotations

from enum import StrEnum


class KeyMaterialError(Exception):
    """Base of everything that this package raises about its input."""


class MalformedError(KeyMaterialError):
    """The bytes are not what they should be: wrong form, wrong length, not canonical."""


class LimitError(KeyMaterialError):
    """A number in the input is outside what a reader accepts; nothing was allocated or derived."""


class SignatureError(KeyMaterialError):
    """A signature does not verify."""


class WrongPassphraseError(KeyMaterialError):
    """The passphrase does not open this key file."""


class WrongUseError(KeyMaterialError):
    """The key is made for another use (a dossier key where a person's identity is asked for, say)."""


class KeyFileError(KeyMaterialError):
    """The file system does not allow it: a symbolic link, no regular file, readable by others."""


class KeyFileExistsError(KeyFileError):
    """A file of this name is there already, and overwriting was not asked for."""


class KeyFileMissingError(KeyFileError):
    """There is no file of this name."""


class Refusal(StrEnum):
    """Why a statement, correctly signed, does not count."""

    WRONG_KIND = "wrong_kind"
    """It says something else than what was asked for."""
    EARLY = "early"
    """It was not yet valid, or not yet said, at the time judged."""
    EXPIRED = "expired"
    """It had run out at the time judged."""
    WITHDRAWN = "withdrawn"
    """It had been withdrawn at the time judged."""
    SUPERSEDED = "superseded"
    """The key had handed over to a successor, or had not yet been handed to."""
    DISPUTED = "disputed"
    """The key named two different successors: nobody can tell which one is meant."""
    NOT_ENTITLED = "not_entitled"
    """Whoever signed it may not say this."""
    MISMATCH = "mismatch"
    """It is about another dossier, generation or key than the one at hand."""


class StatementError(KeyMaterialError):
    """A statement does not count; ``reason`` says why."""

    def __init__(self, reason: Refusal, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class ShareFlaw(StrEnum):
    """Why shares of a secret do not open it."""

    WORD = "word"
    """A word is not one of the list."""
    LENGTH = "length"
    """There are words missing, or too many of them."""
    CHECKSUM = "checksum"
    """The words are words, but not those of a share: one is wrong, or two are swapped."""
    CONTENT = "content"
    """The checksum is right, yet no program writes such a share."""
    MIXED = "mixed"
    """It was made at another time, or of another secret, than the first one."""
    REPEATED = "repeated"
    """It has the place of one that was given before."""
    TOO_FEW = "too_few"
    """More shares are needed."""
    FORGED = "forged"
    """Each is well-formed, but together they give nothing that was ever shared out."""


class ShareError(KeyMaterialError):
    """Shares do not open: one is no share, or they do not make a whole.

    Attributes:
        flaw: what is wrong.
        share: which share, in the order given and from 0; None if it is not one alone.
        word: which word of it, from 0; None unless one is not in the list.
        needed: how many are needed (of one group, or groups), if there are too few; otherwise 0.
    """

    def __init__(
        self,
        flaw: ShareFlaw,
        text: str,
        *,
        share: int | None = None,
        word: int | None = None,
        needed: int = 0,
    ) -> None:
        super().__init__(text)
        self.flaw = flaw
        self.share = share
        self.word = word
        self.needed = needed
