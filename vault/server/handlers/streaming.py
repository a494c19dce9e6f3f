"""Sending bytes of the store: whole or one range, in constant memory."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from aiohttp import web

from vault.api.problems import Code
from vault.api.route import CONTAINER
from vault.server.failpoints import Failpoint, reach
from vault.server.middleware import BrokenOffError
from vault.server.refusals import RefusedError
from vault.server.services.fetching import Slice
from vault.server.transferred import Break, transferred

if TYPE_CHECKING:
    from vault.server.call import Call
    from vault.server.services.fetching import Fetched

_RANGE: Final = re.compile(r"bytes=([0-9]{1,18})?-([0-9]{1,18})?")


def choose_range(request: web.Request, total: int, *, tag: str) -> Slice:
    """Return what Range asks for (RFC 9110, section 14), everything where it asks for nothing that we know.

    Raises:
        RefusedError: range_not_satisfiable.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or not any(match.groups()):
        return Slice(0, total, total)
    if request.headers.get("If-Range", f'"{tag}"') != f'"{tag}"':
        return Slice(0, total, total)
    first, last = match.groups()
    if first is None:
        length = min(int(last), total)
        start, stop = total - length, total
    else:
        start, stop = int(first), min(int(last) + 1 if last else total, total)
    if start >= stop:
        raise RefusedError(
            Code.RANGE_NOT_SATISFIABLE,
            f"there are {total} bytes",
            field="Range",
            extra={"size": total},
        )
    return Slice(start, stop - start, total)


async def send(call: Call, fetched: Fetched, *, tag: str, partial: bool) -> web.StreamResponse:
    """Send what was fetched; the journal knows of it already.

    Raises:
        BrokenOffError: the other side hung up, or the store failed halfway.
    """
    offset, length, total = fetched.slice
    response = web.StreamResponse(
        status=206 if partial else 200, headers={"ETag": f'"{tag}"', "Content-Type": CONTAINER}
    )
    response.content_length = length
    if call.route.ranged:
        response.headers["Accept-Ranges"] = "bytes"
    if partial:
        response.headers["Content-Range"] = f"bytes {offset}-{offset + length - 1}/{total}"
    reach(Failpoint.FETCH_RECORDED)
    await response.prepare(call.request)
    count = transferred(call.request)
    try:
        if fetched.head:
            await response.write(fetched.head)
            count.sent += len(fetched.head)
        if fetched.body is not None:
            async with aclosing(call.services.fetching.stream(fetched)) as chunks:
                async for chunk in chunks:
                    await response.write(chunk)
                    count.sent += len(chunk)
        await response.write_eof()
    except Exception as error:
        count.broken = Break.RECEIVER if isinstance(error, ConnectionError) else Break.STORE
        # A second answer on this connection would look like a part of the first.
        if call.request.transport is not None:
            call.request.transport.abort()
        raise BrokenOffError(response) from error
    return response
