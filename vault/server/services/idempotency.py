"""Doing once what is asked twice: answers are remembered in the change that they tell of."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Final, TypeVar

from vault.api.problems import Code
from vault.api.tokens import hash_of
from vault.server.ports import AlreadyExistsError
from vault.server.refusals import RefusedError
from vault.server.services.acts import Memo, RepeatedError
from vault.server.stores.records.rows import IdempotencyKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from vault.journal import Actor
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import View
    from vault.server.stores.records.rows import Remembered

T = TypeVar("T")

_UNDOING: Final = (RepeatedError, RefusedError, AlreadyExistsError)
"""With what the slower of two equal requests ends, its change undone."""


class Idempotency:
    """Finds and remembers answers by actor, route and key."""

    def __init__(self, records: Records, clock: Clock, *, lifetime: int) -> None:
        self._records = records
        self._clock = clock
        self._lifetime = lifetime

    def memo(self, actor: Actor, route: str, key: str, *, status: int, digest: bytes = b"") -> Memo:
        """Return how a request with this key is to be remembered."""
        return Memo(
            key=IdempotencyKey(f"{actor.kind}:{actor.id}", route, hash_of(key)),
            digest=digest,
            status=status,
            until=self._clock.now() + self._lifetime,
        )

    async def find(self, view: View, memo: Memo) -> Remembered | None:
        """Return the answer that an equal request got.

        Raises:
            RefusedError: idempotency_key_reused: an unequal one had this key.
        """
        found = await view.answers.find(memo.key, now=self._clock.now())
        if found is None:
            return None
        if not hmac.compare_digest(found.request_digest, memo.digest):
            raise RefusedError(
                Code.IDEMPOTENCY_KEY_REUSED,
                "another request was sent with this key; draw a new one",
                field="Idempotency-Key",
            )
        return found

    async def once(self, memo: Memo, act: Callable[[], Awaitable[T]]) -> T | Remembered:
        """Return the answer that an equal request got, or else act.

        Raises:
            RefusedError: idempotency_key_reused, or whatever acting raises.
        """
        async with self._records.read() as view:
            found = await self.find(view, memo)
        if found is not None:
            return found
        try:
            return await act()
        except _UNDOING:
            async with self._records.read() as view:
                found = await self.find(view, memo)
            if found is None:
                raise
            return found


def digest_of(route: str, path: Mapping[str, str], body: bytes) -> bytes:
    """Return what makes two requests equal: route, path and body, byte for byte."""
    head = json.dumps([route, sorted(path.items())]).encode()
    return hashlib.sha256(len(head).to_bytes(4, "big") + head + body).digest()
