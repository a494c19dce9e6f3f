"""``scelle journal``: what happened, in order, and whether it was ever changed afterwards."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any

import click

from client.cli.online.connection import online
from client.cli.online.receiving import write_receipt
from client.cli.online.trusting import anchored
from client.cli.options import force_option, json_option, quiet_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.style import group
from client.exchange.targets import require_free
from client.records import Checkpoints
from client.remote.journaling import entries, extends, fetch_checkpoint, verify_journal
from client.terminal import say
from vault.journal import Checkpoint, decode_entry

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.profile import ServiceProfile
    from client.remote.journaling import Verified
    from client.trust import Anchor
    from vault.journal import Entry

_KEPT = 100
"""Checkpoints that are kept: the first ones say the most, the last ones the latest."""


@group("journal", help=_("The journal: every change and every download. For auditors and admins."))
def journal() -> None:
    """Hold the commands."""


@journal.command(
    "list",
    help=_("List entries in order."),
    examples=("scelle journal list --start 120 --count 20", "scelle journal list --json"),
)
@click.option(
    "--start", type=click.IntRange(min=0), default=0, metavar=_("NUMBER"), help=_("First position.")
)
@click.option("--count", type=click.IntRange(min=1), metavar=_("NUMBER"), help=_("How many; by default all."))
@json_option()
@online
async def list_(connection: Connection, *, start: int, count: int | None, as_json: bool) -> None:
    """Print entries."""
    stop = None if count is None else start + count
    found = [decode_entry(data) async for data in entries(connection.service, start=start, stop=stop)]
    if as_json:
        print_json([_document(entry) for entry in found])
    elif found:
        print_table([_row(entry) for entry in found], right=0)


@journal.command(
    "checkpoint",
    help=_(
        "Fetch the service's signed word on the journal's size and root, check that nothing before it was "
        "taken back since the last one that you kept, and keep it."
    ),
    examples=("scelle journal checkpoint -o today.checkpoint",),
)
@click.option("-o", "--output", metavar=_("FILE"), help=_("Write it there too."))
@force_option(_("Overwrite the file if it exists."))
@json_option()
@online
async def checkpoint(connection: Connection, *, output: str | None, force: bool, as_json: bool) -> None:
    """Fetch, compare, keep."""
    if output:
        require_free(output, force=force)
    anchor = await anchored(connection)
    present = await fetch_checkpoint(connection.service, anchor)
    for signed in connection.known.checkpoints.items[-1:]:
        last = anchor.checkpoint(signed)
        await extends(connection.service, Checkpoint(last.size, last.root), present.checkpoint)
    _keep(connection.known, present)
    if output:
        write_receipt(output, present.signed, force=force)
    _show(present, anchor, as_json=as_json)


@journal.command(
    "verify",
    help=_(
        "Read the whole journal and check it against the service's signed word, and against every checkpoint "
        "that you kept: no entry was altered, removed, added in between or re-ordered."
    ),
    examples=("scelle journal verify",),
)
@quiet_option()
@json_option()
@online
async def verify(connection: Connection, *, quiet: bool, as_json: bool) -> None:
    """Read all, compare, keep."""
    anchor = await anchored(connection)
    kept = connection.known.checkpoints.items
    present = await verify_journal(connection.service, anchor, kept)
    _keep(connection.known, present)
    if not quiet and not kept:
        say(_("note: this is your first checkpoint; what was changed before it, nobody could tell from it"))
    _show(present, anchor, as_json=as_json, compared=len(kept))


def _keep(known: ServiceProfile, present: Verified) -> None:
    items = tuple(dict.fromkeys((*known.checkpoints.items, present.signed)))
    if len(items) > _KEPT:
        items = items[: _KEPT // 2] + items[-_KEPT // 2 :]
    known.keep_checkpoints(Checkpoints(items))


def _show(present: Verified, anchor: Anchor, *, as_json: bool, compared: int | None = None) -> None:
    issued = anchor.checkpoint(present.signed).issued
    if as_json:
        print_json(
            {
                "size": present.checkpoint.size,
                "root": present.checkpoint.root.hex(),
                "issued": issued,
                "compared_checkpoints": compared,
            }
        )
        return
    print_pairs(
        [
            (_("entries"), str(present.checkpoint.size)),
            (_("root"), present.checkpoint.root.hex()),
            (_("signed"), show_time(issued)),
            (_("earlier checkpoints"), "" if compared is None else str(compared)),
        ]
    )


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        str(entry.position),
        show_time(entry.time),
        f"{entry.actor.kind}:{entry.actor.id}",
        entry.action,
        " ".join(f"{subject.kind}:{subject.id}" for subject in entry.subjects),
        " ".join(f"{detail.name}={detail.value}" for detail in entry.details),
    )


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "position": entry.position,
        "time": entry.time,
        "actor": entry.actor._asdict(),
        "action": entry.action,
        "subjects": [subject._asdict() for subject in entry.subjects],
        "details": {detail.name: detail.value for detail in entry.details},
        "request": entry.request,
    }
