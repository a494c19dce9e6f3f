"""What a part is made of is closed when the store takes no more of it."""

import hashlib

import pytest

from tests.suites.samples import digest
from tests.vault.server.services.sites import begin, once, upload_of
from vault.container.leaves import leaf_of
from vault.server.ports import StoreFullError
from vault.server.services.parts import Parts
from vault.server.stores.local import LocalStore

BODY = b"body"


class Filling(LocalStore):
    """A store with room for so many pieces of a part, which knows how much of it is being read."""

    def __init__(self, folder, room) -> None:
        super().__init__(folder)
        self.room = room
        self.reading = 0

    async def get(self, key, **options):
        self.reading += 1
        try:
            async for chunk in super().get(key, **options):
                yield chunk
        finally:
            self.reading -= 1

    async def stage_part(self, staged, number, offset, chunks):
        async def some():
            taken = 0
            async for chunk in chunks:
                if taken == self.room:
                    raise StoreFullError("no room")
                yield chunk
                taken += 1

        return await super().stage_part(staged, number, offset, some())


async def test_a_store_that_is_full_leaves_nothing_open(site):
    store = Filling(site.folder / "store", room=1)
    trailer, staged = await site.put(leaf_of(BODY) + b"seal"), await store.stage()
    upload = upload_of(site, digest(), trailer, staged)
    await begin(site, upload)
    parts = Parts(site.records, store, site.clock, lifetime=100)
    with pytest.raises(StoreFullError):
        await parts.put(upload.id, 1, len(BODY), once(BODY), hashlib.sha256(BODY).digest())
    # The exception holds all frames, so nothing was closed by chance.
    assert store.reading == 0
