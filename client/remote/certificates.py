"""Certificates as a service hands them out: a statement, and lines in pages. Nothing here is judged."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from client.remote.carriage import from_model, read_stored
from client.remote.failures import not_ours
from client.remote.pages import every
from vault.api.models.base import Paging
from vault.api.models.erasure import LinesQuery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client.remote.service import Service
    from keys.statements import Signed
    from vault.api.models.erasure import CertificateLines
    from vault.api.models.rotation import Retirement


class Fetched(NamedTuple):
    """Statement and lines of a certificate, unjudged."""

    signed: Signed
    lines: tuple[bytes, ...]


async def fetch_lines(page: Callable[[LinesQuery], Awaitable[CertificateLines]]) -> tuple[bytes, ...]:
    """Return all lines of a certificate.

    Args:
        page: a call of `Service` that takes the query alone.

    Raises:
        NotOurService: they have another form.
    """
    lines: list[bytes] = []
    start: int | None = 0
    while start is not None:
        found = await page(LinesQuery(start=start))
        lines += [read_stored(line, "certificate") for line in found.items]
        if found.next is not None and found.next <= start:
            raise not_ours("certificate")
        start = found.next
    return tuple(lines)


async def find_retirement(service: Service, dossier: str, generation: int | None = None) -> Retirement | None:
    """Return the newest retirement of a dossier's keys, or the newest that ended with a key.

    Args:
        service: signed in as an admin.
        dossier: its id.
        generation: of the newest key that ended with it; None: of any.
    """
    async for found in every(partial(service.list_retirements, dossier), Paging()):
        if generation in {None, found.generation}:
            return found
    return None


async def fetch_retirement(service: Service, retirement: Retirement) -> Fetched:
    """Return the certificate of keys that have ended.

    Raises:
        NotOurService: it has another form.
    """
    page = partial(service.list_retired, retirement.dossier, retirement.position)
    return Fetched(from_model(retirement.certificate), await fetch_lines(page))
