"""A depositor's key hands over to the next one: said once, by the old key, at a time that can be judged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from client.remote.carriage import to_model
from client.remote.problems import ServiceProblem
from keys.canonical import encode_binary
from keys.possession import prove_signer
from keys.statements import Succession, momentary, sign_statement
from vault.api.models.dossiers import SuccessionRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client.remote.service import Service
    from keys.keyring import Identity
    from vault.api.models.dossiers import Succeeded

T = TypeVar("T")

_ATTEMPTS: Final = 5
"""Another deposit by the old key may come between; five in a row do not."""


def hand_over(old: Identity, new: Identity, dossier: str, origin: str, *, now: int) -> SuccessionRequest:
    """Return the statement that ``new`` stands in the place of ``old`` from ``now`` on, and its proof."""
    key = old.signing
    said = Succession(key.public_key, **momentary(now), old=old.public, new=new.public)
    return SuccessionRequest(
        statement=to_model(sign_statement(said, key)),
        possession=encode_binary(prove_signer(new.signing, origin=origin, dossier=dossier)),
    )


async def succeed(service: Service, old: Identity, new: Identity, dossier: str, *, now: int) -> Succeeded:
    """Hand over, in all dossiers.

    The service says at which time it can be, where this machine's clock is ahead of its own, or where the old
    key deposited in this very second.

    Args:
        service: signed in as ``old``; nobody is signed in afterwards.
        old: the depositor.
        new: who follows it.
        dossier: one in which it has a mandate.
        now: UTC seconds by this machine's clock.

    Raises:
        ServiceProblem: the service refuses; nothing was changed.
    """

    async def send(at: int) -> Succeeded:
        return await service.succeed_depositor(dossier, hand_over(old, new, dossier, service.origin, now=at))

    return await say_when(send, now=now)


async def say_when(send: Callable[[int], Awaitable[T]], *, now: int) -> T:
    """Send a succession, dated as the service says that it can be; raises what ``send`` raises last.

    Args:
        send: sends it, dated at the UTC second that it is given.
        now: UTC seconds by this machine's clock.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return await send(now)
        except ServiceProblem as problem:
            theirs, after = problem.extra.get("now"), problem.extra.get("after")
            if type(theirs) is not int or type(after) is not int or attempt + 1 == _ATTEMPTS:
                raise
            now = theirs
            if after >= theirs:
                await asyncio.sleep(1)
                now = theirs + 1
    raise AssertionError("every attempt returns or raises")
