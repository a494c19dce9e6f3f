from client.remote.pages import every
from vault.api.models.base import MAX_LIST, Page, Paging


async def test_every_item_of_every_page_comes_in_order():
    asked = []

    async def page(query):
        asked.append((query.cursor, query.limit))
        if query.cursor is None:
            return Page[int](items=(1, 2), next="second")
        return Page[int](items=(3,), next=None)

    assert [item async for item in every(page, Paging(limit=1))] == [1, 2, 3]
    assert asked == [(None, MAX_LIST), ("second", MAX_LIST)]
