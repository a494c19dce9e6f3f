"""``scelle rotate server``: the next key by which a service signs, announced by the present one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from keys.errors import KeyFileMissingError
from keys.files import public_path
from keys.serverkey import create_server_key
from vault.api.problems import Code
from vault.server.commands.records import (
    host_origin,
    open_records,
    reachable,
    read_settings,
    require_data,
)
from vault.server.commands.style import (
    Command,
    ConflictProblem,
    HostProblem,
    SettingsProblem,
    print_json,
    print_pairs,
    say,
    settings_options,
    show_time,
)
from vault.server.refusals import RefusedError
from vault.server.services.nextkey import NextKey
from vault.server.services.serverkeys import Held, next_path, read_held
from vault.server.stores.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from keys.keyfile import PublicIdentity
    from vault.server.services.serverkeys import Standing
    from vault.server.settings import Settings

LEAST: Final = 60
"""Seconds between the announcement and the change: servers that read the time differently do not matter."""
_MINUTE: Final = 60
_HOUR: Final = 60


class _Wish(NamedTuple):
    """What was typed."""

    seconds: int
    dry: bool
    resume: bool
    sure: bool
    as_json: bool


class _Files(NamedTuple):
    """The key files on this host; None: there is none."""

    path: Path
    own: Held | None
    following: Held | None

    @classmethod
    def read(cls, path: Path) -> _Files:
        return cls(path, _read(path), _read(next_path(path)))


@click.command(
    "server",
    cls=Command,
    help=_(
        "Put a new key in the place of the one by which a service signs receipts, checkpoints and "
        "certificates. Type it on the host of a server, which goes on meanwhile. The present key announces "
        "the next one, which lies beside it (server.key.next) and takes over later, by itself and on all "
        "servers at once: until then copy that file to every other host. Clients follow by the announcement; "
        "nobody compares a fingerprint, and what was signed before stays valid. Afterwards type it on every "
        "host with --resume: the new file takes the place of the old, which is kept aside for you to destroy."
    ),
    examples=(
        "scelle rotate server --data /srv/scelle --dry-run",
        "scelle rotate server --data /srv/scelle --minutes 1440",
        "scelle rotate server --data /srv/scelle --resume",
    ),
)
@settings_options
@click.option(
    "--minutes",
    type=click.IntRange(1, 366 * 24 * 60),
    default=_HOUR,
    show_default=True,
    metavar=_("NUMBER"),
    help=_("From the announcement until the next key takes over."),
)
@click.option("--dry-run", "dry", is_flag=True, help=_("Only say what would be done."))
@click.option("--resume", is_flag=True, help=_("Go on with what was begun; begin nothing."))
@click.option("--yes", "sure", is_flag=True, help=_("Do not ask."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON, for programs."))
def server(*, config: str | None, minutes: int, **options: Any) -> None:
    """Do the next step, whichever it is."""
    flags = {name: options.pop(name) for name in list(options) if name not in _Wish._fields}
    settings = read_settings(flags, config)
    require_data(settings)
    wish = _Wish(seconds=max(LEAST, minutes * _MINUTE), **options)
    if wish.dry and wish.resume:
        raise SettingsProblem(_("--dry-run and --resume do not go together"))
    try:
        asyncio.run(_rotate(settings, wish))
    except RefusedError as error:
        if error.code is Code.AUTHORITY_MISSING:
            raise ConflictProblem(
                _("no authority is published yet, so no client knows this service's key: keep it")
            ) from None
        raise ConflictProblem(_("somebody else was faster: {reason}").format(reason=error.detail)) from None


async def _rotate(settings: Settings, wish: _Wish) -> None:
    clock = SystemClock()
    async with open_records(settings, clock, upgrading=False) as records:
        with reachable():
            next_key = NextKey(records, clock)
            standing = await next_key.look()
            files = _Files.read(settings.server_key_path)
            if standing.coming is not None:
                _show_announced(files, standing, wish)
            elif files.own is not None and files.own.identity in standing.former:
                _finish(files, standing, wish)
            else:
                await _announce(next_key, files, standing, wish)


async def _announce(next_key: NextKey, files: _Files, standing: Standing, wish: _Wish) -> None:
    own = files.own
    if own is None or own.identity != standing.present:
        raise HostProblem(
            _("{path}: this is not the key that signs for the service, {fingerprint}").format(
                path=files.path, fingerprint=standing.present.fingerprint
            )
        )
    following = files.following
    if following is not None and following.identity in standing.former:
        raise HostProblem(_left_over(next_path(files.path)))
    if wish.resume and following is None:
        _print(files, standing.present, None, None, wish, state="present", said=_("nothing was begun"))
        return
    if wish.dry:
        said = _("it would be announced, and take over {minutes} minutes later; nothing was changed").format(
            minutes=wish.seconds // _MINUTE
        )
        _print(
            files, standing.present, following and following.identity, None, wish, state="present", said=said
        )
        return
    _agree(wish)
    if following is None:
        # Left over where the last rotation was cut off between its two files.
        public_path(next_path(files.path)).unlink(missing_ok=True)
        create_server_key(next_path(files.path))
        following = read_held(next_path(files.path))
    announced = await next_key.announce(own, following.identity, seconds=wish.seconds, origin=host_origin())
    said = _("announced; give every other host the file {path} before then").format(
        path=next_path(files.path)
    )
    _print(files, own.identity, following.identity, announced.issued, wish, state="announced", said=said)


def _show_announced(files: _Files, standing: Standing, wish: _Wish) -> None:
    """Say when the next key takes over, and whether this host has it."""
    coming = standing.coming
    assert coming is not None
    if files.following is None or files.following.identity != coming.new:
        raise HostProblem(
            _(
                "{path}: the key that takes over at {time}, {fingerprint}, is not here; bring its file from "
                "the host where it was announced"
            ).format(
                path=next_path(files.path), time=show_time(coming.issued), fingerprint=coming.new.fingerprint
            )
        )
    said = _("announced; nothing is to be done here until then")
    _print(files, standing.present, coming.new, coming.issued, wish, state="announced", said=said)


def _finish(files: _Files, standing: Standing, wish: _Wish) -> None:
    """Put the file of the key that signs in the place of the old one's, which is kept aside."""
    own, path = files.own, files.path
    assert own is not None
    if files.following is None or files.following.identity != standing.present:
        raise HostProblem(
            _("{path}: the key that signs by now, {fingerprint}, is not here; bring its file").format(
                path=next_path(path), fingerprint=standing.present.fingerprint
            )
        )
    aside = path.with_name(f"{path.name}.{own.identity.signing_key_id.hex()[:8]}.old")
    if wish.dry:
        said = _("it would take the place of the old file; nothing was changed")
        _print(files, standing.present, None, None, wish, state="in force", said=said)
        return
    for source, kept in ((path, aside), (public_path(path), public_path(aside))):
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            os.link(source, kept)
    # One step each, the secret first: a server that starts in between finds a whole file.
    next_path(path).replace(path)
    with contextlib.suppress(FileNotFoundError):
        public_path(next_path(path)).replace(public_path(path))
    said = _("this host has it in the place of the old one, which is {path} now; destroy that").format(
        path=aside
    )
    _print(files, standing.present, None, None, wish, state="done", said=said)


def _agree(wish: _Wish) -> None:
    if wish.sure:
        return
    if not sys.stdin.isatty():
        raise SettingsProblem(_("nobody can be asked whether to rotate; --yes says so"))
    if not click.confirm(_("announce the next key?"), err=True):
        raise click.Abort


def _read(path: Path) -> Held | None:
    with contextlib.suppress(KeyFileMissingError):
        return read_held(path)
    return None


def _left_over(path: Path) -> str:
    return _("{path}: this key signed before and follows nobody; move it away").format(path=path)


def _print(
    files: _Files,
    present: PublicIdentity,
    following: PublicIdentity | None,
    at: int | None,
    wish: _Wish,
    *,
    state: str,
    said: str,
) -> None:
    if wish.as_json:
        print_json(
            {
                "state": state,
                "present": present.fingerprint,
                "next": following.fingerprint if following else None,
                "takes_over": at,
                "file": str(next_path(files.path)) if following else str(files.path),
            }
        )
        return
    pairs = [(_("signs now"), present.fingerprint)]
    if following is not None:
        pairs.append((_("next"), following.fingerprint))
    if at is not None:
        pairs.append((_("takes over"), show_time(at)))
    print_pairs(pairs)
    say(said)
