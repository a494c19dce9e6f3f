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
