"""Accounts and organisations by id or by name: people type names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from client.errors import N_, NotFoundProblem, UsageProblem
from client.remote.pages import every
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from client.remote.service import Service
    from vault.api.models.people import Account, Organisation, Reviewer

_ID: Final = re.compile("[0-9a-f]{32}")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


async def find_organisation(service: Service, wanted: str) -> Organisation:
    """Return the organisation with this id or name.

    Raises:
        NotFoundProblem: there is none.
        UsageProblem: several have the name.
    """
    return await _find(wanted, every(service.list_organisations, Paging()), lambda item: item.id)


async def find_account(service: Service, wanted: str) -> Account:
    """Return the account with this id or name; raises as `find_organisation` does."""
    if _ID.fullmatch(wanted):
        return await service.get_account(wanted)
    return await _find(wanted, every(service.list_accounts, Paging()), lambda item: item.id)


async def find_reviewer(service: Service, wanted: str) -> Reviewer:
    """Return the reviewer or admin with this account id or name; raises as `find_organisation` does."""
    return await _find(wanted, every(service.list_reviewers, Paging()), lambda item: item.account)


async def _find(wanted: str, items: AsyncIterator[N], identify: Callable[[N], str]) -> N:
    named = []
    async for item in items:
        if identify(item) == wanted:
            return item
        if item.name == wanted:
            named.append(item)
    if not named:
        raise NotFoundProblem(
            N_("nobody here is called {name}; give the name as it is listed, or the id"), name=wanted
        )
    if len(named) > 1:
        raise UsageProblem(N_("{count} are called {name}; give the id"), count=len(named), name=wanted)
    return named[0]
