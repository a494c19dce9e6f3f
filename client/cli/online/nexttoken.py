"""``scelle token rotate``: another token in the place of one, which goes on for a while and ends by itself.

The new token is drawn here and written down before anything is sent; the service learns its digest alone. An
answer that is lost thus leaves no token that nobody has, and asking again changes nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from gettext import gettext as _
from typing import TYPE_CHECKING, NamedTuple

import click

from client.cli.online.bulk import dry_option
from client.cli.online.connection import asking, online, reach
from client.cli.online.resuming import line_to_go_on
from client.cli.options import json_option
from client.cli.output import print_json, print_pairs, show_time
from client.cli.style import command
from client.errors import N_, NotFoundProblem, UsageProblem
from client.exchange.targets import PLAINTEXT_MODE, AtomicFile, require_free
from client.passwords import read_password
from client.remote.pages import every
from client.remote.problems import PASSING, ServiceProblem, SignInRefused
from client.remote.signin import sign_in_with_token
from client.terminal import say
from vault.api.models.base import Paging
from vault.api.models.people import TokenRotated, TokenRotation
from vault.api.tokens import draw, hash_of, is_token

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.remote.service import Service
    from vault.api.models.people import Token

_HOUR = 3600
_LONGEST = 366 * 24


class _Asked(NamedTuple):
    """What was typed; without an id, the token that one is signed in with."""

    token_id: str | None
    overlap: int
    output: str
    resume: bool


@command(
    "rotate",
    help=_(
        "Put another token in the place of one, named by its id; without an id, of the one that you are "
        "signed in with. The new token has the same account, label and scope, and lasts as long as the old "
        "one was made for; where a token rotates itself, it lasts no longer than it would have. The old "
        "one stays good for the overlap and then ends by itself. The new token is made on this machine "
        "and written before anything is sent: what was interrupted goes on with --resume."
    ),
    examples=(
        "scelle token rotate 5f0c… -o portal.token.next --dry-run",
        "scelle token rotate 5f0c… -o portal.token.next",
        "scelle token rotate -o portal.token.next --overlap 0",
        "scelle token rotate 5f0c… -o portal.token.next --resume",
    ),
)
@click.argument("token_id", metavar="[ID]", required=False)
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("Where to write the new token."))
@click.option(
    "--overlap",
    type=click.IntRange(0, _LONGEST),
    default=24,
    show_default=True,
    metavar=_("HOURS"),
    help=_("How long the old token stays good; 0 ends it at once."),
)
@click.option("--resume", is_flag=True, help=_("Go on with a rotation that did not come to its end."))
@dry_option()
@json_option()
@online
async def rotate(
    connection: Connection,
    *,
    token_id: str | None,
    output: str,
    overlap: int,
    resume: bool,
    dry: bool,
    as_json: bool,
) -> None:
    """Write the token, put it in the other's place."""
    if dry and resume:
        raise UsageProblem(N_("--dry-run and --resume exclude each other; give one"))
    asked = _Asked(token_id, overlap * _HOUR, output, resume)
    if dry:
        _show_plan(await _find(connection.service, token_id), as_json=as_json)
        return
    if resume:
        secret = _read(output)
    else:
        require_free(output, force=False)
        await _find(connection.service, token_id)
        secret = _write(output)
    rotated = await _rotate(connection, asked, secret)
    await _go_on_with(connection, rotated, secret)
    if as_json:
        print_json(
            {
                "token": rotated.token.model_dump(mode="json"),
                "former": rotated.former.model_dump(mode="json"),
                "file": output,
            }
        )
        return
    print_pairs(
        [
            (_("written to"), output),
            (_("id"), rotated.token.id),
            (_("valid until"), show_time(rotated.token.expires)),
            (_("the old one ends"), show_time(rotated.former.expires)),
        ]
    )


def _write(path: str) -> str:
    """Draw a token, put it on the disk, and return it."""
    secret = draw()
    with AtomicFile(path, mode=PLAINTEXT_MODE) as file:
        file.write(secret.encode() + b"\n")
        os.fsync(file.file.fileno())
        file.commit()
    return secret


def _read(path: str) -> str:
    secret = read_password(path)
    if not is_token(secret):
        raise UsageProblem(N_("{path}: no rotation wrote this file; there is nothing to resume"), path=path)
    return secret


async def _rotate(connection: Connection, asked: _Asked, secret: str) -> TokenRotated:
    try:
        token_id = asked.token_id or await _own(connection.service)
        request = asking(TokenRotation, secret_hash=hash_of(secret).hex(), overlap=asked.overlap)
        return await connection.service.rotate_token(token_id, request)
    except SignInRefused as error:
        # The old token may be the one that asks, and have ended with an answer that was lost.
        rotated = await _ended_before(connection, secret)
        if rotated is None:
            _forget(asked, error)
            raise
        return rotated
    except PASSING:
        say(_("whether it came to its end is not known; go on with: {line}").format(line=_line()))
        raise
    except ServiceProblem as error:
        _forget(asked, error)
        raise


def _forget(asked: _Asked, error: ServiceProblem) -> None:
    """Remove a token that the service refused for certain; nobody would know what it is."""
    if not asked.resume and not error.repeated:
        os.unlink(asked.output)  # noqa: PTH108 - pathlib costs start-up time


def _line() -> str:
    return line_to_go_on(click.get_current_context())


async def _own(service: Service) -> str:
    token_id = (await service.get_me()).token
    if token_id is None:
        raise UsageProblem(
            N_("you are not signed in with a token; name the one to rotate: scelle token list shows ids")
        )
    return token_id


async def _find(service: Service, token_id: str | None) -> Token:
    wanted = token_id or await _own(service)
    async for item in every(service.list_tokens, Paging()):
        if item.id == wanted:
            return item
    raise NotFoundProblem(N_("there is no token {id}; scelle token list shows ids"), id=wanted)


async def _ended_before(connection: Connection, secret: str) -> TokenRotated | None:
    """Return what came of a rotation that ended the very token that asks; None if it never happened."""
    async with reach(connection.known, secret) as service:
        with suppress(SignInRefused):
            found = (await service.get_me()).token
            tokens = [item async for item in every(service.list_tokens, Paging())]
            for former in tokens:
                if found is not None and former.replaced_by == found:
                    return TokenRotated(
                        token=next(item for item in tokens if item.id == found), former=former
                    )
    return None


async def _go_on_with(connection: Connection, rotated: TokenRotated, secret: str) -> None:
    """Stay signed in where the token that was replaced is the one of this profile."""
    session = connection.session
    if session is None or session.kind != "token":
        return
    try:
        asks = (await connection.service.get_me()).token
    except SignInRefused:
        # It has just ended, so it was the one.
        asks = rotated.former.id
    if asks == rotated.former.id:
        async with reach(connection.known) as service:
            connection.known.keep_session((await sign_in_with_token(service, secret)).session)


def _show_plan(found: Token, *, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    print_pairs(
        [
            (_("id"), found.id),
            (_("account"), found.account),
            (_("label"), found.label),
            (_("scope"), _("read only") if found.read_only else _("all that its account may")),
            (_("valid until"), show_time(found.expires)),
            (_("replaced by"), found.replaced_by or ""),
        ]
    )
