"""Habilitations withdrawn in bulk: shown, asked once, withdrawn one by one."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

from client.cli.online.afterwards import say_what_is_left
from client.cli.online.bulk import Unfinished, agree, one_by_one
from client.cli.online.choosing import choose_accounts, chosen_document, chosen_row
from client.cli.online.trusting import anchored
from client.cli.output import print_json, print_table
from client.errors import N_, ClientError, ConflictProblem
from client.remote.authority import withdraw
from client.terminal import escape, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.cli.online.choosing import Chosen
    from client.cli.online.connection import Connection
    from keys.keyring import Identity
    from keys.statements import Reason


async def withdraw_many(
    connection: Connection,
    issuer: Identity,
    names: tuple[str, ...],
    group: str | None,
    *,
    reason: Reason,
    dry: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Plan, show, ask, withdraw, say what failed and what is left to do.

    Raises:
        ConflictProblem: whoever types it is among them.
        Unfinished: some could not be withdrawn.
    """
    service, anchor = connection.service, await anchored(connection)
    chosen = await choose_accounts(connection, names, group)
    if (await service.get_me()).account in {each.account.id for each in chosen}:
        raise ConflictProblem(N_("you are among them; another admin withdraws your habilitation"))
    # What was withdrawn before is done: the same line typed again goes on.
    lines = [
        each._replace(failure=each.failure or _refuse(each))
        for each in chosen
        if each.account.withdrawal is None
    ]
    todo = [line for line in lines if line.failure is None]
    failed = [line for line in lines if line.failure is not None]
    if dry:
        _print(lines, as_json=as_json)
        return
    if todo:
        for line in todo:
            say(f"  {line.fingerprint}  {escape(line.account.name)}")
        say(_("{count} habilitations are withdrawn, at once and for good").format(count=len(todo)))
        agree(_("withdraw them? [y/N]"), yes=yes)

    async def act(line: Chosen) -> Chosen:
        await withdraw(service, anchor, issuer, line.account, reason=reason)
        return line

    done, wrong = await one_by_one(_("withdrawing"), todo, act, quiet=quiet)
    failed += [line._replace(failure=failure) for line, failure in wrong]
    _print([*done, *failed], as_json=as_json)
    if done and not quiet:
        say_what_is_left()
    if failed:
        raise Unfinished(len(failed))


def _refuse(chosen: Chosen) -> ClientError | None:
    if chosen.account.habilitation is None:
        return ConflictProblem(N_("{name} has no habilitation"), name=chosen.account.name)
    return None


def _print(found: Sequence[Chosen], *, as_json: bool) -> None:
    if as_json:
        print_json([chosen_document(chosen) for chosen in found])
    elif found:
        print_table([chosen_row(chosen, _("withdrawn")) for chosen in found])
