"""What keys and statements can raise. None of the texts carries a secret or a byte of one."""

from __future__ import annotations


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
