"""``scelle scrub``: whether everything that was acknowledged is still what it was."""

from __future__ import annotations

import asyncio
from gettext import gettext as _
from typing import TYPE_CHECKING, Final

import click

from vault.server.commands.objects import open_store, require_folder
from vault.server.commands.progress import Progress
from vault.server.commands.records import (
    open_records,
    reachable,
    read_settings,
    require_data,
)
from vault.server.commands.style import (
    AbsentProblem,
    Command,
    print_json,
    print_pairs,
    say,
    settings_options,
)
from vault.server.services.damage import Finding, Kind
from vault.server.services.scrub import Scrub
from vault.server.stores.clock import SystemClock

if TYPE_CHECKING:
    from vault.server.services.scrub import Scrubbing
    from vault.server.settings import Settings

DAMAGED: Final = 5
"""Exit code: something is damaged, as where a container is refused."""

UNREADABLE: Final = 7
"""Exit code: nothing is known to be damaged, but not everything could be read."""


@click.command(
    "scrub",
    cls=Command,
    help=_(
        "Check every stored version, active and archived, templates and the journal: objects against their "
        "seals, envelopes, receipts and rows against each other. It needs no key and changes nothing; "
        "servers may run meanwhile. Each damage is a line on the standard output. Exit code 0: all is well; "
        "5: something is damaged; 7: database or object store could not be read, which is no damage: try "
        "again."
    ),
    examples=(
        "scelle scrub --data /srv/scelle",
        "scelle scrub --data /srv/scelle --dossier 2801",
        "scelle scrub --config /etc/scelle.toml --json",
    ),
)
@settings_options
@click.option(
    "--dossier",
    metavar=_("ID"),
    help=_(
        "Check versions and templates of this dossier alone, and not the journal; the metrics do not show it."
    ),
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help=_("Print JSON, for programs: a line for each damage when it is found, then one with the counts."),
)
@click.pass_context
def scrub(
    ctx: click.Context,
    /,
    *,
    config: str | None,
    dossier: str | None,
    as_json: bool,
    **flags: object,
) -> None:
    """Look at everything once."""
    settings = read_settings(flags, config)
    require_data(settings)
    scrubbing = asyncio.run(_scrub(settings, dossier, as_json=as_json))
    if as_json:
        print_json(scrubbing.counts())
    else:
        _show(scrubbing)
    if scrubbing.damaged:
        say(_("something is damaged; docs/operations.md says what to do about each code"))
        ctx.exit(DAMAGED)
    if scrubbing.unreadable:
        say(_("not everything could be read; run scelle scrub again"))
        ctx.exit(UNREADABLE)


async def _scrub(settings: Settings, dossier: str | None, *, as_json: bool) -> Scrubbing:
    clock = SystemClock()
    async with open_records(settings, clock, upgrading=False) as records:
        with Progress() as progress, reachable():

            def tell(scrubbing: Scrubbing) -> None:
                progress.show(
                    _(
                        "{entries} journal entries, {examined} of {total} versions, {percent} %, "
                        "{damaged} damages"
                    ).format(
                        entries=scrubbing.entries,
                        examined=scrubbing.examined,
                        total=scrubbing.total,
                        percent=100 * scrubbing.examined_bytes // max(scrubbing.total_bytes, 1),
                        damaged=scrubbing.damaged,
                    )
                )

            def found(finding: Finding) -> None:
                progress.clear()
                if as_json:
                    print_json(finding.document())
                else:
                    click.echo(_line(finding))

            if dossier is not None:
                async with records.read() as view:
                    if await view.dossiers.get(dossier) is None:
                        raise AbsentProblem(_("there is no dossier {dossier}").format(dossier=dossier))
            require_folder(settings)
            async with open_store(settings) as store:
                return await Scrub(records, store, clock, found=found, progress=tell).run(dossier)


def _line(finding: Finding) -> str:
    """Return a damage as one line: code, where, what."""
    labels = {
        "dossier": _("dossier"),
        "evidence": _("evidence"),
        "number": _("version"),
        "seal": _("seal"),
        "object": _("object"),
        "template": _("template"),
        "position": _("journal entry"),
    }
    said = finding.document()
    where = ", ".join(f"{label} {said[name]}" for name, label in labels.items() if name in said)
    code = _("not read") if finding.kind is Kind.UNREADABLE else finding.kind.value
    return f"{code}: {where}: {finding.detail}" if where else f"{code}: {finding.detail}"


def _show(scrubbing: Scrubbing) -> None:
    print_pairs(
        [
            (
                _("looked at"),
                _("{number} versions, {size} bytes").format(
                    number=scrubbing.examined, size=scrubbing.examined_bytes
                ),
            ),
            *([] if scrubbing.dossier else [(_("journal entries"), str(scrubbing.entries))]),
            (_("damages"), str(scrubbing.damaged)),
            *([(_("not read"), str(scrubbing.unreadable))] if scrubbing.unreadable else []),
        ]
    )
