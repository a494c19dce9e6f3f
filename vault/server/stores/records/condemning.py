"""Which objects rows name, and which none may name any more because a janitor removes them.

Both are asked and told in one writing transaction, and every row that begins to name an object is written in
another: one of the two comes first, and the other sees it. So neither a clock nor a lease has to be right for
a row to keep its object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, insert, select

from vault.server.ports import ObjectCondemnedError
from vault.server.stores.records import schema

if TYPE_CHECKING:
    from collections.abc import Collection

    from vault.server.stores.records.handle import Handle

KEY_LENGTH: Final = 40
"""Characters of a key; those of the name that something is staged under begin with it."""

_OPEN: Final = "open"
"""The state of an upload that goes on."""


class Naming:
    """Which objects rows name."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def named(self, keys: Collection[str]) -> frozenset[str]:
        """Return those of ``keys``, a few hundred at most, that a version or an upload names."""
        versions, uploads = schema.versions, schema.uploads
        opened = uploads.c.state == _OPEN  # one that is completed needs no more than its version does
        staged = func.substr(uploads.c.staged, 1, KEY_LENGTH)
        found: set[str] = set()
        for query in (
            select(versions.c.body_key).where(versions.c.body_key.in_(keys), versions.c.erased_at.is_(None)),
            select(uploads.c.trailer_key).where(opened, uploads.c.trailer_key.in_(keys)),
            select(staged).where(opened, staged.in_(keys)),
        ):
            found.update(await self._handle.values(query))
        return frozenset(found)

    async def anything(self) -> bool:
        """Tell whether a version names an object, which is then in the store."""
        versions = schema.versions
        query = select(versions.c.seal_id).where(versions.c.erased_at.is_(None)).limit(1)
        return await self._handle.value(query) is not None

    async def staged(self, names: Collection[str]) -> frozenset[str]:
        """Return those of ``names``, a few hundred at most, that an open upload puts its parts under."""
        uploads = schema.uploads
        query = select(uploads.c.staged).where(uploads.c.state == _OPEN, uploads.c.staged.in_(names))
        return frozenset(await self._handle.values(query))


class Condemning(Naming):
    """Which objects no row may name any more."""

    async def condemn(self, keys: Collection[str], *, now: int) -> frozenset[str]:
        """Condemn those of ``keys`` that no row names, and return them: they may be removed after the commit.

        Args:
            keys: a few hundred at most.
            now: UTC seconds.
        """
        unnamed = frozenset(keys) - await self.named(keys)
        table = schema.condemned
        # They may have been before, by a janitor that did not live to remove them.
        await self._handle.execute(delete(table).where(table.c.key.in_(unnamed)))
        if unnamed:
            rows = [{"key": key, "condemned_at": now} for key in sorted(unnamed)]
            await self._handle.execute(insert(table).values(rows))
        return unnamed

    async def forget(self, *, before: int) -> None:
        """Forget what was condemned before then, when nobody can be about to name it any more."""
        table = schema.condemned
        await self._handle.execute(delete(table).where(table.c.condemned_at < before))


async def check_spared(handle: Handle, *keys: str) -> None:
    """Return if a row may name these objects; asked in the transaction that writes it.

    Raises:
        ObjectCondemnedError: one of them was condemned.
    """
    table = schema.condemned
    if await handle.value(select(table.c.key).where(table.c.key.in_(keys))) is not None:
        handle.doomed = True
        raise ObjectCondemnedError("the object waited so long for its row that it is being removed")
