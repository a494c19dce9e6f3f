"""Learning whom to trust from a service, and noticing when it says something else than before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from client import distrust
from client.distrust import Distrusted, judging
from client.errors import N_, UsageProblem
from client.records import Pin
from client.remote.carriage import from_model, from_models, read_identity
from client.trust import Anchor
from keys.errors import Refusal
from keys.keyfile import Use, require_use
from keys.statements import RecoveryKey, read_unjudged

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.remote.service import Service


async def learn(service: Service) -> Pin:
    """Return what a service says about itself and its authority: of one piece, and not yet trusted.

    Raises:
        UsageProblem: it goes by another name than the URL that it was reached at.
        Distrusted: the authority that it names does not vouch for it.
    """
    answer = await service.get_trust()
    if answer.origin != service.origin:
        raise UsageProblem(
            N_("the service at {url} calls itself {origin}; use that URL"),
            url=service.url,
            origin=answer.origin,
        )
    server = read_identity(answer.server_identity)
    authority = read_identity(answer.authority) if answer.authority else None
    pin = Pin(
        url=service.url,
        origin=answer.origin,
        server=server,
        authority=authority,
        habilitation=from_model(answer.server) if answer.server else None,
        recovery=from_model(answer.recovery) if answer.recovery else None,
        successions=from_models(answer.successions),
    )
    if authority is not None:
        _require_whole(pin)
    return pin


def renew(trusted: Pin, learned: Pin, *, clock: Callable[[], float] = time.time) -> Pin:
    """Return the pin of somebody who trusts ``trusted``, with what a service says now.

    The authority stays the one that was confirmed; the service's key and the recovery key may have changed,
    on the authority's word.

    Raises:
        Distrusted: the service names an authority that the confirmed one does not lead to, or a recovery key
            from before the one that was known.
    """
    assert trusted.authority is not None
    if learned.authority is None:
        raise Distrusted(distrust.AUTHORITY, Refusal.NOT_ENTITLED)
    # No service makes anybody forget a successor: one that hides it names another authority below.
    known = tuple(dict.fromkeys(trusted.successions + learned.successions))
    renewed = learned._replace(authority=trusted.authority, successions=known)
    _require_whole(renewed, clock)
    _require_later(trusted, renewed)
    anchor = Anchor(renewed, clock=clock)
    if anchor.authority.encoded != learned.authority.encoded and (
        Anchor(learned, clock=clock).authority.encoded != anchor.authority.encoded
    ):
        raise Distrusted(distrust.AUTHORITY, Refusal.NOT_ENTITLED)
    return renewed


def name_authority(learned: Pin, signing_key_id: bytes) -> Pin:
    """Return the pin, if the authority that a template names is, or was, the one that the service names.

    Raises:
        Distrusted: it is another.
    """
    if learned.authority is None or signing_key_id not in Anchor(learned).authority_line:
        raise Distrusted(distrust.AUTHORITY, Refusal.NOT_ENTITLED)
    return learned


def _require_later(trusted: Pin, renewed: Pin) -> None:
    """Check that the recovery key is the one that was known, or a later one: none comes back."""
    if trusted.recovery is None:
        return
    assert renewed.recovery is not None
    before, after = (read_unjudged(one, RecoveryKey) for one in (trusted.recovery, renewed.recovery))
    if after.public_key != before.public_key and after.issued <= before.issued:
        raise Distrusted(distrust.RECOVERY, Refusal.SUPERSEDED)


def _require_whole(pin: Pin, clock: Callable[[], float] = time.time) -> None:
    """Check that the authority vouches for the service's key and for a recovery key."""
    assert pin.authority is not None
    with judging(distrust.AUTHORITY):
        require_use(pin.authority, Use.AUTHORITY)
    anchor = Anchor(pin, clock=clock)
    anchor.require_server()
    anchor.recovery_key()
