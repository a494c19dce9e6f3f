"""``scelle rotate``: new keys in the place of old ones, while what was sealed stays as it is."""

from __future__ import annotations

import time
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, NamedTuple

import click

from client.cli.online.bulk import agree, dry_option, yes_option
from client.cli.online.certifying import write_rotation
from client.cli.online.connection import online
from client.cli.online.finding import find_reviewer
from client.cli.online.identities import authority_identity, identity_options, own_identity
from client.cli.online.nextauthority import authority
from client.cli.online.rekey import reviewer
from client.cli.online.trusting import anchored
from client.cli.options import force_option, json_option
from client.cli.output import print_json, print_pairs, show_size
from client.cli.plugins import ROTATIONS, load_plugin, plugin_names
from client.cli.requests import check_dossier
from client.cli.style import Group
from client.errors import N_, UsageProblem
from client.exchange.targets import require_free
from client.policies import FORBIDDEN
from client.remote.granting import fetch_grants, keep_judged
from client.remote.rewrapping import Hands, rewrap_all
from client.remote.rotating import end, give_next_key, plan, require_admins, shut_out
from client.terminal import can_ask, counting, escape, say

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.remote.rotating import Member, Plan
    from vault.api.models.rotation import Rotation


class _Asked(NamedTuple):
    """What was typed."""

    dossier: str
    without: tuple[str, ...]
    resume: bool
    output: str | None
    force: bool
    as_json: bool


class Rotate(Group):
    """A group that has one more command on a server's host, which is loaded when it is typed."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, from another package where there is none of that name here."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in plugin_names(group=ROTATIONS):
            return load_plugin(cmd_name, group=ROTATIONS)
        return found


@click.group(
    "rotate",
    cls=Rotate,
    help=_(
        "Put new keys in the place of old ones; what was sealed stays byte for byte. The key by which a "
        "service signs receipts is rotated on its host: scelle rotate server."
    ),
)
def rotate() -> None:
    """Hold the commands."""


rotate.add_command(reviewer)
rotate.add_command(authority)


@rotate.command(
    "dossier",
    help=_(
        "Give a dossier its next key. Those who hold the present one get it, as far as the authority lets "
        "them act; --without leaves somebody out, whose grants end at once. Then every envelope is wrapped "
        "to it, archived proofs included, and the old key ends. Kilobytes move for each container, no "
        "content. Whoever fetched a container before, with a key that opened it, can still open that "
        "copy: against this only re-encryption of the content helps. Interrupted at any moment, it goes on "
        "with --resume, and until it has ended everybody who may open a container can. In the end the "
        "service signs a certificate that lists every container, none with an access for the old key; -o "
        "keeps it. For admins."
    ),
    examples=(
        "scelle rotate dossier D-2801 --dry-run",
        "scelle rotate dossier D-2801 --without r.durand -o D-2801.certificate",
        "scelle rotate dossier D-2801 --resume",
    ),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.option(
    "--without",
    multiple=True,
    metavar=_("ACCOUNT"),
    help=_("Who shall not have the next key, by name or id; may be given several times."),
)
@click.option("--resume", is_flag=True, help=_("Go on with a rotation that did not come to its end."))
@click.option("-o", "--output", metavar=_("FILE"), help=_("Where to write the certificate."))
@force_option(_("Overwrite the file if it exists."))
@dry_option()
@yes_option()
@click.option(
    "--authority",
    metavar=_("FILE"),
    help=_("The authority's key file, where the seals do not let your own key change who opens them."),
)
@identity_options()
@json_option()
@online
async def dossier(
    connection: Connection,
    *,
    dossier_id: str,
    without: tuple[str, ...],
    resume: bool,
    output: str | None,
    force: bool,
    dry: bool,
    yes: bool,
    authority: str | None,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Plan, ask, make the key, wrap, end."""
    asked = _Asked(check_dossier(dossier_id), without, resume, output, force, as_json)
    if resume and without:
        raise UsageProblem(N_("whom to leave out is said when a rotation begins; --resume only goes on"))
    if output is not None and not dry:
        require_free(output, force=force)
    service, anchor = connection.service, await anchored(connection)
    accounts = {(await find_reviewer(service, name)).account for name in without}
    begun = time.monotonic()
    planned = await plan(service, anchor, asked.dossier, without=accounts)
    asked_in = time.monotonic() - begun
    if dry:
        _show_plan(asked, planned, asked_in)
        return
    _require_sense(asked, planned)
    own = own_identity(connection, identity, passphrase_file)
    writer = (authority_identity(anchor, authority, passphrase_file) if authority else own).signing
    if not yes and can_ask():
        _show_plan(asked._replace(as_json=False), planned, asked_in)
    agree(_("rotate? [y/N]"), yes=yes)
    progress = planned.rotation
    if not resume:
        await shut_out(service, asked.dossier, planned, accounts)
        progress = await give_next_key(service, anchor, asked.dossier, planned, own)
    hands = Hands(own, writer)
    ended, count = await _wrap(connection, asked, planned, hands, left=progress.outdated)
    _show_end(asked, planned, ended, count)
    if not as_json and output is None:
        text = _("to keep its certificate, type: scelle certificate fetch {dossier} -o FILE")
        say(text.format(dossier=asked.dossier))


async def _wrap(
    connection: Connection, asked: _Asked, planned: Plan, hands: Hands, *, left: int
) -> tuple[Rotation, int]:
    service = connection.service
    fetched = await fetch_grants(service, asked.dossier)
    known = keep_judged(connection.known, await anchored(connection), fetched)
    with counting(_("rotating"), left, quiet=asked.as_json) as advance:
        count = await rewrap_all(
            service,
            known,
            asked.dossier,
            hands,
            removed=planned.removed,
            passwords=fetched.passwords != FORBIDDEN,
            advance=advance,
        )
    current = known.current_key()
    ended = await end(service, asked.dossier, current.generation)
    if asked.output is not None:
        before, key = current.generation - 1, current.previous
        await write_rotation(
            connection, asked.dossier, asked.output, force=asked.force, generation=before, key=key
        )
    return ended, count


def _require_sense(asked: _Asked, planned: Plan) -> None:
    if asked.resume and not planned.unfinished:
        raise UsageProblem(
            N_(
                "the last rotation of {dossier} came to its end; "
                "its certificate is had with scelle certificate fetch {dossier} -o FILE"
            ),
            dossier=asked.dossier,
        )
    if planned.unfinished and not asked.resume:
        raise UsageProblem(
            N_(
                "a rotation of {dossier} did not come to its end: {count} of {total} containers are left; "
                "go on with --resume"
            ),
            dossier=asked.dossier,
            count=planned.rotation.outdated,
            total=planned.rotation.versions,
        )
    if not asked.resume:
        require_admins(planned)


def _show_plan(asked: _Asked, planned: Plan, asked_in: float) -> None:
    rotation = planned.rotation
    count = rotation.outdated if planned.unfinished else rotation.versions
    # The plan took a handful of round trips; writing an envelope takes one, and a signature.
    seconds = max(1, round(count * max(asked_in / 4, 0.02)))
    if asked.as_json:
        print_json(
            {
                "dossier": asked.dossier,
                "generation": rotation.generation,
                "unfinished": planned.unfinished,
                "versions": rotation.versions,
                "to_rotate": count,
                "envelope_bytes": rotation.envelope_bytes,
                "body_bytes": rotation.body_bytes,
                "seconds": seconds,
                "staying": [member.name for member in planned.staying],
                "leaving": [member.name for member in planned.leaving],
            }
        )
        return
    print_pairs(
        [
            (_("dossier"), asked.dossier),
            (_("present key"), str(rotation.generation)),
            (_("containers to rotate"), f"{count} / {rotation.versions}"),
            (_("envelopes in all"), show_size(rotation.envelope_bytes)),
            (_("content, not moved"), show_size(rotation.body_bytes)),
            (_("about"), ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)),
            (_("have the next key"), _names(planned.staying)),
            (_("do not"), _names(planned.leaving)),
        ]
    )


def _show_end(asked: _Asked, planned: Plan, ended: Rotation, count: int) -> None:
    if asked.as_json:
        print_json(
            {
                "dossier": asked.dossier,
                "generation": ended.generation,
                "rewrapped": count,
                "versions": ended.versions,
                "certificate": asked.output,
                "staying": [member.name for member in planned.staying],
                "leaving": [member.name for member in planned.leaving],
            }
        )
        return
    print_pairs(
        [
            (_("dossier"), asked.dossier),
            (_("present key"), str(ended.generation)),
            (_("envelopes written anew"), str(count)),
            (_("still on an older key"), f"{ended.outdated} / {ended.versions}"),
            (_("have the key"), _names(planned.staying)),
            (_("certificate"), escape(asked.output or "")),
        ]
    )


def _names(members: tuple[Member, ...]) -> str:
    return ", ".join(sorted(escape(member.name) for member in members)) or "-"
