"""Proofs that somebody holds a private key: to sign in, to enrol, to be given a mandate.

Each is a composite signature over a small canonical document. Sign-in has its own context; the two proofs of
possession share one and are told apart by ``purpose``. ``origin`` is the service's name: an answer given to
one service is worth nothing at another. A challenge has 32 random bytes, is used once and soon expires; both
is for the server to see to. What the holder of the KEM half does is in ``holder``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from keys.canonical import Binary, Choice, Record, Text, encode
from keys.derivation import KEY_ID_LENGTH, key_id
from keys.errors import MalformedError
from keys.randomness import random_bytes
from keys.recipients import Recipient
from keys.signing import SigningKey, VerifyingKey

if TYPE_CHECKING:
    from keys.keyfile import PublicIdentity

CHALLENGE_LENGTH: Final = 32

_SIGN_IN: Final = "scelle/1 sign-in"
_POSSESSION: Final = "scelle/1 possession"
_ORIGIN: Final = Text(maximum=256, pattern=r"\S(?:.*\S)?")


class _SignIn(NamedTuple):
    origin: str
    key: bytes
    challenge: bytes


class _Possession(NamedTuple):
    purpose: Literal["enrolment", "mandate"]
    origin: str
    key: bytes
    challenge: bytes = b""
    dossier: str = ""


_SIGN_IN_CODEC: Final = Record(
    _SignIn, origin=_ORIGIN, key=Binary(KEY_ID_LENGTH), challenge=Binary(CHALLENGE_LENGTH)
)
_POSSESSION_CODEC: Final = Record(
    _Possession,
    purpose=Choice("enrolment", "mandate"),
    origin=_ORIGIN,
    key=Binary(KEY_ID_LENGTH),
    challenge=Binary(CHALLENGE_LENGTH, optional=True),
    dossier=Text(maximum=64, pattern=r"[A-Za-z0-9._-]{0,64}"),
)


def make_challenge() -> bytes:
    """Return a new challenge, 32 bytes: to be used once."""
    return random_bytes(CHALLENGE_LENGTH)


def answer_sign_in(key: SigningKey, *, origin: str, challenge: bytes) -> bytes:
    """Return the signature that signs in with ``key`` at ``origin``.

    Raises:
        MalformedError: an origin or challenge of the wrong form.
    """
    return key.sign(_sign_in(key.key_id, origin, challenge), context=_SIGN_IN)


def verify_sign_in(public_key: bytes, signature: bytes, *, origin: str, challenge: bytes) -> None:
    """Return only if the holder of ``public_key`` (1984 bytes) answered this challenge for this origin.

    Raises:
        SignatureError: it is not so.
        MalformedError: a key, origin or challenge of the wrong form.
    """
    message = _sign_in(key_id(public_key), origin, challenge)
    VerifyingKey(public_key).verify(signature, message, context=_SIGN_IN)


def wrap_challenge(challenge: bytes, identity: PublicIdentity, *, origin: str) -> bytes:
    """Return ``challenge`` wrapped to the KEM half of who wants to enrol, 1713 bytes.

    Only the holder of that half can sign over it; the signature then proves both halves.

    Raises:
        MalformedError: a challenge or key of the wrong form.
    """
    return Recipient(identity.kem).wrap(challenge, challenge_info(identity, origin))


def challenge_info(identity: PublicIdentity, origin: str) -> bytes:
    """Return the ``info`` of HPKE: "scelle/1 challenge" ‖ 00 ‖ key id of both keys (32) ‖ origin."""
    return b"scelle/1 challenge\x00" + identity.key_id + origin.encode()


def sign_enrolment(key: SigningKey, identity: PublicIdentity, *, origin: str, challenge: bytes) -> bytes:
    """Return the signature over an unwrapped challenge; for ``holder``, which unwraps it.

    Raises:
        MalformedError: an origin or challenge of the wrong form.
    """
    message = _enrolment(identity, origin, challenge)
    return key.sign(message, context=_POSSESSION)


def verify_enrolment(identity: PublicIdentity, signature: bytes, *, origin: str, challenge: bytes) -> None:
    """Return only if somebody holds both private halves of ``identity``.

    Args:
        identity: who wants to enrol.
        signature: the answer.
        origin: the service's name.
        challenge: what was wrapped to this identity, and given out in no other form.

    Raises:
        SignatureError: it is not so.
        MalformedError: an origin or challenge of the wrong form.
    """
    message = _enrolment(identity, origin, challenge)
    VerifyingKey(identity.signing).verify(signature, message, context=_POSSESSION)


def prove_signer(key: SigningKey, *, origin: str, dossier: str) -> bytes:
    """Return the signature by which the holder of ``key`` asks for a mandate on ``dossier``.

    Raises:
        MalformedError: an origin or dossier of the wrong form.
    """
    return key.sign(_mandate(key.key_id, origin, dossier), context=_POSSESSION)


def verify_signer(public_key: bytes, signature: bytes, *, origin: str, dossier: str) -> None:
    """Return only if the holder of ``public_key`` (1984 bytes) asked for a mandate on this dossier here.

    Raises:
        SignatureError: it is not so.
        MalformedError: a key, origin or dossier of the wrong form.
    """
    message = _mandate(key_id(public_key), origin, dossier)
    VerifyingKey(public_key).verify(signature, message, context=_POSSESSION)


def _sign_in(key: bytes, origin: str, challenge: bytes) -> bytes:
    return encode(_SIGN_IN_CODEC, _SignIn(origin, key, challenge))


def _enrolment(identity: PublicIdentity, origin: str, challenge: bytes) -> bytes:
    if not challenge:
        raise MalformedError("an enrolment answers a challenge")
    return encode(_POSSESSION_CODEC, _Possession("enrolment", origin, identity.key_id, challenge))


def _mandate(key: bytes, origin: str, dossier: str) -> bytes:
    if not dossier:
        raise MalformedError("a mandate is for a dossier")
    return encode(_POSSESSION_CODEC, _Possession("mandate", origin, key, dossier=dossier))
