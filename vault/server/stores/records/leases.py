"""Leases: work that one process at a time may do, until a time, whether or not it lives to give it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update

from vault.server.stores.records import schema

if TYPE_CHECKING:
    from vault.server.stores.records.handle import Handle


class Leases:
    """Leases by name. Who holds one is a name that its process drew; times are of whoever asks.

    Processes whose clocks differ may both think that they hold one: what is done under a lease has to be
    right even then.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def take(self, name: str, holder: str, *, now: int, until: int) -> bool:
        """Return whether ``holder`` has the lease from now on: nobody had it, or had it until now."""
        table = schema.leases
        await self._handle.execute(delete(table).where(table.c.name == name, table.c.expires_at <= now))
        if await self.renew(name, holder, now=now, until=until):
            return True
        held = await self._handle.values(table.select().where(table.c.name == name))
        if held:
            return False
        await self._handle.execute(insert(table).values(name=name, holder=holder, expires_at=until))
        return True

    async def renew(self, name: str, holder: str, *, now: int, until: int) -> bool:
        """Return whether ``holder`` still had the lease, and has it until then."""
        table = schema.leases
        mine = (table.c.name == name, table.c.holder == holder, table.c.expires_at > now)
        return (await self._handle.execute(update(table).where(*mine).values(expires_at=until))).rowcount == 1

    async def release(self, name: str, holder: str) -> None:
        """Give the lease back; one that somebody else has by now stays theirs."""
        table = schema.leases
        await self._handle.execute(delete(table).where(table.c.name == name, table.c.holder == holder))
