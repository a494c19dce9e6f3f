"""``scelle admin``: what only somebody on the server's host may do."""

from __future__ import annotations

import asyncio
from gettext import gettext as _
from typing import TYPE_CHECKING, Final, NamedTuple

import click
from pydantic import TypeAdapter, ValidationError

from vault.api.models.base import Name
from vault.api.tokens import TOKEN_PREFIX
from vault.journal import Action, Fact, Subject
from vault.server.commands.records import (
    admins,
    host_origin,
    open_records,
    reachable,
    read_settings,
    require_data,
)
from vault.server.commands.style import ConflictProblem, Group, print_json, say, settings_options, show_time
from vault.server.policy import Role
from vault.server.ports import new_id
from vault.server.services.secrets import new_code, new_token
from vault.server.stores.clock import SystemClock

if TYPE_CHECKING:
    from vault.server.ports import Records

_DAY: Final = 86_400
_TOKEN_DAYS: Final = 30
_LABEL: Final = "admin create"


class MadeAdmin(NamedTuple):
    """An admin's account, with the secrets that are shown once.

    Attributes:
        account: its id.
        token: what it signs in with at first.
        expires: UTC seconds, when the token ends.
        code: the enrolment code, for an identity of its own.
        code_expires: UTC seconds, when the code ends.
    """

    account: str
    token: str
    expires: int
    code: str
    code_expires: int

    def __repr__(self) -> str:
        return f"MadeAdmin({self.account}, <redacted>)"


@click.group("admin", cls=Group, help=_("Make admins, on the server's host."))
def admin() -> None:
    """Hold the commands."""


@admin.command(
    "create",
    help=_(
        "Make an admin and show its token, once. The server may run meanwhile. The token goes to stdout: "
        "with it the admin signs in (scelle login URL --token-file FILE), and with the enrolment code ties "
        "a key to the account (scelle enrol)."
    ),
    examples=(
        "scelle admin create c.morel --data /srv/scelle > c.morel.token",
        "scelle admin create c.morel --data /srv/scelle --days 1 --json",
    ),
)
@click.argument("name", metavar=_("NAME"))
@settings_options
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=_TOKEN_DAYS,
    show_default=True,
    metavar=_("NUMBER"),
    help=_("Days until the token expires."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON, for programs."))
@click.pass_context
def create(
    ctx: click.Context, /, *, name: str, config: str | None, days: int, as_json: bool, **flags: object
) -> None:
    """Make the account and show its token."""
    try:
        TypeAdapter(Name).validate_python(name, strict=True)
    except ValidationError:
        raise click.UsageError(_("a name has 1 to 200 characters, all of which can be shown"), ctx) from None
    settings = read_settings(flags, config)
    require_data(settings)

    async def make() -> MadeAdmin:
        async with open_records(settings, SystemClock(), upgrading=False) as records:
            with reachable():
                return await make_admin(
                    records, name, seconds=days * _DAY, code_seconds=settings.enrolment_seconds
                )

    made = asyncio.run(make())
    if as_json:
        print_json(
            {
                "account": made.account,
                "name": name,
                "token": made.token,
                "expires": made.expires,
                "enrolment_code": made.code,
                "code_expires": made.code_expires,
            }
        )
        return
    click.echo(made.token)
    say(
        _("{name} is an admin now; the token is shown this once and ends {until}").format(
            name=name, until=show_time(made.expires)
        )
    )
    say(_("enrolment code, until {until}: {code}").format(until=show_time(made.code_expires), code=made.code))


async def make_admin(records: Records, name: str, *, seconds: int, code_seconds: int) -> MadeAdmin:
    """Make an account with a token and an enrolment code, in one change.

    Args:
        records: of the server.
        name: for people.
        seconds: until the token expires.
        code_seconds: until the enrolment code expires.

    Raises:
        HostProblem: there is an admin of that name.
    """
    secret, code = new_token(TOKEN_PREFIX), new_code()
    if any(account.name == name for account in await admins(records)):
        raise ConflictProblem(
            _("there is an admin called {name} already; choose another name").format(name=name)
        )
    async with records.change(host_origin()) as change:
        code_expires = change.now + code_seconds
        account = await change.accounts.add(
            account_id=new_id(),
            role=Role.ADMIN.value,
            name=name,
            enrolment_hash=code.hash,
            enrolment_until=code_expires,
        )
        token = await change.tokens.add(
            token_id=new_id(),
            account_id=account.id,
            secret_hash=secret.hash,
            label=_LABEL,
            read_only=False,
            expires_at=change.now + seconds,
        )
        await change.record(
            Action.ACCOUNT_CREATED,
            [Subject("account", account.id), Subject("token", token.id)],
            {Fact.ROLE: account.role, Fact.UNTIL: token.expires_at},
        )
    return MadeAdmin(account.id, secret.text, token.expires_at, code.text, code_expires)
