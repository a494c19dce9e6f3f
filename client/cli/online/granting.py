"""Grants by démarche and by group: the plan, the question, the work, what failed."""

from __future__ import annotations

from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any, NamedTuple

from client.cli.failure import describe_client_error
from client.cli.online.afterwards import say_what_is_left
from client.cli.online.bulk import Unfinished, agree, one_by_one
from client.cli.online.finding import find_account, find_reviewer
from client.cli.online.group import require_group
from client.cli.online.trusting import anchored
from client.cli.output import print_json, print_table
from client.cli.requests import check_dossier
from client.errors import N_, ConflictProblem, NotFoundProblem, UsageProblem
from client.remote.bulkgrants import (
    dossiers_of,
    give_planned,
    grants_of,
    plan_endings,
    plan_grants,
)
from client.remote.people import candidate, candidates_of
from client.terminal import counting, escape, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.cli.online.connection import Connection
    from client.errors import ClientError
    from client.remote.bulkgrants import Giving
    from keys.keyring import Identity
    from vault.api.models.dossiers import Dossier, Grant


class Wanted(NamedTuple):
    """Which dossiers and which people, as it was typed; ``named`` are the arguments without options."""

    named: tuple[str, ...]
    procedure: str | None
    group: str | None

    @property
    def many(self) -> bool:
        """Tell whether a démarche or a group was named."""
        return self.procedure is not None or self.group is not None

    def check(self) -> None:
        """Return if each side is named once.

        Raises:
            UsageProblem: too much or too little was typed.
        """
        expected = (self.procedure is None) + (self.group is None)
        if len(self.named) != expected:
            raise UsageProblem(
                N_("name a dossier, or a démarche with --procedure; and an account, or a group with --group")
            )

    @property
    def dossier(self) -> str | None:
        """The dossier, where no démarche stands for it."""
        return check_dossier(self.named[0]) if self.procedure is None else None

    @property
    def account(self) -> str | None:
        """The account, where no group stands for it."""
        return self.named[-1] if self.group is None else None


async def add_many(
    connection: Connection,
    wanted: Wanted,
    issuer: Identity,
    *,
    dry: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Plan, show, ask, grant, say what failed.

    Raises:
        Unfinished: some of it could not be granted.
    """
    service, anchor = connection.service, await anchored(connection)
    dossiers = await _dossiers(connection, wanted)
    if wanted.group is not None:
        people = await candidates_of(service, anchor, require_group(connection.known, wanted.group))
    else:
        assert wanted.account is not None
        people = [candidate(anchor, await find_reviewer(service, wanted.account))]
    plan = await plan_grants(service, dossiers, people, own=issuer.public.kem_key_id.hex())
    if dry:
        _show_plan(plan, as_json=as_json)
        return
    todo = [line for line in plan if line.failure is None and line.missing]
    refused = [line for line in plan if line.failure is not None]
    total = sum(len(line.missing) for line in todo)
    if todo:
        for person in people:
            say(f"  {person.fingerprint}  {escape(person.name)}")
        text = _("{count} grants on {dossiers} dossiers to these; what is granted already is left")
        say(text.format(count=total, dossiers=len({line.dossier.id for line in todo})))
        agree(_("grant them? [y/N]"), yes=yes)
    with counting(_("granting"), total, quiet=quiet) as advance:
        came = await give_planned(service, connection.known, anchor, issuer, todo, tell=advance)
    failed = refused + [line for line in came if line.failure is not None]
    given = [grant for line in came for grant in line.given]
    there = sum(line.failure is None and not line.missing for line in plan)
    if as_json:
        documents = [item.model_dump(mode="json", exclude={"statement"}) for item in given]
        print_json({"given": documents, "there": there, "failed": [_document(line) for line in failed]})
    else:
        _name_failures(
            [
                (line.dossier.id, line.to.name, describe_client_error(line.failure))
                for line in failed
                if line.failure
            ]
        )
        say(_("{given} granted, {there} were there").format(given=len(given), there=there))
    if failed:
        raise Unfinished(len(failed))


async def revoke_many(
    connection: Connection, wanted: Wanted, *, dry: bool, yes: bool, quiet: bool, as_json: bool
) -> None:
    """Plan, show, ask, revoke, say what failed and what it takes beside.

    Raises:
        Unfinished: some of it could not be revoked.
    """
    service = connection.service
    plan, names = await _plan_revoking(connection, wanted)
    if dry:
        _show_endings(plan, names, as_json=as_json)
        return
    if plan:
        for name in names.values():
            say(f"  {escape(name)}")
        text = ngettext("{count} grant of these is ended", "{count} grants of these are ended", len(plan))
        say(text.format(count=len(plan)))
        agree(_("revoke them? [y/N]"), yes=yes or not wanted.many)

    async def end(grant: Grant) -> Grant:
        await service.revoke_grant(grant.dossier, grant.id)
        return grant

    ended, failed = await one_by_one(_("revoking"), plan, end, quiet=quiet)
    _show_ended(ended, failed, names, as_json=as_json)
    if ended and not quiet:
        say_what_is_left({grant.dossier for grant in ended})
    if failed:
        raise Unfinished(len(failed))


async def _plan_revoking(connection: Connection, wanted: Wanted) -> tuple[list[Grant], dict[str, str]]:
    """Return the grants that are to be ended, and the names of the accounts that have them."""
    service = connection.service
    if wanted.group is not None:
        members = require_group(connection.known, wanted.group).members
        names = {member.account: member.name for member in members}
    else:
        assert wanted.account is not None
        if wanted.dossier is not None:
            for grant in await grants_of(service, wanted.dossier):
                if grant.id == wanted.account:
                    whose = grant.account or ""
                    return ([] if grant.revoked else [grant]), {whose: whose or grant.grantee}
        account = await find_account(service, wanted.account)
        names = {account.id: account.name}
    if (await service.get_me()).account in names:
        raise ConflictProblem(N_("you are among them; end a grant of your own by its id"))
    return await plan_endings(service, await _dossiers(connection, wanted), names), names


async def _dossiers(connection: Connection, wanted: Wanted) -> list[Dossier]:
    if wanted.dossier is not None:
        return [await connection.service.get_dossier(wanted.dossier)]
    assert wanted.procedure is not None
    found = await dossiers_of(connection.service, wanted.procedure)
    if not found:
        raise NotFoundProblem(
            N_("there is no dossier of the démarche {procedure}"), procedure=wanted.procedure or '""'
        )
    return found


def _show_plan(plan: Sequence[Giving], *, as_json: bool) -> None:
    if as_json:
        print_json([_document(line) for line in plan])
    elif plan:
        print_table(
            [
                (line.dossier.id, line.dossier.procedure, line.to.fingerprint, line.to.name, _what(line))
                for line in plan
            ]
        )


def _what(line: Giving) -> str:
    if line.failure is not None:
        return describe_client_error(line.failure)
    if not line.missing:
        return _("there already")
    return _("generations {list}").format(list=", ".join(map(str, line.missing)))


def _document(line: Giving) -> dict[str, Any]:
    return {
        "dossier": line.dossier.id,
        "procedure": line.dossier.procedure,
        "account": line.to.account,
        "name": line.to.name,
        "fingerprint": line.to.fingerprint,
        "missing": list(line.missing),
        "failure": describe_client_error(line.failure) if line.failure else None,
    }


def _show_endings(plan: Sequence[Grant], names: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json([_ending(grant, names) for grant in plan])
    elif plan:
        print_table(
            [(grant.dossier, grant.id, str(grant.generation), names[grant.account or ""]) for grant in plan]
        )


def _show_ended(
    ended: Sequence[Grant],
    failed: Sequence[tuple[Grant, ClientError]],
    names: dict[str, str],
    *,
    as_json: bool,
) -> None:
    if as_json:
        print_json(
            {
                "revoked": [_ending(grant, names) for grant in ended],
                "failed": [
                    {**_ending(grant, names), "failure": describe_client_error(failure)}
                    for grant, failure in failed
                ],
            }
        )
        return
    _name_failures(
        [
            (grant.dossier, names[grant.account or ""], describe_client_error(failure))
            for grant, failure in failed
        ]
    )
    say(_("{count} revoked").format(count=len(ended)))


def _ending(grant: Grant, names: dict[str, str]) -> dict[str, Any]:
    return {
        "dossier": grant.dossier,
        "id": grant.id,
        "generation": grant.generation,
        "account": grant.account,
        "name": names[grant.account or ""],
    }


def _name_failures(rows: Sequence[tuple[str, str, str]]) -> None:
    for dossier, name, why in rows:
        say(f"  {escape(dossier)}  {escape(name)}: {why}")
