"""Asking until there is an answer, for what may be asked twice: broken lines, restarts, sessions that end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from client.remote.problems import PASSING, ServiceProblem, SignInRefused
from client.remote.retries import Endurance
from vault.api.problems import Code

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client.remote.retries import Retries

T = TypeVar("T")


class Persistence:
    """Asks again after what passes; several requests may be under way at a time."""

    def __init__(self, retries: Retries, sign_in: Callable[[], Awaitable[object]] | None) -> None:
        """Take how patient to be with each request, and how to sign in again, if that can be done."""
        self._retries = retries
        self._sign_in = sign_in
        self._sign_ins = 0
        self._signing_in = asyncio.Lock()

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """Return the first answer to a request that is the same whether it is made once or twice.

        Raises:
            ServiceProblem, TransportProblem: what does not pass, or did not in time.
        """
        endurance = Endurance(self._retries)
        renewed = False
        while True:
            sign_ins = self._sign_ins
            try:
                return await request()
            except PASSING as error:
                await endurance.bear(error, 0)
            except SignInRefused as error:
                if renewed or error.code is not Code.CREDENTIAL_EXPIRED:
                    raise
                await self._renew(error, sign_ins)
                renewed = True
            except ServiceProblem as error:
                # What was spoilt on the way may come through the next time.
                if error.code is not Code.DIGEST_MISMATCH:
                    raise
                await endurance.bear(error, 0)

    async def _renew(self, error: SignInRefused, sign_ins: int) -> None:
        if self._sign_in is None:
            raise error
        async with self._signing_in:
            # One of those that were refused at the same time does it for all of them.
            if sign_ins == self._sign_ins:
                await self._sign_in()
                self._sign_ins += 1
