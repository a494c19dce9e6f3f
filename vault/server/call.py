"""One request, taken apart and judged: what a handler gets, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from vault.server.services.acts import Act, actor_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp import web
    from pydantic import BaseModel

    from vault.api.route import Route
    from vault.server.policy import Principal
    from vault.server.services.acts import Memo
    from vault.server.services.registry import Services

M = TypeVar("M", bound="BaseModel")


@dataclass(slots=True, kw_only=True)
class Call:
    """A request that policy lets through.

    Attributes:
        request: for what no other attribute holds.
        route: its row of the table.
        services: what does the work.
        request_id: stands in answer, log and journal.
        source: the address that it came from.
        who: the one who asks; None on a public route.
        path: the path's parameters.
        json: the JSON body, not yet by its model.
        chunks: the raw body as it arrives.
        memo: how the answer is remembered, if an Idempotency-Key was sent.
        match: what If-Match names, where the route takes it.
        digest: SHA-256 that the body has to have, where the route takes Content-Digest.
    """

    request: web.Request
    route: Route
    services: Services
    request_id: str
    source: str
    who: Principal | None
    path: Mapping[str, str]
    query_model: BaseModel | None = None
    body_model: BaseModel | None = None
    chunks: AsyncIterator[bytes] | None = None
    memo: Memo | None = None
    match: str | None = None
    digest: bytes | None = None

    @property
    def act(self) -> Act:
        """The request as the services know it."""
        return Act(
            who=self.who,
            request=self.request_id,
            source=self.source,
            memo=self.memo,
            actor=actor_of(self.who),
        )

    @property
    def tag(self) -> str:
        """What If-Match names, on a route that requires it."""
        assert self.match is not None
        return self.match

    @property
    def sha256(self) -> bytes:
        """What Content-Digest says, on a route that requires it."""
        assert self.digest is not None
        return self.digest

    @property
    def stream(self) -> AsyncIterator[bytes]:
        """The raw body, on a route that takes one."""
        assert self.chunks is not None
        return self.chunks

    def body(self, model: type[M]) -> M:
        """Return the JSON body, on a route that takes this model."""
        assert isinstance(self.body_model, model)
        return self.body_model

    def query(self, model: type[M]) -> M:
        """Return the query, on a route that takes this model."""
        assert isinstance(self.query_model, model)
        return self.query_model


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with headers beside its model."""

    model: BaseModel
    headers: dict[str, str] = field(default_factory=dict)
