"""``scelle reencrypt``: new containers with the same files in the places of those that a kept key opens."""

from __future__ import annotations

import time
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from client.cli.online.bulk import Unfinished, agree, dry_option, each, yes_option
from client.cli.online.connection import online
from client.cli.online.erasing import show_approvals
from client.cli.online.identities import identity_options, own_identity
from client.cli.online.passwords import check_proof
from client.cli.online.trusting import anchored
from client.cli.options import json_option, quiet_option
from client.cli.output import print_json, print_pairs, show_size
from client.cli.requests import check_dossier
from client.cli.style import command
from client.errors import N_, UsageProblem
from client.remote.approving import require_approved
from client.remote.granting import fetch_grants, keep_judged
from client.remote.pages import every
from client.remote.parts import Way
from client.remote.reencrypting import Desk, Hands, Reencrypting
from client.remote.rotating import plan
from client.remote.signin import sign_in
from client.terminal import can_ask, escape, progress, say
from vault.api.models.approvals import Act
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client.cli.online.connection import Connection
    from client.errors import ClientError
    from client.remote.reencrypting import Done
    from keys.keyring import Identity
    from vault.api.models.reencryption import Left, Reencryption

_RATE: Final = 10 * 1024 * 1024
"""Bytes a second that a plan reckons with, fetched and sent: an ordinary line."""

_EACH: Final = 0.5
"""Seconds for each container beside that."""

_SESSION: Final = 1800
"""Seconds after which a session, which lasts an hour, is begun anew."""


class _Asked(NamedTuple):
    """What was typed."""

    dossier: str
    proofs: tuple[str, ...]
    resume: bool
    quiet: bool
    as_json: bool


class _Plan(NamedTuple):
    """What there is to do.

    Attributes:
        state: what the service says of the whole dossier.
        left: what is to be done, of the proofs that were named.
    """

    state: Reencryption
    left: tuple[Left, ...]

    @property
    def outdated(self) -> tuple[Left, ...]:
        """What is to be sealed anew."""
        return tuple(one for one in self.left if one.outdated)

    @property
    def size(self) -> int:
        """Bytes to be fetched."""
        return sum(one.version.size for one in self.left)

    @property
    def moved(self) -> int:
        """Bytes to be fetched and to be sent."""
        return self.size + sum(one.version.size for one in self.outdated)

    @property
    def seconds(self) -> int:
        """About how long it takes."""
        return max(1, round(self.moved / _RATE + len(self.left) * _EACH))


class _Tally(NamedTuple):
    """What came of it."""

    done: list[Done]
    failed: list[tuple[Left, ClientError]]


@command(
    "reencrypt",
    help=_(
        "Re-encrypt what a dossier holds, archived proofs included: each container is fetched, sealed anew "
        "with the same files and a new key, and takes its place; then the original is erased, and its seal "
        "and receipt stay. Rotate the dossier's key first: what was sealed before its present key is "
        "re-encrypted, and so is what was sealed for another recovery key. Afterwards a container key that "
        "somebody kept opens nothing that the service has. Contents pass through this machine, encrypted "
        "on its disk. Depositors keep their own access; accesses by password cannot be carried over. "
        "Interrupted at any moment, it goes on when it is typed again. Where the service asks for it, two "
        "admins approve it first, with scelle approve reencrypt. For admins with a grant."
    ),
    examples=(
        "scelle reencrypt D-2801 --dry-run",
        "scelle reencrypt D-2801",
        "scelle reencrypt D-2801 --resume --yes",
        "scelle reencrypt D-2801 --proof 5f0c…",
    ),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.option(
    "--proof",
    "proofs",
    multiple=True,
    metavar=_("PROOF"),
    help=_("Only this proof, with all its versions; may be given several times."),
)
@click.option("--resume", is_flag=True, help=_("Go on with what an earlier run left."))
@click.option(
    "--without-depositor",
    is_flag=True,
    help=_("Also where the depositor would have no access any more: it had one by password alone."),
)
@click.option(
    "--keep-originals",
    is_flag=True,
    help=_("Erase no original; typing it again without this does that."),
)
@dry_option()
@yes_option()
@identity_options()
@quiet_option()
@json_option()
@online
async def reencrypt(
    connection: Connection,
    *,
    dossier_id: str,
    proofs: tuple[str, ...],
    resume: bool,
    without_depositor: bool,
    keep_originals: bool,
    dry: bool,
    yes: bool,
    identity: str | None,
    passphrase_file: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Plan, ask, re-encrypt one after the other, say what failed."""
    dossier = check_dossier(dossier_id)
    asked = _Asked(dossier, tuple(map(check_proof, proofs)), resume, quiet, as_json)
    planned = await _plan(connection, asked)
    if dry:
        _show_plan(asked, planned)
        return
    _require_sense(asked, planned)
    require_approved(planned.state.approvals, Act.REENCRYPT, dossier)
    own = own_identity(connection, identity, passphrase_file)
    if not yes and can_ask():
        _show_plan(asked._replace(as_json=False), planned)
    agree(_("re-encrypt? [y/N]"), yes=yes)
    anchor = await anchored(connection)
    known = keep_judged(connection.known, anchor, await fetch_grants(connection.service, dossier))
    removed = (await plan(connection.service, anchor, dossier)).removed
    renewing = _renewing(connection, own)
    hands = Hands(own, removed, without_depositor, keep_originals, Way(sign_in=renewing))
    with TemporaryDirectory(prefix="scelle-") as folder:
        desk = Desk(connection.service, anchor, connection.known, known, Path(folder))
        tally = await _work(asked, planned, Reencrypting(desk, hands), renewing)
    await _show_end(connection, asked, tally)


def _renewing(connection: Connection, own: Identity) -> Callable[[], Awaitable[object]] | None:
    """Return what begins a session anew; a service token lasts longer, and is nobody's to renew."""
    session = connection.session
    if session is None or session.kind != "session":
        return None
    return lambda: sign_in(connection.service, own)


async def _plan(connection: Connection, asked: _Asked) -> _Plan:
    service = connection.service
    state = await service.get_reencryption(asked.dossier)

    async def page(query: Paging) -> Any:
        return await service.list_left(asked.dossier, query)

    found = [one async for one in every(page, Paging())]
    if asked.proofs:
        found = [one for one in found if one.version.evidence in asked.proofs]
    # The oldest deposit first, as one would read them.
    return _Plan(state, tuple(reversed(found)))


def _require_sense(asked: _Asked, planned: _Plan) -> None:
    if planned.left:
        return
    if asked.resume:
        raise UsageProblem(N_("nothing of {dossier} is left to be re-encrypted"), dossier=asked.dossier)
    raise UsageProblem(
        N_(
            "everything in {dossier} was sealed for its present key; give it the next one first, without "
            "whoever shall not open it any more: scelle rotate dossier {dossier}"
        ),
        dossier=asked.dossier,
    )


async def _work(
    asked: _Asked,
    planned: _Plan,
    reencrypting: Reencrypting,
    renew: Callable[[], Awaitable[object]] | None,
) -> _Tally:
    """Do one after the other; a failure stops nothing, unless the next would fare no better."""
    begun = time.monotonic()
    with progress(_("re-encrypting"), planned.moved, quiet=asked.quiet or asked.as_json) as advance:

        async def act(left: Left) -> Done | None:
            nonlocal begun
            if renew is not None and time.monotonic() - begun > _SESSION:
                await renew()
                begun = time.monotonic()
            return await reencrypting.one(left, advance)

        done, failed = await each(planned.left, act)
    return _Tally([one for one in done if one is not None], failed)


def _show_plan(asked: _Asked, planned: _Plan) -> None:
    state, seconds = planned.state, planned.seconds
    if asked.as_json:
        print_json(
            {
                "dossier": asked.dossier,
                "generation": state.generation,
                "versions": state.versions,
                "to_reencrypt": len(planned.outdated),
                "to_erase": len(planned.left) - len(planned.outdated),
                "bytes": planned.size,
                "moved": planned.moved,
                "seconds": seconds,
                "approvals": state.approvals.model_dump(mode="json") if state.approvals else None,
            }
        )
        return
    print_pairs(
        [
            (_("dossier"), asked.dossier),
            (_("present key"), str(state.generation)),
            (_("containers to re-encrypt"), f"{len(planned.outdated)} / {state.versions}"),
            (_("originals to erase beside"), str(len(planned.left) - len(planned.outdated))),
            (_("to be fetched"), show_size(planned.size)),
            (_("fetched and sent in all"), show_size(planned.moved)),
            (_("about"), ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)),
            (_("approvals"), show_approvals(state.approvals)),
        ]
    )


async def _show_end(connection: Connection, asked: _Asked, tally: _Tally) -> None:
    state = await connection.service.get_reencryption(asked.dossier)
    lost = [done for done in tally.done if done.lost]
    for left, failure in tally.failed:
        say(f"{left.version.evidence} {left.version.number}: {escape(str(failure))}")
    if lost and not asked.quiet:
        text = ngettext(
            "note: accesses of {count} container could not be carried over, such as those by password; "
            "its depositor can add them again",
            "note: accesses of {count} containers could not be carried over, such as those by password; "
            "their depositors can add them again",
            len(lost),
        )
        say(text.format(count=len(lost)))
    document = {
        "dossier": asked.dossier,
        "reencrypted": sum(done.receipt is not None for done in tally.done),
        "moved": sum(done.size for done in tally.done),
        "lost_accesses": len(lost),
        "failed": [
            {"evidence": left.version.evidence, "number": left.version.number, "error": str(failure)}
            for left, failure in tally.failed
        ],
        "left": state.left,
        "originals": state.originals,
    }
    if asked.as_json:
        print_json(document)
    else:
        print_pairs(
            [
                (_("dossier"), asked.dossier),
                (_("re-encrypted"), str(document["reencrypted"])),
                (_("fetched and sent"), show_size(sum(done.size for done in tally.done))),
                (_("left to re-encrypt"), str(state.left)),
                (_("originals not erased"), str(state.originals)),
            ]
        )
    if tally.failed:
        raise Unfinished(len(tally.failed))
