"""``scelle habilitate`` and ``scelle withdraw``: who may act, on the authority's word."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, get_args

import click

from client.cli.online.afterwards import say_what_is_left
from client.cli.online.bulk import dry_option, yes_option
from client.cli.online.confirming import confirm_fingerprint, fingerprint_option
from client.cli.online.connection import online
from client.cli.online.finding import find_account
from client.cli.online.identities import authority_identity, identity_options, own_identity
from client.cli.online.renewing import Renewal, renew_many
from client.cli.online.sizes import DAY, YEAR_DAYS, days_option
from client.cli.online.trusting import anchored
from client.cli.online.withdrawing import withdraw_many
from client.cli.options import json_option, passphrase_option, quiet_option
from client.cli.output import print_json, print_pairs, show_time
from client.cli.style import command
from client.errors import N_, UsageProblem
from client.remote.authority import habilitate as habilitate_
from client.remote.authority import withdraw as withdraw_
from client.remote.carriage import from_model, read_identity
from keys.statements import Habilitation, Reason, read_unjudged

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from vault.api.models.people import Account


@command(
    "habilitate",
    help=_(
        "Say with the authority's key that an account's key may act in its role: reviewer, portal or admin. "
        "Have its owner read the fingerprint to you; you are asked for it. With --renew, say it anew for "
        "keys that are habilitated now, before that ends: for the accounts named, for a group, or for all "
        "that end soon. The one before stands until its end, so there is no gap."
    ),
    examples=(
        "scelle habilitate r.durand --authority authority.key",
        "scelle habilitate convergence --authority authority.key --fingerprint ABCD-… --days 90",
        "scelle habilitate r.durand --authority authority.key --scope guidé",
        "scelle habilitate --renew --ending 30 --authority authority.key",
    ),
)
@click.argument("names", metavar=_("[ACCOUNT…]"), nargs=-1)
@click.option(
    "--authority", "key_file", required=True, metavar=_("FILE"), help=_("The authority's key file.")
)
@passphrase_option()
@fingerprint_option(_("The fingerprint that was read to you; otherwise you are asked."))
@click.option(
    "--scope",
    multiple=True,
    metavar=_("TEXT"),
    help=_("Only this démarche; may be given again. Renewing keeps what there was, unless it is given."),
)
@days_option(365, _("How long it stands."))
@click.option("--renew", "renewing", is_flag=True, help=_("Renew what stands, without comparing again."))
@click.option("--group", "group_name", metavar=_("GROUP"), help=_("With --renew: all members of your group."))
@click.option(
    "--ending",
    type=click.IntRange(1, YEAR_DAYS),
    metavar=_("NUMBER"),
    help=_("With --renew: only what ends within so many days; without names, of all accounts."),
)
@dry_option()
@yes_option()
@quiet_option()
@json_option()
@online
async def habilitate(
    connection: Connection,
    *,
    names: tuple[str, ...],
    key_file: str,
    passphrase_file: str | None,
    fingerprint: str | None,
    scope: tuple[str, ...],
    days: int,
    renewing: bool,
    group_name: str | None,
    ending: int | None,
    dry: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Compare, sign, send."""
    anchor = await anchored(connection)
    if renewing:
        if fingerprint is not None or (not names and group_name is None and ending is None):
            raise UsageProblem(N_("say what is renewed: accounts, --group NAME or --ending DAYS"))
        authority = authority_identity(anchor, key_file, passphrase_file)
        wanted = Renewal(names, group_name, ending, scope or None, days)
        await renew_many(connection, authority, wanted, dry=dry, yes=yes, quiet=quiet, as_json=as_json)
        return
    if len(names) != 1 or group_name is not None or ending is not None or dry:
        raise UsageProblem(
            N_("habilitate one account at a time; --group, --ending and --dry-run go with --renew")
        )
    account = await find_account(connection.service, names[0])
    if account.identity is None:
        raise UsageProblem(
            N_("{name} has no key yet; its owner has to run scelle enrol first"), name=names[0]
        )
    confirm_fingerprint(read_identity(account.identity), account.name, fingerprint)
    authority = authority_identity(anchor, key_file, passphrase_file)
    changed = await habilitate_(
        connection.service, anchor, authority, account, scope=scope, seconds=days * DAY
    )
    _show_account(changed, as_json=as_json)


@command(
    "withdraw",
    help=_(
        "Withdraw habilitations from now on: with the authority's key, or as a habilitated admin. The "
        "service hands nothing more to these keys, and no client wraps to them. Who kept a file and the key "
        "can still open that file: scelle rotate dossier closes what comes, scelle reencrypt also what is "
        "sealed already."
    ),
    examples=(
        "scelle withdraw r.durand --authority authority.key --reason left",
        "scelle withdraw r.durand r.roy --identity admin.key --reason compromised",
        "scelle withdraw --group experts --authority authority.key --dry-run",
    ),
)
@click.argument("names", metavar=_("[ACCOUNT…]"), nargs=-1)
@click.option("--group", "group_name", metavar=_("GROUP"), help=_("All members of your group."))
@click.option("--authority", "key_file", metavar=_("FILE"), help=_("The authority's key file."))
@identity_options(_("An admin's key file; by default the one that you signed in with."))
@click.option(
    "--reason", type=click.Choice(get_args(Reason)), default="other", show_default=True, help=_("Why.")
)
@dry_option()
@yes_option()
@quiet_option()
@json_option()
@online
async def withdraw(
    connection: Connection,
    *,
    names: tuple[str, ...],
    group_name: str | None,
    key_file: str | None,
    identity: str | None,
    passphrase_file: str | None,
    reason: Reason,
    dry: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Sign and send."""
    if (not names) == (group_name is None):
        raise UsageProblem(N_("say whose habilitation is withdrawn: accounts, or --group NAME"))
    anchor = await anchored(connection)
    if key_file:
        issuer = authority_identity(anchor, key_file, passphrase_file)
    else:
        issuer = own_identity(connection, identity, passphrase_file)
    if len(names) == 1 and not dry:
        account = await find_account(connection.service, names[0])
        changed = await withdraw_(connection.service, anchor, issuer, account, reason=reason)
        _show_account(changed, as_json=as_json)
        if not quiet:
            say_what_is_left()
        return
    await withdraw_many(
        connection, issuer, names, group_name, reason=reason, dry=dry, yes=yes, quiet=quiet, as_json=as_json
    )


def _show_account(account: Account, *, as_json: bool) -> None:
    if as_json:
        print_json(account.model_dump(mode="json"))
        return
    statement = (
        read_unjudged(from_model(account.habilitation), Habilitation) if account.habilitation else None
    )
    print_pairs(
        [
            (_("account"), account.id),
            (_("name"), account.name),
            (_("role"), account.role.value),
            (_("fingerprint"), account.fingerprint or ""),
            (_("habilitated"), _("withdrawn") if account.withdrawal else _("yes")),
            (_("until"), show_time(statement.valid_until) if statement and not account.withdrawal else ""),
        ]
    )
