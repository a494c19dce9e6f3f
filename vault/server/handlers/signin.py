"""Handlers: trust, challenges, sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.signin import Challenge, ChallengeRequest, Me, Session, SessionRequest
from vault.api.models.trust import AuthorityPublication, Trust

if TYPE_CHECKING:
    from vault.server.call import Call


async def get_trust(call: Call) -> Trust:
    """Say who is to be trusted."""
    return await call.services.authority.show()


async def publish_authority(call: Call) -> Trust:
    """Pin the authority."""
    return await call.services.authority.publish(call.body(AuthorityPublication), call.act)


async def create_challenge(call: Call) -> Challenge:
    """Hand out something to sign."""
    return await call.services.signin.challenge(call.body(ChallengeRequest), call.act)


async def create_session(call: Call) -> Session:
    """Sign in."""
    return await call.services.signin.create(call.body(SessionRequest), call.act)


async def delete_session(call: Call) -> None:
    """Sign out."""
    await call.services.signin.end(call.act)


async def get_me(call: Call) -> Me:
    """Say who one is."""
    return await call.services.identification.me(call.act)
