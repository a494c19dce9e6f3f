"""Whether the service can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vault.server.ports import ObjectStore, Records


class Health:
    """Asks the ports."""

    def __init__(self, records: Records, store: ObjectStore) -> None:
        self._records = records
        self._store = store

    async def check(self) -> None:
        """Return if records and objects can be reached and written.

        Raises:
            RecordsError, StoreError: they cannot.
        """
        await self._records.check()
        await self._store.check()
