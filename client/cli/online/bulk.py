"""What commands about many things share: a plan, a question, and what failed."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, TypeVar

import click

from client.cli.online.confirming import confirm
from client.errors import N_, ClientError, UsageProblem
from client.remote.problems import HOPELESS
from client.terminal import can_ask, counting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from client.cli.options import Decorator

T = TypeVar("T")
R = TypeVar("R")


class Unfinished(ClientError):  # noqa: N818 - named like its siblings
    """Not everything that was planned could be done (exit code 1)."""

    def __init__(self, failed: int) -> None:
        super().__init__(
            N_("{count} of what was planned could not be done, named above; typing the same again goes on"),
            count=failed,
        )


def yes_option() -> Decorator:
    """``--yes``."""
    return click.option("--yes", is_flag=True, help=_("Do not ask; for scripts."))


def dry_option() -> Decorator:
    """``--dry-run``."""
    return click.option("--dry-run", "dry", is_flag=True, help=_("Only show what would be done."))


def agree(question: str, *, yes: bool) -> None:
    """Return only if a person at the terminal, or ``yes``, agrees to what was shown.

    Raises:
        UsageProblem: nobody can be asked, or the answer was no.
    """
    if yes:
        return
    if not can_ask():
        raise UsageProblem(N_("no terminal to ask whether to go on; add --yes"))
    if not confirm(question):
        raise UsageProblem(N_("you said no, and nothing was done"))


async def one_by_one(
    label: str, items: Sequence[T], act: Callable[[T], Awaitable[R]], *, quiet: bool
) -> tuple[list[R], list[tuple[T, ClientError]]]:
    """Do something for each item, under a bar that counts them: see `each`."""
    with counting(label, len(items), quiet=quiet) as advance:
        return await each(items, act, passed=lambda: advance(1))


async def each(
    items: Sequence[T], act: Callable[[T], Awaitable[R]], *, passed: Callable[[], None] = lambda: None
) -> tuple[list[R], list[tuple[T, ClientError]]]:
    """Do something for each item, and return what came of it and what failed.

    One failure stops nothing, unless the service is away or the session over: then the rest is not tried.

    Args:
        items: in order.
        act: what is done.
        passed: called after each item, tried or not.
    """
    done: list[R] = []
    failed: list[tuple[T, ClientError]] = []
    failure: ClientError | None = None
    for item in items:
        if not isinstance(failure, HOPELESS):
            failure = None
            try:
                done.append(await act(item))
            except ClientError as error:
                failure = error
        if failure is not None:
            failed.append((item, failure))
        passed()
    return done, failed
