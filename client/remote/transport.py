"""One connection pool to one service: requests by the route table, answers by its models.

aiohttp's home in the client. TLS is always verified, redirects are never followed (they would carry the token
elsewhere), nothing is retried unless doing it twice is the same as doing it once.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError

from client.remote.address import read_address
from client.remote.failures import not_ours, translated
from client.remote.patience import patient
from client.remote.problems import (
    PASSING,
    CutOff,
    ServiceFailed,
    ServiceProblem,
    TransportProblem,
    Unreachable,
    to_exception,
)
from client.remote.retries import Retries
from keys.randomness import random_bytes
from vault.api.models.base import Problem
from vault.api.problems import MEDIA_TYPE as PROBLEM
from vault.api.route import ACTING_HEADER, DIGEST_HEADER, IDEMPOTENCY_HEADER, JSON, REQUEST_ID_HEADER

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
    from types import TracebackType

    from vault.api.route import Route

M = TypeVar("M", bound=BaseModel)

MAX_ANSWER: Final = 8 * 1024 * 1024
"""The largest JSON answer that is read: 200 items of two statements each fit several times."""

EXPECT_FROM: Final = 256 * 1024
"""Bodies of this many bytes on are announced, and sent when the service says that it would take them."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=30, sock_connect=15, sock_read=90)
_IDLE: Final = 90.0
_MAX_PROBLEM: Final = 64 * 1024


class Upload(NamedTuple):
    """A raw body: its exact length, and a function that gives it from the start, once for each attempt."""

    length: int
    open: Callable[[], AsyncIterator[bytes]]


class Call(NamedTuple):
    """What goes with one request beside the route.

    Attributes:
        path: values of the path's parameters.
        query: the query's model.
        body: the JSON body's model.
        upload: the raw body.
        if_match: the entity tag that is to be replaced, without quotation marks.
        idempotency_key: for routes that take one; drawn at random where the caller gives none.
        acting_for: key id, in hexadecimal, of the editor that a portal acts for.
        offset: first byte that is wanted, for routes that take a range.
        digest: SHA-256 of the raw body, for routes that ask for it.
    """

    path: Mapping[str, object] = {}
    query: BaseModel | None = None
    body: BaseModel | None = None
    upload: Upload | None = None
    if_match: str | None = None
    idempotency_key: str | None = None
    acting_for: str | None = None
    offset: int = 0
    digest: bytes | None = None


NOTHING: Final = Call()


class Stream:
    """A raw answer on its way.

    Attributes:
        length: bytes that will come, as the service announces them, or None.
        tag: the entity tag without quotation marks, "" if there is none.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.length = response.content_length
        self.tag = response.headers.get("ETag", "").strip('"')

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes in pieces of at most 1 MiB.

        Raises:
            CutOff: fewer came than were announced, or nothing for too long.
        """
        with translated():
            async for chunk in self._response.content.iter_chunked(1024 * 1024):
                yield chunk


class Transport:
    """Sends requests to one service; an async context manager, used in one event loop."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        allow_http: bool = False,
        retries: Retries | None = None,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,
        idle: float = _IDLE,
    ) -> None:
        """Take the service's URL and, if somebody is signed in, the token or session.

        ``timeout`` limits connecting and waiting for answers, ``idle`` the seconds in which a service has to
        take the next piece of a body.

        Raises:
            UsageProblem: the URL is not one, or would carry secrets in the clear.
        """
        self.address = read_address(url, allow_http=allow_http)
        self.token = token
        self._retries = retries or Retries()
        self._timeout = timeout
        self._idle = idle
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        who = "signed in" if self.token else "not signed in"
        return f"Transport({self.address.url}, {who})"

    async def __aenter__(self) -> Self:
        """Open the pool."""
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            connector=aiohttp.TCPConnector(limit=16),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "scelle"},
            # A proxy that the environment names leads out; this machine is reached without it.
            trust_env=not self.address.loopback,
            middlewares=(_once,),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, route: Route, answer: type[M], call: Call = NOTHING) -> M:
        """Send one request and return its answer.

        Raises:
            ServiceProblem: the service refused.
            TransportProblem: it did not answer, or not as a Scellé service does.
        """
        async with self._answered(route, call) as response:
            data = await _read(response, MAX_ANSWER)
        try:
            return answer.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise not_ours(f"{route.name}: {place}: {first['type']}") from None

    async def tell(self, route: Route, call: Call = NOTHING) -> None:
        """Send one request whose answer is empty; raises as `fetch` does."""
        async with self._answered(route, call):
            pass

    async def fetch_bytes(self, route: Route, call: Call = NOTHING, *, maximum: int = MAX_ANSWER) -> bytes:
        """Send one request and return its raw answer of at most ``maximum`` bytes; raises as `fetch` does."""
        async with self._answered(route, call) as response:
            return await _read(response, maximum)

    @asynccontextmanager
    async def stream(self, route: Route, call: Call = NOTHING) -> AsyncIterator[Stream]:
        """Send one request and give its raw answer as it arrives; raises as `fetch` does."""
        async with self._answered(route, call) as response:
            yield Stream(response)

    @asynccontextmanager
    async def _answered(self, route: Route, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        # One id for all attempts: the service's log shows them together.
        request_id = random_bytes(12).hex()
        try:
            response = await self._persist(route, call, request_id)
            try:
                yield response
            finally:
                response.release()
        except (CutOff, ServiceFailed) as error:
            error.report_as = error.report_as or request_id
            raise

    async def _persist(self, route: Route, call: Call, request_id: str) -> aiohttp.ClientResponse:
        """Return the first answer that is not a failure, after as many attempts as are safe."""
        headers = {REQUEST_ID_HEADER: request_id, **self._headers(route, call)}
        repeatable = route.method == "GET" or IDEMPOTENCY_HEADER in headers or bool(call.if_match)
        attempt, broke = 1, False
        while True:
            try:
                return await self._try(route, call, headers)
            except (TransportProblem, ServiceProblem) as error:
                if isinstance(error, ServiceProblem):
                    error.repeated = broke
                broke = broke or isinstance(error, CutOff)
                # A request that never left may be sent again whatever it does.
                safe = repeatable or isinstance(error, Unreachable)
                passing = isinstance(error, PASSING)
                if not passing or not safe or attempt >= self._retries.attempts:
                    raise
                await self._retries.pause(attempt)
                attempt += 1

    async def _try(self, route: Route, call: Call, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("use the transport in an async with block")
        json = call.body.model_dump_json(exclude_none=True).encode() if call.body else None
        pieces = call.upload.open() if call.upload else None
        query = call.query.model_dump(mode="json", exclude_none=True) if call.query else None
        with translated():
            async with patient(pieces, self._idle) as body:
                response = await self._session.request(
                    route.method,
                    self.address.url
                    + route.url(**{name: quote(str(value), safe="") for name, value in call.path.items()}),
                    params=query,
                    data=json if body is None else body,
                    headers=headers,
                    allow_redirects=False,
                    expect100=call.upload is not None and call.upload.length >= EXPECT_FROM,
                )
        if response.status == (206 if call.offset else route.status):
            return response
        try:
            raise await _refusal(response)
        finally:
            response.close()

    def _headers(self, route: Route, call: Call) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self.token and not route.public:
            headers["Authorization"] = f"Bearer {self.token}"
        if call.body is not None:
            headers["Content-Type"] = JSON
        elif call.upload is not None:
            assert route.sends is not None
            headers["Content-Type"] = route.sends
            headers["Content-Length"] = str(call.upload.length)
            if call.upload.length >= EXPECT_FROM:
                # After a refusal nobody may take the next request for the rest of this body.
                headers["Connection"] = "close"
        if route.gives:
            # A compressed stream could not be resumed at a byte.
            headers["Accept-Encoding"] = "identity"
        if route.idempotent:
            headers[IDEMPOTENCY_HEADER] = call.idempotency_key or random_bytes(16).hex()
        return headers | _particulars(call)


def _particulars(call: Call) -> dict[str, str]:
    """Return the headers that say what this very call is about."""
    headers: dict[str, str] = {}
    if call.if_match:
        headers["If-Match"] = f'"{call.if_match}"'
    if call.acting_for:
        headers[ACTING_HEADER] = call.acting_for
    if call.offset:
        headers["Range"] = f"bytes={call.offset}-"
    if call.digest is not None:
        # RFC 9530, section 2, and the byte sequences of RFC 8941.
        headers[DIGEST_HEADER] = f"sha-256=:{b64encode(call.digest).decode()}:"
    return headers


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Translate failures before aiohttp sees them: it would repeat PUT and DELETE by itself."""
    with translated():
        return await send(request)


async def _refusal(response: aiohttp.ClientResponse) -> Exception:
    """Return the exception for an answer that is not what was asked for."""
    if response.content_type != PROBLEM:
        return not_ours(f"HTTP {response.status}, {response.content_type}")
    data = await _read(response, _MAX_PROBLEM)
    try:
        return to_exception(Problem.model_validate_json(data))
    except ValidationError:
        return not_ours(f"HTTP {response.status}, a problem of an unknown form")


async def _read(response: aiohttp.ClientResponse, maximum: int) -> bytes:
    """Return the whole body, unless it is longer than ``maximum``."""
    data = bytearray()
    with translated():
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > maximum:
                response.close()
                raise not_ours(f"an answer of more than {maximum} bytes")
    return bytes(data)
