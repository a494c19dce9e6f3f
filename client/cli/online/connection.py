"""From a typed command to a signed-in connection: which service, whose session, what was asked for."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from functools import wraps
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from pydantic import BaseModel, ValidationError

from client.errors import N_, AccessProblem, UsageProblem
from client.profile import Profile, ServiceProfile
from client.remote.address import read_address
from client.remote.service import Service, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from client.records import Session

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

HTTP_VARIABLE = "SCELLE_ALLOW_HTTP"


class Connection(NamedTuple):
    """A service, what is remembered of it, and who is signed in there (None: nobody is)."""

    service: Service
    known: ServiceProfile
    session: Session | None


def allow_http() -> bool:
    """Tell whether http:// is taken to other machines too."""
    return os.environ.get(HTTP_VARIABLE, "") not in {"", "0"}


def known_service(server: str | None) -> ServiceProfile:
    """Return what is remembered of the service that was named, or else of the current one.

    Raises:
        UsageProblem: not a URL, or none is current.
    """
    profile = Profile.default()
    if server is None:
        return profile.require_current()
    return profile.service(read_address(server, allow_http=allow_http()).url)


@asynccontextmanager
async def reach(known: ServiceProfile, token: str | None = None) -> AsyncIterator[Service]:
    """Give the service, with a token or session or without."""
    async with connect(known.url, token=token, allow_http=allow_http()) as service:
        yield service


@asynccontextmanager
async def signed_in(known: ServiceProfile) -> AsyncIterator[Connection]:
    """Give the service with the session that is kept.

    Raises:
        AccessProblem: nobody is signed in, or no longer.
    """
    session = known.session
    if session is None:
        raise AccessProblem(N_("nobody is signed in to {url}; sign in with scelle login"), url=known.url)
    if session.expires and session.expires <= time.time():
        raise AccessProblem(
            N_("the session at {url} is over; sign in again with scelle login"), url=known.url
        )
    async with reach(known, session.token) as service:
        yield Connection(service, known, session)


def online(function: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a command of an async function whose first argument is a signed-in `Connection`."""

    @server_option()
    @wraps(function)
    def command(*, server: str | None, **options: Any) -> None:
        async def main() -> None:
            async with signed_in(known_service(server)) as connection:
                await function(connection, **options)

        wait_for(main())

    return command


def server_option() -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--server``."""
    return click.option(
        "--server", metavar="URL", help=_("The service; by default the one that you signed in to last.")
    )


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run async work from a command, to its end.

    Raises:
        UsageProblem: a value that was typed goes into no request.
    """
    try:
        return asyncio.run(work)
    except ValidationError as error:
        # Answers that do not fit their models are told apart before: see ``transport``.
        raise _unusable(error) from None


def asking(model: type[M], **fields: Any) -> M:
    """Return a request of this model.

    Raises:
        UsageProblem: a value that no service takes; the text names it.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        raise _unusable(error) from None


def _unusable(error: ValidationError) -> UsageProblem:
    first = error.errors(include_url=False, include_input=False)[0]
    return UsageProblem(
        N_("this cannot be used as {field}: {reason}"),
        field=".".join(str(part) for part in first["loc"]),
        reason=str(first["msg"]),
    )
