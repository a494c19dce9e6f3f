"""``scelle serve``: the server, on the folder of its data."""

from __future__ import annotations

import asyncio
import ipaddress
import shlex
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from vault.server.commands.records import read_settings
from vault.server.commands.running import run
from vault.server.commands.style import Command, print_json, print_pairs, settings_options

if TYPE_CHECKING:
    from vault.server.commands.serving import Started
    from vault.server.settings import Settings


@click.command(
    "serve",
    cls=Command,
    help=_(
        "Run the server. The folder is made when it is not there, and with it the server's signing key. What "
        "is not typed comes from the environment (SCELLE_PORT, SCELLE_DATA, …) or from the file. The log "
        "goes to stderr, one JSON object a line. Ctrl-C or SIGTERM ends it: what is being transferred may "
        "end first, a second signal cuts it short. Put a proxy with TLS in front of it."
    ),
    examples=(
        "scelle serve --data /srv/scelle",
        "scelle serve --data /srv/scelle --host 0.0.0.0 --origin https://vault.example.org",
        "scelle serve --data /tmp/try --port 0 --json",
    ),
)
@settings_options
@click.option("--host", metavar=_("ADDRESS"), help=_("Address to listen on; 127.0.0.1 unless given."))
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar=_("NUMBER"),
    help=_("Port to listen on; 8440 unless given, 0 takes a free one."),
)
@click.option(
    "--origin",
    metavar="URL",
    help=_("The service's name as clients reach it; it is signed into every sign-in."),
)
@click.option(
    "--log-format",
    type=click.Choice(["json", "text"]),
    help=_("Lines of the log for programs, or for people."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON, for programs."))
@click.pass_context
def serve(ctx: click.Context, /, *, config: str | None, as_json: bool, **flags: object) -> None:
    """Run until told to end."""
    settings = read_settings(flags, config)
    if settings.origin is None and _is_wildcard(settings.host):
        raise click.UsageError(
            _("--origin is missing: clients cannot reach the service under the name {host}").format(
                host=settings.host
            ),
            ctx,
        )

    def announce(started: Started) -> None:
        line = _first_admin(settings, config, flags) if started.needs_admin else None
        if as_json:
            print_json(
                {
                    "url": started.url,
                    "origin": started.origin,
                    "fingerprint": started.fingerprint,
                    "key_id": started.key_id,
                    "version": started.version,
                    "first_admin": line,
                    "metrics": started.metrics,
                }
            )
            return
        pairs = [(_("listening on"), started.url), (_("fingerprint"), started.fingerprint)]
        if started.origin != started.url:
            pairs.insert(1, (_("known as"), started.origin))
        if started.metrics:
            pairs.append((_("metrics"), started.metrics))
        if line:
            pairs.append((_("make the first admin"), line))
        print_pairs(pairs)

    ctx.exit(asyncio.run(run(settings, announce)))


def _first_admin(settings: Settings, config: str | None, flags: dict[str, object]) -> str:
    words = ["scelle", "admin", "create", "NAME", "--data", str(settings.data)]
    if config is not None:
        words += ["--config", config]
    line = shlex.join(words)
    # The URL may hold a password, which has no place on a screen.
    return f"{line} --database-url …" if flags.get("database_url") else line


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
