"""What aiohttp raises, said in this package's words."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp

from client.errors import N_
from client.remote.problems import CutOff, NotOurService, TransportProblem, Unreachable, Untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def translated() -> Iterator[None]:
    """Turn what aiohttp raises in the block into a `TransportProblem`."""
    try:
        yield
    except (TransportProblem, asyncio.CancelledError):
        raise
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise _translate(error) from error


def not_ours(detail: str) -> NotOurService:
    """Return the error for an answer that no Scellé service gives; ``detail`` says what is wrong with it."""
    return NotOurService(
        N_("this is not an answer of a Scellé service ({detail}); check the URL"), detail=detail
    )


def _translate(error: Exception) -> TransportProblem:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        found: TransportProblem = Untrusted(
            N_("the service's TLS certificate cannot be trusted; nothing was sent")
        )
    elif isinstance(error, aiohttp.ClientConnectorError):
        found = Unreachable(
            N_("no connection to {host} ({reason})"),
            host=f"{error.host}:{error.port}",
            reason=_reason(error.os_error),
        )
    elif isinstance(error, aiohttp.ConnectionTimeoutError):
        found = Unreachable(N_("the service did not accept a connection in time"))
    elif isinstance(error, TimeoutError):
        found = CutOff(N_("the service did not answer in time"))
    elif isinstance(error, aiohttp.InvalidURL | aiohttp.ClientResponseError):
        found = not_ours("HTTP")
    else:
        found = CutOff(N_("the connection to the service broke"))
    return found


def _reason(error: OSError) -> str:
    """Return the system's words; those of a failed name look-up have a negative number."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else "DNS"
