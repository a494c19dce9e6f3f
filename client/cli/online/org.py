"""``scelle org``: tenants."""

from __future__ import annotations

import re
from gettext import gettext as _
from typing import TYPE_CHECKING, Final

import click

from client.cli.online.connection import asking, online
from client.cli.online.finding import find_organisation
from client.cli.online.sizes import ByteSize
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, print_table, show_size
from client.cli.style import group
from client.errors import N_, UsageProblem
from client.policies import GENERATED
from client.remote.pages import every
from vault.api.models.base import Paging
from vault.api.models.people import Organisation, OrganisationChange, OrganisationRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.cli.online.connection import Connection

_POLICY: Final = re.compile("generated|strength:[1-4]|forbidden")


@group("org", help=_("Organisations: what belongs to one is not there for another. For admins."))
def org() -> None:
    """Hold the commands."""


def _limits(function: Callable[..., None]) -> Callable[..., None]:
    function = click.option(
        "--passwords",
        metavar="generated|strength:N|forbidden",
        help=_(
            "New passwords are generated only, or may be chosen with at least strength N (1 to 4, by "
            "zxcvbn), or are forbidden."
        ),
    )(function)
    for name, text in (
        ("--max-container", _("Size of one deposit, such as 2GiB.")),
        ("--quota", _("What all its dossiers may hold, such as 500GiB.")),
    ):
        function = click.option(name, type=ByteSize(), metavar=_("SIZE"), help=text)(function)
    return function


@org.command(
    "create", help=_("Make an organisation."), examples=('scelle org create "Éditeur" --quota 50GiB',)
)
@click.argument("name", metavar=_("NAME"))
@_limits
@json_option()
@online
async def create(
    connection: Connection,
    *,
    name: str,
    quota: int | None,
    max_container: int | None,
    passwords: str | None,
    as_json: bool,
) -> None:
    """Make it and show it."""
    request = asking(
        OrganisationRequest,
        name=name,
        quota_bytes=quota,
        max_container_bytes=max_container,
        passwords=_policy(passwords) or GENERATED,
    )
    _show(await connection.service.create_organisation(request), as_json=as_json)


@org.command("list", help=_("List all organisations."), examples=("scelle org list --json",))
@json_option()
@online
async def list_(connection: Connection, *, as_json: bool) -> None:
    """Print a table."""
    found = [item async for item in every(connection.service.list_organisations, Paging())]
    if as_json:
        print_json([item.model_dump(mode="json") for item in found])
    elif found:
        print_table(
            [(item.id, show_size(item.used_bytes), show_size(item.quota_bytes), item.name) for item in found]
        )


@org.command(
    "set",
    help=_(
        "Change an organisation's name, quota or size limit, or what it asks of new passwords. Templates "
        "made from then on carry that to editors who are offline; those that sign in learn it anyway. Where "
        "passwords are forbidden, the service takes no container that has one; for the rest it relies on "
        "clients, because it never sees a password."
    ),
    examples=(
        'scelle org set "Éditeur" --quota 100GiB',
        'scelle org set "Éditeur" --passwords strength:3',
    ),
)
@click.argument("organisation", metavar=_("ORGANISATION"))
@click.option("--name", metavar=_("NAME"), help=_("Its new name."))
@_limits
@json_option()
@online
async def set_(
    connection: Connection,
    *,
    organisation: str,
    name: str | None,
    quota: int | None,
    max_container: int | None,
    passwords: str | None,
    as_json: bool,
) -> None:
    """Change what was named."""
    if name is None and quota is None and max_container is None and passwords is None:
        raise UsageProblem(N_("say what to change: --name, --quota, --max-container or --passwords"))
    request = asking(
        OrganisationChange,
        name=name,
        quota_bytes=quota,
        max_container_bytes=max_container,
        passwords=_policy(passwords),
    )
    found = await find_organisation(connection.service, organisation)
    _show(await connection.service.change_organisation(found.id, request), as_json=as_json)


def _policy(given: str | None) -> str | None:
    if given is not None and not _POLICY.fullmatch(given):
        raise UsageProblem(
            N_("{given}: passwords are generated, strength:1 to strength:4, or forbidden"), given=given
        )
    return given


def _show(organisation: Organisation, *, as_json: bool) -> None:
    if as_json:
        print_json(organisation.model_dump(mode="json"))
        return
    print_pairs(
        [
            (_("organisation"), organisation.id),
            (_("name"), organisation.name),
            (_("used"), show_size(organisation.used_bytes)),
            (_("quota"), show_size(organisation.quota_bytes)),
            (_("largest deposit"), show_size(organisation.max_container_bytes)),
            (_("passwords"), organisation.passwords or ""),
        ]
    )
