"""A bare aiohttp handler that answers with the same bytes: what a list costs without a vault behind it.

    python -m benchmarks.bare FILE…

Prints its port; ``/0``, ``/1`` … are the files.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

from aiohttp import web


async def serve(pages: list[bytes]) -> None:
    """Answer until the process is ended."""

    async def answer(request: web.Request) -> web.Response:
        page = pages[int(request.match_info["number"])]
        return web.Response(body=page, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{number}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listening).start()
    print(listening.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve([Path(name).read_bytes() for name in sys.argv[1:]]))
