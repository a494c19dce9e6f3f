"""All items of a list, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from vault.api.models.base import MAX_LIST, Paging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from vault.api.models.base import Page

T = TypeVar("T")
Q = TypeVar("Q", bound=Paging)


async def every(page: Callable[[Q], Awaitable[Page[T]]], query: Q) -> AsyncIterator[T]:
    """Yield all items of a list from ``query`` on, in pages of the largest size.

    Args:
        page: a call of `Service`, such as ``service.list_dossiers``, that takes the query alone.
        query: what is asked for; its cursor is where to begin.
    """
    query = query.model_copy(update={"limit": MAX_LIST})
    while True:
        answer = await page(query)
        for item in answer.items:
            yield item
        if answer.next is None:
            return
        query = query.model_copy(update={"cursor": answer.next})
