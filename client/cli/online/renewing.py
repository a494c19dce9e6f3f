"""Habilitations renewed before they end: the plan, the question, the work, what failed."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any, NamedTuple

from client.cli.online.bulk import Unfinished, agree, one_by_one
from client.cli.online.choosing import all_accounts, choose_accounts, chosen_document, chosen_row
from client.cli.online.ending import ends_within
from client.cli.online.sizes import DAY
from client.cli.online.trusting import anchored
from client.cli.output import print_json, print_table, show_time
from client.errors import ClientError
from client.remote.authority import renew, standing
from client.terminal import escape, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.cli.online.choosing import Chosen
    from client.cli.online.connection import Connection
    from client.trust import Anchor
    from keys.keyring import Identity
    from keys.statements import Habilitation


class Renewal(NamedTuple):
    """What was typed; ``scope`` of None keeps the one there is."""

    names: tuple[str, ...]
    group: str | None
    ending: int | None
    scope: tuple[str, ...] | None
    days: int


class _Line(NamedTuple):
    chosen: Chosen
    habilitation: Habilitation | None = None

    @property
    def until(self) -> int:
        return self.habilitation.valid_until if self.habilitation else 0


async def renew_many(
    connection: Connection,
    authority: Identity,
    wanted: Renewal,
    *,
    dry: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Plan, show, ask, renew, say what failed.

    Raises:
        Unfinished: some could not be renewed.
    """
    service, anchor = connection.service, await anchored(connection)
    if wanted.names or wanted.group is not None:
        chosen = await choose_accounts(connection, wanted.names, wanted.group)
    else:
        chosen = await all_accounts(service)
    judged = [_judge(anchor, each) for each in chosen]
    failed = [line for line in judged if line.chosen.failure is not None]
    todo = [line for line in judged if line.chosen.failure is None and _is_due(line, wanted, anchor.now())]
    if dry:
        _print([*todo, *failed], as_json=as_json)
        return
    if todo:
        for line in todo:
            say(f"  {line.chosen.fingerprint}  {escape(line.chosen.account.name)}  {_scope(line, wanted)}")
        text = _("{count} habilitations are signed anew, for {days} days; what stands is left")
        say(text.format(count=len(todo), days=wanted.days))
        agree(_("renew them? [y/N]"), yes=yes)

    async def act(line: _Line) -> _Line:
        account = await renew(
            service, anchor, authority, line.chosen.account, scope=wanted.scope, seconds=wanted.days * DAY
        )
        return _Line(line.chosen._replace(account=account), standing(anchor, account).habilitation)

    done, wrong = await one_by_one(_("renewing"), todo, act, quiet=quiet)
    failed += [line._replace(chosen=line.chosen._replace(failure=failure)) for line, failure in wrong]
    _print([*done, *failed], as_json=as_json)
    if failed:
        raise Unfinished(len(failed))


def _judge(anchor: Anchor, chosen: Chosen) -> _Line:
    if chosen.failure is not None:
        return _Line(chosen)
    try:
        return _Line(chosen, standing(anchor, chosen.account).habilitation)
    except ClientError as failure:
        return _Line(chosen._replace(failure=failure))


def _is_due(line: _Line, wanted: Renewal, now: int) -> bool:
    """Tell whether a habilitation is to be renewed; what was renewed today is not, when it is typed again."""
    assert line.habilitation is not None
    if wanted.ending is not None and not ends_within(line.until, now, wanted.ending):
        return False
    changed = wanted.scope is not None and set(wanted.scope) != set(line.habilitation.scope)
    return changed or (line.until != 0 and line.until < now + (wanted.days - 1) * DAY)


def _scope(line: _Line, wanted: Renewal) -> str:
    assert line.habilitation is not None
    scope = line.habilitation.scope if wanted.scope is None else wanted.scope
    return escape(", ".join(scope))


def _print(lines: Sequence[_Line], *, as_json: bool) -> None:
    if as_json:
        print_json([_document(line) for line in lines])
    elif lines:
        print_table([chosen_row(line.chosen, show_time(line.until)) for line in lines])


def _document(line: _Line) -> dict[str, Any]:
    scope = list(line.habilitation.scope) if line.habilitation else []
    return chosen_document(line.chosen, until=line.until or None, scope=scope)
