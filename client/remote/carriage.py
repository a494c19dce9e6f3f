"""Statements and keys between the interface's models and the key code's types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.failures import not_ours
from keys.canonical import decode_binary, encode_binary
from keys.errors import KeyMaterialError
from keys.keyfile import decode_public
from keys.signing import SIGNATURE_LENGTH
from keys.statements import Signed
from vault.api.models.base import SignedStatement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keys.keyfile import PublicIdentity


def to_model(signed: Signed) -> SignedStatement:
    """Return a statement as it is sent."""
    return SignedStatement(
        statement=encode_binary(signed.statement), signature=encode_binary(signed.signature)
    )


def from_model(model: SignedStatement) -> Signed:
    """Return a statement as it came, unjudged.

    Raises:
        NotOurService: it has another form.
    """
    try:
        statement = decode_binary(model.statement, len(model.statement) * 3 // 4)
        return Signed(statement, decode_binary(model.signature, SIGNATURE_LENGTH))
    except KeyMaterialError:
        raise not_ours("statement") from None


def from_models(models: Iterable[SignedStatement]) -> tuple[Signed, ...]:
    """Return statements as they came, unjudged; raises as `from_model` does."""
    return tuple(from_model(model) for model in models)


def read_identity(text: str) -> PublicIdentity:
    """Return the identity in a public key file that came from the service.

    Raises:
        NotOurService: it is not one.
    """
    try:
        return decode_public(text)
    except KeyMaterialError:
        raise not_ours("public key") from None


def read_stored(text: str, what: str) -> bytes:
    """Return bytes that came as text; ``what`` is what they were to be, as `not_ours` takes it.

    Raises:
        NotOurService: they are none.
    """
    try:
        return decode_binary(text, len(text) * 3 // 4)
    except KeyMaterialError:
        raise not_ours(what) from None
