"""How many bytes a request brought and took, and who broke it off: counted where they pass."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


class Break(StrEnum):
    """Who ended a transfer before its end."""

    SENDER = "sender"
    SILENCE = "silence"
    RECEIVER = "receiver"
    STORE = "store"
    SERVER = "server"


@dataclass(slots=True)
class Transferred:
    """The bodies of one request and its answer, in bytes; ``broken`` once one of them has ended too early."""

    received: int = 0
    sent: int = 0
    broken: Break | None = None

    def line(self) -> Mapping[str, int]:
        """Return both numbers as the log has them."""
        return {"bytes_in": self.received, "bytes_out": self.sent}


_TRANSFERRED: Final = web.RequestKey("transferred", Transferred)


def transferred(request: web.Request) -> Transferred:
    """Return the numbers of this request."""
    if _TRANSFERRED not in request:
        request[_TRANSFERRED] = Transferred()
    return request[_TRANSFERRED]
