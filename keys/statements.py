"""What is signed outside containers, as it is signed, carried and read. Source: docs/FORMAT.md, "Statements".

A statement is canonical JSON that begins with ``kind``, ``issuer``, ``issued``, ``from``, ``until``, and a
composite signature in the context of its kind; the kinds stand in ``kinds``, how each is written in
``forms``, and both are imported from here. Whether an issuer *may* say what it signed is judged in ``trust``:
who receives a statement takes it from `Trust.verify`, as `Verified`.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple, TypedDict

from keys.canonical import Binary, Blob, Record, decode, encode
from keys.derivation import digest
from keys.errors import LimitError, MalformedError, Refusal, SignatureError, StatementError
from keys.forms import CODECS, KINDS, check_statement
from keys.kinds import (
    MOMENTARY,
    Approval,
    ApprovedAct,
    Checkpoint,
    DossierKey,
    Erasure,
    Grant,
    Habilitation,
    Mandate,
    Opening,
    OpeningOutcome,
    Reason,
    Receipt,
    RecoveryKey,
    Role,
    Rotation,
    S,
    Statement,
    Succession,
    Withdrawal,
)
from keys.signing import SIGNATURE_LENGTH, SigningKey, VerifyingKey

__all__ = [
    "CLOCK_TOLERANCE",
    "CODECS",
    "KINDS",
    "MAX_CARRIED",
    "MAX_STATEMENT",
    "MOMENTARY",
    "Approval",
    "ApprovedAct",
    "Checkpoint",
    "DossierKey",
    "Erasure",
    "Grant",
    "Habilitation",
    "Mandate",
    "Opening",
    "OpeningOutcome",
    "Period",
    "Reason",
    "Receipt",
    "RecoveryKey",
    "Role",
    "Rotation",
    "Signed",
    "Statement",
    "Succession",
    "Withdrawal",
    "decode_signed",
    "encode_signed",
    "lasting",
    "momentary",
    "read_unjudged",
    "sign_statement",
]

MAX_STATEMENT: Final = 16_384
"""Largest statement in bytes; the longest real one, a succession, has 13 KiB."""

MAX_CARRIED: Final = 32_768
"""Largest {statement, signature} in bytes."""

CLOCK_TOLERANCE: Final = 300
"""Seconds by which an issuer's clock may be ahead of the judge's."""


class Signed(NamedTuple):
    """A statement as it travels and rests: bytes and a signature that nobody has judged yet."""

    statement: bytes
    signature: bytes

    @property
    def id(self) -> bytes:
        """H("scelle/1 statement" ‖ 00 ‖ statement), 32 bytes: what a withdrawal names."""
        return digest("scelle/1 statement", self.statement)

    @property
    def claimed_kind(self) -> str:
        """The kind that it says it is, ``""`` where it says none. Good for sorting, proves nothing."""
        try:
            document = json.loads(self.statement[:MAX_STATEMENT].decode("utf-8"))
        except (ValueError, RecursionError):
            return ""
        kind = document.get("kind") if type(document) is dict else None
        return kind if type(kind) is str and kind in KINDS else ""

    def __repr__(self) -> str:
        return f"Signed({self.claimed_kind or 'unknown'}, id={self.id.hex()})"


_CARRIED: Final = Record(Signed, statement=Blob(maximum=MAX_STATEMENT), signature=Binary(SIGNATURE_LENGTH))


class Period(TypedDict):
    """The three dates of a statement, to be handed on as keyword arguments."""

    issued: int
    valid_from: int
    valid_until: int


def lasting(now: int, seconds: int) -> Period:
    """Return the dates of a statement that stands for ``seconds`` from ``now``; 0 seconds is no end.

    It begins a little early, so that a judge whose clock is behind takes it at once.
    """
    until = now + seconds if seconds else 0
    return Period(issued=now, valid_from=max(now - CLOCK_TOLERANCE, 0), valid_until=until)


def momentary(now: int) -> Period:
    """Return the dates of a statement about the moment ``now`` (see `MOMENTARY`)."""
    return Period(issued=now, valid_from=now, valid_until=0)


def sign_statement(statement: Statement, key: SigningKey) -> Signed:
    """Return ``statement`` signed by ``key``, which must be its issuer.

    Raises:
        MalformedError: a field that may not stand, or another key than the issuer's.
        LimitError: longer than a reader accepts.
        WrongUseError: a habilitated key made for something else than the role needs.
    """
    if statement.issuer != key.public_key:
        raise MalformedError("the signing key is not the statement's issuer")
    check_statement(statement)
    data = encode(CODECS[type(statement)], statement)
    _check_length(data)
    return Signed(data, key.sign(data, context=_context(statement.kind)))


def read_unjudged(signed: Signed, kind: type[S]) -> S:
    """Return the statement after checking form and signature, but not whether its issuer may say it.

    For ``trust``; everybody else takes statements from ``Trust.verify``.

    Raises:
        StatementError: another kind (``wrong_kind``).
        MalformedError: not such a statement.
        LimitError: longer than a statement may be.
        SignatureError: not signed by the issuer that it names, in the context of its kind.
        WrongUseError: a habilitated key made for something else than the role needs.
    """
    _check_length(signed.statement)
    claimed = signed.claimed_kind
    if claimed and KINDS[claimed] is not kind:
        wanted = kind._field_defaults["kind"]
        raise StatementError(Refusal.WRONG_KIND, f"a statement of kind {claimed} instead of {wanted}")
    statement: S = decode(CODECS[kind], signed.statement, maximum=MAX_STATEMENT)
    check_statement(statement)
    try:
        key = VerifyingKey(statement.issuer)
    except MalformedError:
        raise SignatureError("the issuer's key is not a signing key") from None
    key.verify(signed.signature, signed.statement, context=_context(statement.kind))
    return statement


def encode_signed(signed: Signed) -> bytes:
    """Return {"statement", "signature"}, canonical JSON: how a statement is carried."""
    return encode(_CARRIED, signed)


def decode_signed(data: bytes) -> Signed:
    """Return a carried statement, unjudged.

    Raises:
        MalformedError: not of this form.
        LimitError: longer than a statement may be.
    """
    return decode(_CARRIED, data, maximum=MAX_CARRIED)


def _check_length(data: bytes) -> None:
    if len(data) > MAX_STATEMENT:
        raise LimitError(f"a statement of {len(data)} bytes, at most {MAX_STATEMENT} are allowed")


def _context(kind: str) -> str:
    return f"scelle/1 {kind}"
