"""Pages of a list, the newest first, by a cursor that stays right while rows come and go.

A cursor names the last row that was given out, by its position in the journal and its id; the next page holds
what is older. Rows that are added meanwhile are newer and shift nothing. It says nothing secret and is
trusted in nothing: who may see the list is judged for each page.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Table, tuple_

from keys.canonical import MAX_INTEGER, encode_binary
from vault.server.ports import BadCursorError
from vault.server.stores.records.rows import Page

if TYPE_CHECKING:
    from sqlalchemy import Select

    from vault.server.stores.records.handle import Handle

MAX_LIMIT: Final = 200
MAX_CURSOR: Final = 200

_POSITION: Final = 8

R = TypeVar("R", bound=tuple[Any, ...])


async def page(
    handle: Handle,
    kind: type[R],
    query: Select[Any],
    table: Table,
    *,
    cursor: str | None,
    limit: int,
    by: str = "position",
    tie: str = "id",
) -> Page[R]:
    """Return one page of ``query`` over ``table``, whose rows have ``by`` and ``tie``.

    Args:
        handle: the open transaction.
        kind: the rows' type; it has the fields ``by`` and ``tie`` too.
        query: without order and limit.
        table: what is ordered by.
        cursor: of the page before, None for the first page.
        limit: 1 to 200.
        by: the column that orders, a position in the journal.
        tie: the text column that orders rows of one position.

    Raises:
        BadCursorError: not a cursor.
        ValueError: a limit outside its bounds: the caller's mistake.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"a limit of {limit}, not 1 to {MAX_LIMIT}")
    order = (table.c[by], table.c[tie])
    if cursor is not None:
        query = query.where(tuple_(*order) < tuple_(*_decode(cursor)))
    # One row more than asked for tells whether there is a next page.
    found = await handle.all(kind, query.order_by(*(column.desc() for column in order)).limit(limit + 1))
    items = found[:limit]
    if len(found) <= limit:
        return Page(items, None)
    last: Any = items[-1]
    return Page(items, _encode(getattr(last, by), getattr(last, tie)))


def _encode(position: int, tie: str) -> str:
    return encode_binary(position.to_bytes(_POSITION, "big") + tie.encode())


def _decode(cursor: str) -> tuple[int, str]:
    if len(cursor) > MAX_CURSOR:
        raise BadCursorError("the cursor is too long")
    try:
        data = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        position, tie = int.from_bytes(data[:_POSITION], "big"), data[_POSITION:].decode()
    except (UnicodeError, Base64Error):
        raise BadCursorError("not a cursor of this list") from None
    if not tie or "\x00" in tie or position > MAX_INTEGER or _encode(position, tie) != cursor:
        raise BadCursorError("not a cursor of this list")
    return position, tie
