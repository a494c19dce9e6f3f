"""``scelle janitor``: removes what broken deposits left behind."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from vault.server.commands.folder import locked
from vault.server.commands.objects import open_locking, open_store, require_folder, require_objects
from vault.server.commands.progress import Progress
from vault.server.commands.records import (
    open_records,
    reachable,
    read_settings,
    require_data,
    sqlite_file,
)
from vault.server.commands.style import (
    Command,
    ConflictProblem,
    HostProblem,
    print_json,
    print_pairs,
    say,
    settings_options,
)
from vault.server.services.janitor import GRACE, MIN_GRACE, Janitor, LeaseHeldError
from vault.server.stores.clock import SystemClock

if TYPE_CHECKING:
    from vault.server.services.janitor import Cleaning
    from vault.server.settings import Settings


@click.command(
    "janitor",
    cls=Command,
    help=_(
        "Remove what deposits left behind that broke off: bytes that no record names. Servers may run "
        "meanwhile; one janitor works at a time. A server does this by itself, every hour unless "
        "janitor_seconds says otherwise. Where object_lock is set, the bucket is also told to keep what was "
        "archived."
    ),
    examples=(
        "scelle janitor --data /srv/scelle --dry-run",
        "scelle janitor --data /srv/scelle --json",
        "scelle janitor --data /srv/scelle --offline",
        "scelle janitor --data /srv/scelle --lock-again",
    ),
)
@settings_options
@click.option(
    "--grace",
    type=click.IntRange(min=MIN_GRACE),
    default=GRACE,
    show_default=True,
    metavar=_("SECONDS"),
    help=_(
        "Leave alone what is younger: a deposit that takes longer is refused. Nothing that was "
        "acknowledged is ever removed, however short this is."
    ),
)
@click.option(
    "--offline", is_flag=True, help=_("No server is running: leave nothing alone, however young it is.")
)
@click.option(
    "--lock-again",
    "again",
    is_flag=True,
    help=_("Tell the bucket of every archived proof once more, such as after a restore into another bucket."),
)
@click.option("--dry-run", "dry", is_flag=True, help=_("Only say what would be removed."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON, for programs."))
@click.pass_context
def janitor(
    ctx: click.Context,
    /,
    *,
    config: str | None,
    grace: int,
    offline: bool,
    again: bool,
    dry: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Clean up once."""
    settings = read_settings(flags, config)
    if again and settings.lock_seconds is None:
        raise click.UsageError(_("--lock-again needs object_lock"), ctx)
    require_data(settings)
    with ExitStack() as stack:
        if offline and sqlite_file(settings) is not None:
            stack.enter_context(locked(settings.data))
        try:
            cleaning = asyncio.run(_clean(settings, 0 if offline else grace, dry=dry, again=again))
        except LeaseHeldError:
            raise ConflictProblem(_("another janitor is at work; try again later")) from None
    if as_json:
        print_json(cleaning.counts())
    else:
        _show(cleaning)
    if cleaning.outcome != "done":
        raise ConflictProblem(_("another janitor took over"))
    for failure in cleaning.failures:
        say(failure)
    if cleaning.locks_failed:
        raise HostProblem(
            _("not locked: {number}; the next run tries again").format(number=cleaning.locks_failed)
        )


async def _clean(settings: Settings, grace: int, *, dry: bool, again: bool) -> Cleaning:
    clock = SystemClock()
    async with open_records(settings, clock, upgrading=False) as records:
        with Progress() as progress, reachable():

            def tell(cleaning: Cleaning) -> None:
                progress.show(
                    _("{examined} objects looked at, {removed} removed").format(
                        examined=cleaning.examined, removed=cleaning.removed
                    )
                )

            require_folder(settings)
            async with open_store(settings) as store:
                await require_objects(records, store)
                locking = await open_locking(settings, records, store, clock, again=again)
                at_work = Janitor(records, store, clock, grace=grace, locking=locking, progress=tell)
                return await (at_work.look() if dry else at_work.run())


def _locks(cleaning: Cleaning) -> str:
    return _("archived proofs that would be locked") if cleaning.dry else _("archived proofs locked")


def _show(cleaning: Cleaning) -> None:
    print_pairs(
        [
            (_("looked at"), str(cleaning.examined)),
            (
                _("objects that would be removed") if cleaning.dry else _("objects removed"),
                _("{number}, {size} bytes").format(number=cleaning.objects, size=cleaning.object_bytes),
            ),
            (
                _("unfinished objects that would be removed")
                if cleaning.dry
                else _("unfinished objects removed"),
                str(cleaning.staged + cleaning.drafts),
            ),
            (
                _("expired uploads that would be removed") if cleaning.dry else _("expired uploads removed"),
                str(cleaning.uploads),
            ),
            *([(_("kept by a lock"), str(cleaning.locked))] if cleaning.locked else []),
            *([(_locks(cleaning), str(cleaning.locks))] if cleaning.locks else []),
        ]
    )
