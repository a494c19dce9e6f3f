"""Signing in and enrolling: proving that one has a key, without ever showing it.

What is signed names the service by the URL that it was reached at, so that no service can use a challenge of
another, passed on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, UsageProblem
from client.records import Session
from client.remote.failures import not_ours
from keys.canonical import decode_binary, encode_binary
from keys.errors import KeyMaterialError
from keys.holder import answer_enrolment
from keys.keyfile import encode_public
from keys.possession import CHALLENGE_LENGTH, answer_sign_in
from keys.recipients import WRAPPED_LENGTH
from vault.api.models.people import EnrolmentRequest
from vault.api.models.signin import ChallengeRequest, SessionRequest

if TYPE_CHECKING:
    from client.remote.service import Service
    from keys.keyring import Identity
    from vault.api.models.people import Account
    from vault.api.models.signin import Challenge, Me


# RFC 6750, section 2.1.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class SignedIn(NamedTuple):
    """A session that has begun, and who one is in it."""

    session: Session
    me: Me


async def sign_in(service: Service, identity: Identity) -> SignedIn:
    """Sign in with a key; the service then gets the session with every request.

    Raises:
        SignInRefused: the service does not know this key.
        WrongUseError: a key that signs nothing.
    """
    key = identity.signing
    asked = ChallengeRequest(key_id=key.key_id.hex(), identity=None)
    challenge = await service.create_challenge(asked)
    if challenge.challenge is None:
        raise not_ours("challenge")
    secret = _decode(challenge.challenge, CHALLENGE_LENGTH)
    signature = answer_sign_in(key, origin=service.origin, challenge=secret)
    session = await service.create_session(
        SessionRequest(challenge=challenge.id, key_id=key.key_id.hex(), signature=encode_binary(signature))
    )
    service.use_token(session.token)
    return SignedIn(Session(session.token, "session", session.expires, session.me.role), session.me)


async def sign_in_with_token(service: Service, token: str) -> SignedIn:
    """Take a service token, after asking the service whose it is.

    Raises:
        UsageProblem: it cannot be one; nothing was sent.
        SignInRefused: the service does not know it, or no longer.
    """
    if not _TOKEN.fullmatch(token):
        raise UsageProblem(N_("this is not a service token; scelle token create makes one"))
    service.use_token(token)
    me = await service.get_me()
    return SignedIn(Session(token, "token", me.expires or 0, me.role), me)


async def enrol(service: Service, code: str, identity: Identity) -> Account:
    """Tie an identity to the account that a one-use code was made for.

    Raises:
        NothingThere: the code is not known, was used, or has expired.
        StateConflict: the identity belongs to another account already.
    """
    challenge = await challenge_for(service, identity)
    return await service.enrol(
        EnrolmentRequest(
            code=code,
            challenge=challenge.id,
            identity=encode_public(identity.public),
            signature=prove_possession(identity, challenge, origin=service.origin),
        )
    )


async def challenge_for(service: Service, identity: Identity) -> Challenge:
    """Return a challenge that only the holder of both halves of an identity can answer."""
    public = encode_public(identity.public)
    return await service.create_challenge(ChallengeRequest(key_id=None, identity=public))


def prove_possession(identity: Identity, challenge: Challenge, *, origin: str) -> str:
    """Return the answer to a challenge that was wrapped to an identity, as it is sent.

    Raises:
        NotOurService: it was not wrapped.
        KeyMaterialError: it is not for this key, or comes from another service.
    """
    if challenge.wrapped is None:
        raise not_ours("challenge")
    wrapped = _decode(challenge.wrapped, WRAPPED_LENGTH)
    return encode_binary(answer_enrolment(identity, wrapped, origin=origin))


def _decode(text: str, length: int) -> bytes:
    try:
        return decode_binary(text, length)
    except KeyMaterialError:
        raise not_ours("challenge") from None
