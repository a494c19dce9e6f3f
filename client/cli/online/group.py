"""``scelle group``: lists of reviewers under a name, kept in this person's profile and nowhere else."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.failure import describe_client_error
from client.cli.online.bulk import agree, yes_option
from client.cli.online.connection import known_service, online, server_option
from client.cli.online.finding import find_reviewer
from client.cli.online.trusting import anchored
from client.cli.options import json_option
from client.cli.output import print_json, print_table
from client.cli.style import group as group_
from client.errors import N_, NotFoundProblem, UsageProblem
from client.records import Group, Member
from client.remote.people import candidate, candidates_of
from client.terminal import escape, say

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.profile import ServiceProfile
    from client.remote.people import Candidate

_LONGEST = 64


@group_(
    "group",
    help=_(
        "Groups of reviewers and admins, for commands that take many. A group is a list in your own profile, "
        "with each member's fingerprint: the service does not know of it and can add nobody."
    ),
)
def group() -> None:
    """Hold the commands."""


@group.command(
    "set",
    help=_(
        "Make a group, or make it anew: its members are those named now. You are shown each with its "
        "fingerprint, judged by the authority that you trust, and asked."
    ),
    examples=("scelle group set experts r.durand r.roy",),
)
@click.argument("name", metavar=_("GROUP"))
@click.argument("accounts", metavar=_("ACCOUNT…"), nargs=-1, required=True)
@yes_option()
@json_option()
@online
async def set_(
    connection: Connection, *, name: str, accounts: tuple[str, ...], yes: bool, as_json: bool
) -> None:
    """Judge, show, ask, keep."""
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise UsageProblem(N_("a group's name has 1 to 64 characters that can be read"))
    anchor = await anchored(connection)
    found = {}
    for wanted in accounts:
        listed = candidate(anchor, await find_reviewer(connection.service, wanted))
        if listed.refusal is not None:
            raise listed.refusal
        found[listed.account] = listed
    for listed in found.values():
        say(f"  {listed.fingerprint}  {escape(listed.name)}")
    agree(_("are these the members? [y/N]"), yes=yes)
    groups = connection.known.groups
    members = tuple(Member(item.account, item.name, item.fingerprint) for item in found.values())
    groups[name] = Group(name, members)
    connection.known.keep_groups(groups)
    _show(list(found.values()), as_json=as_json)


@group.command(
    "show",
    help=_("Show a group's members, each judged now and held to the fingerprint that you confirmed."),
    examples=("scelle group show experts",),
)
@click.argument("name", metavar=_("GROUP"))
@json_option()
@online
async def show(connection: Connection, *, name: str, as_json: bool) -> None:
    """Judge and print."""
    anchor = await anchored(connection)
    kept = require_group(connection.known, name)
    _show(await candidates_of(connection.service, anchor, kept), as_json=as_json)


@group.command("list", help=_("List your groups."), examples=("scelle group list",))
@json_option()
@server_option()
def list_(*, server: str | None, as_json: bool) -> None:
    """Print a table, without asking the service."""
    groups = known_service(server).groups.values()
    if as_json:
        print_json(
            [{"name": item.name, "members": [each._asdict() for each in item.members]} for item in groups]
        )
    elif groups:
        print_table([(item.name, ", ".join(each.name for each in item.members)) for item in groups])


@group.command(
    "remove",
    help=_("Forget a group. Its members keep what they were granted."),
    examples=("scelle group remove experts",),
)
@click.argument("name", metavar=_("GROUP"))
@server_option()
def remove(*, name: str, server: str | None) -> None:
    """Forget it."""
    known = known_service(server)
    require_group(known, name)
    groups = known.groups
    del groups[name]
    known.keep_groups(groups)


def require_group(known: ServiceProfile, name: str) -> Group:
    """Return one of this person's groups.

    Raises:
        NotFoundProblem: there is none of this name.
    """
    groups = known.groups
    if name not in groups:
        raise NotFoundProblem(
            N_("{name}: you have no group of this name; make it with scelle group set"), name=name
        )
    return groups[name]


def _show(found: list[Candidate], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "account": item.account,
                    "name": item.name,
                    "fingerprint": item.fingerprint,
                    "refusal": describe_client_error(item.refusal) if item.refusal else None,
                }
                for item in found
            ]
        )
        return
    print_table(
        [
            (
                item.name,
                item.fingerprint,
                describe_client_error(item.refusal) if item.refusal else _("habilitated"),
            )
            for item in found
        ]
    )
