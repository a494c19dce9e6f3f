"""``scelle migrate``: the database's schema, brought to what this version works with, or back."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from gettext import gettext as _
from typing import TYPE_CHECKING, NamedTuple

import click

from vault.server.commands.folder import locked
from vault.server.commands.records import open_for_migrating, read_settings, sqlite_file
from vault.server.commands.style import (
    AbsentProblem,
    Command,
    HostProblem,
    SettingsProblem,
    print_json,
    print_pairs,
    say,
    settings_options,
)
from vault.server.migrations.upgrade import (
    BASE,
    current_revision,
    downgrade,
    expected_revision,
    losses,
    revisions,
    upgrade,
)

if TYPE_CHECKING:
    from vault.server.migrations.upgrade import Database, Loss
    from vault.server.settings import Settings


class Wish(NamedTuple):
    """What was typed.

    Attributes:
        check: only look.
        to: the revision to go to.
        back: an older one than the database's may be meant.
        sure: nobody has to be asked.
    """

    check: bool
    to: str
    back: bool
    sure: bool


class Found(NamedTuple):
    """What the schema was, and what it is now; `BASE` for none."""

    before: str
    now: str


@click.command(
    "migrate",
    cls=Command,
    help=_(
        "Show and change the schema of the database. Without an option it is brought to what this version "
        "works with; what is stored stays. A server on SQLite does so by itself when it starts, one on "
        "PostgreSQL only if auto_migrate is set. Make a backup first, and stop every server. Going back to "
        "an older schema loses what that has no place for: it is shown before, and you are asked."
    ),
    examples=(
        "scelle migrate --data /srv/scelle --check",
        "scelle migrate --data /srv/scelle",
        "scelle migrate --data /srv/scelle --to 0003 --downgrade",
    ),
)
@settings_options
@click.option(
    "--check", is_flag=True, help=_("Change nothing; exit code 1 if the schema is not as expected.")
)
@click.option("--to", metavar=_("REVISION"), help=_("Go to this revision and no further."))
@click.option("--downgrade", "back", is_flag=True, help=_("Allow --to to name an older revision."))
@click.option("--yes", "sure", is_flag=True, help=_("Do not ask whether to lose what would be lost."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON, for programs."))
def migrate(
    *, config: str | None, check: bool, to: str | None, back: bool, sure: bool, as_json: bool, **flags: object
) -> None:
    """Show or change the schema."""
    settings = read_settings(flags, config)
    target = to or expected_revision()
    if target not in {BASE, *revisions()}:
        raise SettingsProblem(
            _("{revision}: there is no such revision; there are {all}").format(
                revision=target, all=", ".join(revisions())
            )
        )
    file = sqlite_file(settings)
    if file is not None and not file.is_file():
        raise AbsentProblem(_("{file}: there is no database here").format(file=file))
    with ExitStack() as stack:
        if file is not None and not check:
            stack.enter_context(locked(settings.data))
        found = asyncio.run(_run(settings, Wish(check, target, back, sure)))
    _show(found, as_json=as_json)
    if check and found.now != expected_revision():
        raise HostProblem(
            _("the schema is {current}, and this version needs {expected}").format(
                current=_word(found.now), expected=expected_revision()
            )
        )


async def _run(settings: Settings, wish: Wish) -> Found:
    async with open_for_migrating(settings) as engine:
        before = await current_revision(engine) or BASE
        if wish.check:
            return Found(before, before)
        if _place(wish.to) < _place(before):
            await _go_back(engine, before, wish)
        else:
            await upgrade(engine, wish.to)
        return Found(before, await current_revision(engine) or BASE)


async def _go_back(engine: Database, before: str, wish: Wish) -> None:
    if before not in revisions():
        raise SettingsProblem(
            _("the schema is {current}, which a later version made; use that version").format(current=before)
        )
    if not wish.back:
        raise SettingsProblem(
            _("the schema is {current}, which is newer than {target}; --downgrade allows to go back").format(
                current=before, target=wish.to
            )
        )
    _ask(await losses(engine, wish.to), wish)
    await downgrade(engine, wish.to)


def _ask(lost: tuple[Loss, ...], wish: Wish) -> None:
    for loss in lost:
        if loss.column is None:
            say(_("table {table} goes, with {rows} rows").format(table=loss.table, rows=loss.rows))
        else:
            say(
                _("column {column} of table {table} goes, in {rows} rows").format(
                    column=loss.column, table=loss.table, rows=loss.rows
                )
            )
    if wish.sure:
        return
    if not sys.stdin.isatty():
        raise SettingsProblem(_("nobody can be asked whether to lose this; --yes says so"))
    typed = click.prompt(
        _("Type {target} to lose this").format(target=wish.to), default="", show_default=False, err=True
    )
    if typed != wish.to:
        raise HostProblem(_("nothing was changed"))


def _place(revision: str) -> int:
    """Return where a revision stands; one of a later version stands behind all."""
    known = (BASE, *revisions())
    return known.index(revision) if revision in known else len(known)


def _word(revision: str) -> str:
    return _("none") if revision == BASE else revision


def _show(found: Found, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "before": None if found.before == BASE else found.before,
                "current": None if found.now == BASE else found.now,
                "expected": expected_revision(),
            }
        )
        return
    pairs = [(_("schema"), _word(found.now)), (_("expected"), expected_revision())]
    if found.now != found.before:
        pairs.insert(0, (_("schema before"), _word(found.before)))
    print_pairs(pairs)
