"""Erasing a dossier at a service: asked for until nothing is left that could be removed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from client.remote.carriage import from_model
from client.remote.certificates import Fetched, fetch_lines
from client.remote.failures import not_ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.remote.service import Service
    from vault.api.models.erasure import Erasure


async def erase(service: Service, plan: Erasure, *, tell: Callable[[Erasure], None]) -> Erasure:
    """Erase what was planned, or go on with it, and return how far it came.

    Bodies are removed some with each request. Where one removes none, a lock holds them that the service was
    not told of, or the store is away: its janitor comes to them.

    Args:
        service: where it is asked for.
        plan: what was looked at; nothing else is erased.
        tell: called with each state on the way.

    Raises:
        ServiceProblem: it is refused; nothing was destroyed.
    """
    before, done = None, await service.erase_dossier(plan.dossier, if_match=plan.root)
    tell(done)
    while done.waiting and done.waiting != before:
        before = done.waiting
        done = await service.erase_dossier(plan.dossier, if_match=plan.root)
        tell(done)
    return done


async def fetch_certificate(service: Service, erased: Erasure) -> Fetched:
    """Return statement and lines of the certificate of an erased dossier, unjudged.

    Raises:
        NotOurService: they have another form.
    """
    if erased.certificate is None:
        raise not_ours("certificate")
    page = partial(service.list_erased, erased.dossier)
    return Fetched(from_model(erased.certificate), await fetch_lines(page))
