"""``scelle token``: service tokens, for programs."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.connection import asking, online
from client.cli.online.finding import find_account
from client.cli.online.nexttoken import rotate
from client.cli.online.sizes import DAY, days_option
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.style import group
from client.errors import N_, ClientError
from client.exchange.targets import AtomicFile
from client.remote.pages import every
from vault.api.models.base import Paging
from vault.api.models.people import TokenRequest

if TYPE_CHECKING:
    from client.cli.online.connection import Connection

_SECRET_MODE = 0o600


@group("token", help=_("Service tokens: for portals, auditors and scripts."))
def token() -> None:
    """Hold the commands."""


token.add_command(rotate)


@token.command(
    "create",
    help=_("Make a token. It is shown once: keep it in a file that only its program can read."),
    examples=(
        "scelle token create --account convergence --label production -o portal.token",
        "scelle token create --label backup --days 30 --read-only",
    ),
)
@click.option("--account", metavar=_("ACCOUNT"), help=_("Whose token, by name or id; your own by default."))
@click.option("--label", required=True, metavar=_("TEXT"), help=_("What it is for."))
@days_option(90, _("How long it lasts."))
@click.option("--read-only", is_flag=True, help=_("It changes nothing."))
@click.option("-o", "--output", metavar=_("FILE"), help=_("Write the token there instead of showing it."))
@json_option()
@online
async def create(
    connection: Connection,
    *,
    account: str | None,
    label: str,
    days: int,
    read_only: bool,
    output: str | None,
    as_json: bool,
) -> None:
    """Make it; show it or write it."""
    owner = (await find_account(connection.service, account)).id if account else None
    request = asking(TokenRequest, account=owner, label=label, lifetime=days * DAY, read_only=read_only)
    if output is None:
        issued = await connection.service.create_token(request)
        secret = issued.secret
    else:
        # The file first: a token that could not be written would be lost, and stay valid.
        with AtomicFile(output, mode=_SECRET_MODE) as file:
            issued = await connection.service.create_token(request)
            if issued.secret is None:
                raise ClientError(N_("the service did not show the token; revoke it and make another"))
            file.write(issued.secret.encode() + b"\n")
            file.commit()
        secret = None
    if as_json:
        print_json({"token": issued.token.model_dump(mode="json"), "secret": secret, "file": output})
        return
    print_pairs(
        [
            (_("token"), secret or ""),
            (_("written to"), output or ""),
            (_("id"), issued.token.id),
            (_("valid until"), show_time(issued.token.expires)),
        ]
    )


@token.command("list", help=_("List your tokens; an admin sees everyone's."), examples=("scelle token list",))
@json_option()
@online
async def list_(connection: Connection, *, as_json: bool) -> None:
    """Print a table."""
    found = [item async for item in every(connection.service.list_tokens, Paging())]
    if as_json:
        print_json([item.model_dump(mode="json") for item in found])
        return
    rows = [
        (
            item.id,
            item.account,
            _("revoked") if item.revoked else show_time(item.expires),
            _("read only") if item.read_only else "",
            _("replaced") if item.replaced_by else "",
            item.label,
        )
        for item in found
    ]
    if rows:
        print_table(rows)


@token.command("revoke", help=_("End a token, named by its id."), examples=("scelle token revoke 5f0c…",))
@click.argument("token_id", metavar="ID")
@online
async def revoke(connection: Connection, *, token_id: str) -> None:
    """End it."""
    await connection.service.revoke_token(token_id)
