"""A failing disk, a wrong hand, an attacker: stored bytes and rows are changed behind the service."""

from contextlib import asynccontextmanager

from sqlalchemy import delete, insert, select, update

from vault.server.stores.local import LocalStore
from vault.server.stores.localparts import pieces_of


async def read_object(store, key) -> bytes:
    return b"".join([chunk async for chunk in store.get(key)])


async def write_object(store, key, data) -> None:
    """Put other bytes under a key, which no store of ours does."""
    if isinstance(store, LocalStore):
        path = store._path(key)
        path.parent.mkdir(exist_ok=True)
        pieces = pieces_of(path) if path.is_dir() else []
        if not pieces:
            path.write_bytes(data)
            return
        for piece in pieces[:-1]:
            piece.path.write_bytes(data[: piece.size])
            data = data[piece.size :]
        pieces[-1].path.write_bytes(data)
        return
    await store.run(store._bucket.put, store._path(key), data)


@asynccontextmanager
async def changed_object(store, key, change):
    """Keep ``change`` of an object's bytes in its place, or nothing where it returns None."""
    before = await read_object(store, key)
    after = change(before)
    if after is None:
        await store.delete(key)
    else:
        await write_object(store, key, after)
    try:
        yield
    finally:
        await write_object(store, key, before)


@asynccontextmanager
async def changed_row(records, table, where, **values):
    """Keep other values in the rows that fit ``where``; a value may be a function of what was there."""
    before = await _rows(records, select(table).where(where))
    assert len(before) == 1
    new = {name: value(before[0][name]) if callable(value) else value for name, value in values.items()}
    assert any(before[0][name] != value for name, value in new.items())
    await _do(records, update(table).where(where).values(new))
    try:
        yield
    finally:
        old = {name: before[0][name] for name in values}
        key = [column == new.get(column.name, before[0][column.name]) for column in table.primary_key]
        await _do(records, update(table).where(*key).values(old))


@asynccontextmanager
async def missing_rows(records, *tables_and_where):
    """Take rows away, those that others name last."""
    kept = [(table, await _rows(records, select(table).where(where))) for table, where in tables_and_where]
    await _do(records, *(delete(table).where(where) for table, where in tables_and_where))
    try:
        yield
    finally:
        await _do(records, *(insert(table).values(rows) for table, rows in reversed(kept)))


@asynccontextmanager
async def added_row(records, table, where, **values):
    """Put a row beside the others."""
    await _do(records, insert(table).values(values))
    try:
        yield
    finally:
        await _do(records, delete(table).where(where))


async def _rows(records, query):
    async with records.read() as view:
        return [dict(row) for row in (await view.evidence._handle.execute(query)).mappings().all()]


async def _do(records, *statements):
    async with records.bookkeeping() as books:
        for statement in statements:
            await books._handle.execute(statement)


def flipped(data: bytes, at: int) -> bytes:
    """Return the bytes with one bit of one of them changed."""
    spoilt = bytearray(data)
    spoilt[at] ^= 1
    return bytes(spoilt)
