"""Tokens (smart cards, hardware security modules) that lock key files, through PKCS#11.

A token is found by the key that it holds, before anybody is asked for a PIN: a PIN that is meant for one
token is never tried on another. The library to load is named by the person alone, since loading it runs it;
no file that comes from elsewhere can name one.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client.errors import N_, AccessProblem, ClientError, ConflictProblem, NotFoundProblem, UsageProblem
from keys.randomness import random_bytes
from keys.tokenlock import POINT_LENGTH, SHARED_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keys.tokenlock import TokenLock

    AskPin = Callable[[str], str]
    """Returns the PIN of the token with this label."""

LIBRARY_VARIABLE: Final = "SCELLE_PKCS11_MODULE"
NEW_LABEL: Final = "scelle"
_ID_LENGTH: Final = 16
# The octet string that the standard puts around a point of P-384; some tokens leave it out.
_WRAPPED: Final = bytes([4, POINT_LENGTH])


class Tries(Enum):
    """How many wrong PINs a token still takes, as far as it says."""

    SOME = "some"
    FEW = "few"
    LAST = "last"
    NONE = "none"


class TokenMissing(NotFoundProblem):
    """There is no token, or none of the name that was given."""


class OtherToken(AccessProblem):
    """There are tokens, and none of them has the key."""


class WrongPin(AccessProblem):
    """The token does not take this PIN, or takes none any more; ``tries`` says what it still takes."""

    def __init__(self, tries: Tries, label: str) -> None:
        super().__init__(_WRONG[tries], label=label)
        self.tries = tries


_WRONG: Final = {
    Tries.SOME: N_("the token {label} does not take this PIN; check it, a token locks itself after a few"),
    Tries.FEW: N_("the token {label} does not take this PIN; it takes few more before it locks itself"),
    Tries.LAST: N_("the token {label} does not take this PIN, and locks itself after one more wrong one"),
    Tries.NONE: N_("the token {label} is locked after too many wrong PINs; whoever manages it can unlock it"),
}


class NewKey(NamedTuple):
    """A key on a token that is to lock a file.

    Attributes:
        point: its public half, 97 bytes.
        token: label of the token.
    """

    point: bytes
    token: str


def agree(lock: TokenLock, ask: AskPin) -> bytes:
    """Return the 48 bytes that the token with the key of ``lock`` shares with it.

    Raises:
        TokenMissing, OtherToken, WrongPin: as they say.
        ClientError: no library, or the token fails.
    """
    with _library() as (pkcs11, library):
        token, key_id = _holder(pkcs11, library, lock.key)
        with _session(pkcs11, library, token, ask, write=False) as session:
            return _derive(pkcs11, _private(pkcs11, session, key_id, token), lock.ephemeral)


def prepare_key(label: str, name: str | None, ask: AskPin) -> NewKey:
    """Make a P-384 key on the token ``label``, or take the one there whose label is ``name``.

    Raises:
        TokenMissing, WrongPin: as they say.
        NotFoundProblem: no key of that name.
        ConflictProblem: several tokens of that label, or several keys of that name.
        AccessProblem: the key could leave the token.
        ClientError: no library, or the token fails.
    """
    with _library() as (pkcs11, library):
        token = _named(_tokens(pkcs11, library), label)
        with _session(pkcs11, library, token, ask, write=name is None) as session:
            if name is None:
                key_id, point = _generate(pkcs11, session)
            else:
                key_id, point = _existing(pkcs11, session, name)
            _require_kept(pkcs11, _private(pkcs11, session, key_id, token), name or NEW_LABEL)
            return NewKey(point, _label(token))


# --- the library ------------------------------------------------------------------------------------------


@contextmanager
def _library() -> Iterator[tuple[Any, Any]]:
    try:
        import pkcs11  # noqa: PLC0415 - an extra that not everybody has installed
    except ModuleNotFoundError as error:
        raise ClientError(
            N_("tokens need a part of this program that is not installed: pip install 'scelle[pkcs11]'")
        ) from error
    path = os.environ.get(LIBRARY_VARIABLE, "")
    if not os.path.isabs(path):  # noqa: PTH117 - a relative name would be looked for wherever libraries lie
        raise UsageProblem(
            N_("{variable} must name the token's library (PKCS#11) by its whole path"),
            variable=LIBRARY_VARIABLE,
        )
    try:
        library = pkcs11.lib(path)
    except (RuntimeError, OSError) as error:
        raise ClientError(
            N_("{path}: this library cannot be used; {variable} must name that of your token"),
            path=path,
            variable=LIBRARY_VARIABLE,
        ) from error
    try:
        yield pkcs11, library
    except RuntimeError as error:
        # What is known was told apart before; the name of the rest is the standard's, and says no secret.
        raise ClientError(N_("the token does not do this ({name})"), name=type(error).__name__) from error


def _tokens(pkcs11: Any, library: Any) -> list[Any]:
    found = list(library.get_tokens(token_flags=pkcs11.TokenFlag.TOKEN_INITIALIZED))
    if not found:
        raise TokenMissing(N_("there is no token; plug it in, or check what SCELLE_PKCS11_MODULE names"))
    return found


def _named(tokens: list[Any], label: str) -> Any:
    found = [token for token in tokens if _label(token) == label]
    if not found:
        raise TokenMissing(
            N_("there is no token {label}; there are: {labels}"),
            label=label,
            labels=", ".join(map(_label, tokens)),
        )
    if len(found) > 1:
        raise ConflictProblem(N_("there are several tokens {label}; leave one of them in"), label=label)
    return found[0]


def _label(token: Any) -> str:
    return str(token.label)


# --- what is on a token -----------------------------------------------------------------------------------


def _holder(pkcs11: Any, library: Any, point: bytes) -> tuple[Any, bytes]:
    """Return the token that has a key, and the key's id there; public keys are shown without a PIN."""
    tokens = _tokens(pkcs11, library)
    for token in tokens:
        with token.open() as session:
            for public in _public_keys(pkcs11, session):
                if _point(public[pkcs11.Attribute.EC_POINT]) == point:
                    return token, bytes(public[pkcs11.Attribute.ID])
    raise OtherToken(
        N_("none of the tokens here has the key that opens this file ({labels}); plug in the right one"),
        labels=", ".join(map(_label, tokens)),
    )


def _public_keys(pkcs11: Any, session: Any, **about: str) -> list[Any]:
    wanted = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
        pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.EC,
        **({pkcs11.Attribute.LABEL: about["label"]} if about else {}),
    }
    return list(session.get_objects(wanted))


def _point(stored: bytes) -> bytes:
    return stored.removeprefix(_WRAPPED) if len(stored) == len(_WRAPPED) + POINT_LENGTH else stored


def _private(pkcs11: Any, session: Any, key_id: bytes, token: Any) -> Any:
    found = list(
        session.get_objects(
            {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.ID: key_id}
        )
    )
    if len(found) != 1:
        raise OtherToken(
            N_("the token {label} shows the key's public half only; the key itself is elsewhere"),
            label=_label(token),
        )
    return found[0]


def _generate(pkcs11: Any, session: Any) -> tuple[bytes, bytes]:
    from pkcs11.util.ec import encode_named_curve_parameters  # noqa: PLC0415 - as above

    of = pkcs11.Attribute
    curve = session.create_domain_parameters(
        pkcs11.KeyType.EC, {of.EC_PARAMS: encode_named_curve_parameters("secp384r1")}, local=True
    )
    key_id = random_bytes(_ID_LENGTH)
    public, _private_half = curve.generate_keypair(
        id=key_id,
        label=NEW_LABEL,
        store=True,
        public_template={of.VERIFY: False},
        private_template={of.SENSITIVE: True, of.EXTRACTABLE: False, of.DERIVE: True, of.SIGN: False},
    )
    return key_id, _point(public[of.EC_POINT])


def _existing(pkcs11: Any, session: Any, name: str) -> tuple[bytes, bytes]:
    found = [
        (bytes(public[pkcs11.Attribute.ID]), point)
        for public in _public_keys(pkcs11, session, label=name)
        if len(point := _point(public[pkcs11.Attribute.EC_POINT])) == POINT_LENGTH
    ]
    if not found:
        raise NotFoundProblem(N_("the token has no key {name} on P-384"), name=name)
    if len(found) > 1:
        raise ConflictProblem(
            N_("the token has several keys {name}; give one of them another name"), name=name
        )
    return found[0]


def _require_kept(pkcs11: Any, private: Any, name: str) -> None:
    of = pkcs11.Attribute
    if private[of.EXTRACTABLE] or not private[of.SENSITIVE] or not private[of.DERIVE]:
        raise AccessProblem(
            N_("the key {name} could leave the token, or may not be used to agree on keys; use another"),
            name=name,
        )


def _derive(pkcs11: Any, private: Any, ephemeral: bytes) -> bytes:
    of = pkcs11.Attribute
    shared = private.derive_key(
        pkcs11.KeyType.GENERIC_SECRET,
        SHARED_LENGTH * 8,
        mechanism=pkcs11.Mechanism.ECDH1_DERIVE,
        mechanism_param=(pkcs11.KDF.NULL, None, ephemeral),
        template={of.TOKEN: False, of.SENSITIVE: False, of.EXTRACTABLE: True},
    )
    return bytes(shared[of.VALUE])


# --- signing in -------------------------------------------------------------------------------------------


@contextmanager
def _session(pkcs11: Any, library: Any, token: Any, ask: AskPin, *, write: bool) -> Iterator[Any]:
    label = _label(token)
    if _tries(pkcs11, library, token) is Tries.NONE:
        raise WrongPin(Tries.NONE, label)
    pin = ask(label)
    try:
        session = token.open(rw=write, user_pin=pin)
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
        raise WrongPin(_tries(pkcs11, library, token), label) from error
    except pkcs11.PinLocked as error:
        raise WrongPin(Tries.NONE, label) from error
    with session:
        yield session


def _tries(pkcs11: Any, library: Any, token: Any) -> Tries:
    """Ask the token again: what it said of itself before does not change by itself."""
    flag = pkcs11.TokenFlag
    flags = next((each.flags for each in library.get_tokens() if each.serial == token.serial), token.flags)
    for one, tries in (
        (flag.USER_PIN_LOCKED, Tries.NONE),
        (flag.USER_PIN_FINAL_TRY, Tries.LAST),
        (flag.USER_PIN_COUNT_LOW, Tries.FEW),
    ):
        if one in flags:
            return tries
    return Tries.SOME
