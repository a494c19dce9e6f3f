"""What a service knows about the request that it serves: who acts, under which id, and what to remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from vault.journal import Actor
from vault.server.failpoints import Failpoint, reach
from vault.server.policy import Principal, Role
from vault.server.ports import AlreadyExistsError, Origin
from vault.server.stores.records.rows import IdempotencyKey, Remembered
from vault.server.stores.records.transactions import Change, Reading

if TYPE_CHECKING:
    from pydantic import BaseModel

View: TypeAlias = Reading | Change
"""A transaction that can be read from."""


class RepeatedError(Exception):
    """Another request with the same idempotency key was faster; this one did nothing."""


@dataclass(slots=True, kw_only=True)
class Memo:
    """How a request that must have its effect once is remembered.

    Attributes:
        key: what the answer is found by.
        digest: of the request, 32 bytes; a deposit's is its seal id, known when it has arrived.
        status: of the answer.
        until: when it is forgotten.
        kept: whether the change that it belongs to remembered it.
    """

    key: IdempotencyKey
    digest: bytes
    status: int
    until: int
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One request's act.

    Attributes:
        who: the one who asks; None where nobody has to be signed in.
        request: the request's id, empty on the host.
        source: the address that it came from.
        memo: set where an idempotency key was sent.
        actor: who stands in the journal.
    """

    who: Principal | None = None
    request: str = ""
    source: str = ""
    memo: Memo | None = None
    actor: Actor = field(default=Actor("nobody", ""))

    @property
    def principal(self) -> Principal:
        """The one who asks, where somebody has to be signed in."""
        assert self.who is not None
        return self.who

    @property
    def origin(self) -> Origin:
        """Who stands behind a change."""
        return Origin(self.actor, self.request)

    def named(self, kind: str, name: str) -> Act:
        """Return the same act by an actor that became known on the way: an account that enrols, a code."""
        return Act(who=self.who, request=self.request, source=self.source, actor=Actor(kind, name))

    async def remember(
        self, change: Change, answer: BaseModel, *, secret: frozenset[str] = frozenset()
    ) -> None:
        """Remember the answer in the change that it tells of, if that was asked for.

        Args:
            change: the open transaction.
            answer: what is answered now.
            secret: names of fields that are shown once and not remembered.

        Raises:
            RepeatedError: somebody else's answer stands there; the change is undone.
        """
        if self.memo is None:
            return
        public = answer.model_copy(update=dict.fromkeys(secret))
        body = public.model_dump_json().encode()
        try:
            await change.answers.keep(
                self.memo.key,
                Remembered(self.memo.digest, self.memo.status, body),
                now=change.now,
                until=self.memo.until,
            )
        except AlreadyExistsError:
            raise RepeatedError from None
        self.memo.kept = True
        reach(Failpoint.ANSWER_KEPT)


def actor_of(who: Principal | None) -> Actor:
    """Return who acts, as the journal names it."""
    if who is None:
        return Actor("nobody", "")
    if who.role is Role.EDITOR:
        assert who.signing_key is not None
        return Actor("depositor", who.signing_key.hex())
    assert who.account is not None
    return Actor("account", who.account)
