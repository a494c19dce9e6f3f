"""``scelle reviewer``, ``scelle habilitate``, ``scelle withdraw``: who may act, on the authority's word."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any, get_args

import click

from client.cli.online.confirming import confirm_fingerprint, fingerprint_option
from client.cli.online.connection import anchored, online
from client.cli.online.finding import find_account, find_reviewer
from client.cli.online.identities import authority_identity, identity_options, own_identity
from client.cli.online.sizes import DAY, days_option
from client.cli.options import json_option, passphrase_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.style import command, group
from client.distrust import Distrusted
from client.errors import N_, UsageProblem
from client.remote.authority import habilitate as habilitate_
from client.remote.authority import withdraw as withdraw_
from client.remote.carriage import from_model, read_identity
from client.remote.granting import believe
from client.remote.pages import every
from keys.statements import Habilitation, Reason, read_unjudged
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.trust import Anchor, Person
    from vault.api.models.people import Account, Reviewer


@group("reviewer", help=_("Those whom a dossier can be granted to: reviewers and admins."))
def reviewer() -> None:
    """Hold the commands."""


@reviewer.command(
    "list",
    help=_("List reviewers and admins, each judged by what the authority that you trust has signed."),
    examples=("scelle reviewer list --json",),
)
@json_option()
@online
async def list_(connection: Connection, *, as_json: bool) -> None:
    """Judge each and print a table."""
    anchor = anchored(connection)
    found = [item async for item in every(connection.service.list_reviewers, Paging())]
    judged = [(item, _judge(anchor, item)) for item in found]
    if as_json:
        print_json([_document(item, person) for item, person in judged])
    elif judged:
        print_table(
            [
                (item.account, item.role.value, _state(item, person), item.fingerprint, item.name)
                for item, person in judged
            ]
        )


@reviewer.command(
    "show",
    help=_("Show one reviewer or admin, by name or account."),
    examples=("scelle reviewer show r.durand",),
)
@click.argument("name", metavar=_("ACCOUNT"))
@json_option()
@online
async def show(connection: Connection, *, name: str, as_json: bool) -> None:
    """Judge and print."""
    found = await find_reviewer(connection.service, name)
    person = _judge(anchored(connection), found)
    if as_json:
        print_json(_document(found, person))
        return
    print_pairs(
        [
            (_("account"), found.account),
            (_("name"), found.name),
            (_("role"), found.role.value),
            (_("fingerprint"), found.fingerprint),
            (_("habilitated"), _state(found, person)),
            (_("until"), show_time(person.habilitation.valid_until) if person else ""),
            (_("scope"), ", ".join(person.habilitation.scope) if person else ""),
        ]
    )


@command(
    "habilitate",
    help=_(
        "Say with the authority's key that an account's key may act in its role: reviewer, portal or admin. "
        "Have its owner read the fingerprint to you; you are asked for it."
    ),
    examples=(
        "scelle habilitate r.durand --authority authority.key",
        "scelle habilitate convergence --authority authority.key --fingerprint ABCD-… --days 90",
    ),
)
@click.argument("name", metavar=_("ACCOUNT"))
@click.option(
    "--authority", "key_file", required=True, metavar=_("FILE"), help=_("The authority's key file.")
)
@passphrase_option()
@fingerprint_option(_("The fingerprint that was read to you; otherwise you are asked."))
@click.option("--scope", multiple=True, metavar=_("TEXT"), help=_("Only this démarche; may be given again."))
@days_option(365, _("How long it stands."))
@json_option()
@online
async def habilitate(
    connection: Connection,
    *,
    name: str,
    key_file: str,
    passphrase_file: str | None,
    fingerprint: str | None,
    scope: tuple[str, ...],
    days: int,
    as_json: bool,
) -> None:
    """Compare, sign, send."""
    anchor = anchored(connection)
    account = await find_account(connection.service, name)
    if account.identity is None:
        raise UsageProblem(N_("{name} has no key yet; its owner has to run scelle enrol first"), name=name)
    confirm_fingerprint(read_identity(account.identity), account.name, fingerprint)
    authority = authority_identity(anchor, key_file, passphrase_file)
    changed = await habilitate_(
        connection.service, anchor, authority, account, scope=scope, seconds=days * DAY
    )
    _show_account(changed, as_json=as_json)


@command(
    "withdraw",
    help=_(
        "Withdraw an account's habilitation from now on: with the authority's key, or as a habilitated admin."
    ),
    examples=(
        "scelle withdraw r.durand --authority authority.key --reason left",
        "scelle withdraw r.durand --identity admin.key --reason compromised",
    ),
)
@click.argument("name", metavar=_("ACCOUNT"))
@click.option("--authority", "key_file", metavar=_("FILE"), help=_("The authority's key file."))
@identity_options(_("An admin's key file; by default the one that you signed in with."))
@click.option(
    "--reason", type=click.Choice(get_args(Reason)), default="other", show_default=True, help=_("Why.")
)
@json_option()
@online
async def withdraw(
    connection: Connection,
    *,
    name: str,
    key_file: str | None,
    identity: str | None,
    passphrase_file: str | None,
    reason: Reason,
    as_json: bool,
) -> None:
    """Sign and send."""
    anchor = anchored(connection)
    account = await find_account(connection.service, name)
    if key_file:
        issuer = authority_identity(anchor, key_file, passphrase_file)
    else:
        issuer = own_identity(connection, identity, passphrase_file)
    changed = await withdraw_(connection.service, anchor, issuer, account, reason=reason)
    _show_account(changed, as_json=as_json)


def _judge(anchor: Anchor, item: Reviewer) -> Person | None:
    try:
        return believe(anchor, item)
    except Distrusted:
        return None


def _state(item: Reviewer, person: Person | None) -> str:
    if person is not None:
        return _("yes")
    return _("withdrawn") if item.withdrawal else _("no")


def _document(item: Reviewer, person: Person | None) -> dict[str, Any]:
    return {
        "account": item.account,
        "name": item.name,
        "role": item.role.value,
        "fingerprint": item.fingerprint,
        "kem_key": item.kem_key_id,
        "signing_key": item.signing_key_id,
        "habilitated": person is not None,
        "until": person.habilitation.valid_until if person else None,
        "scope": list(person.habilitation.scope) if person else [],
    }


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
