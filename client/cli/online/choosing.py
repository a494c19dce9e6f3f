"""Accounts that a command is about: named, members of a group, or all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from client.cli.failure import describe_client_error
from client.cli.online.finding import find_account
from client.cli.online.group import require_group
from client.remote.carriage import read_identity
from client.remote.pages import every
from client.remote.people import other_fingerprint
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.errors import ClientError
    from client.records import Member
    from client.remote.service import Service
    from vault.api.models.people import Account


class Chosen(NamedTuple):
    """One account, and why nothing can be done for it, if so."""

    account: Account
    fingerprint: str
    failure: ClientError | None = None


async def choose_accounts(connection: Connection, names: tuple[str, ...], group: str | None) -> list[Chosen]:
    """Return the accounts that were named and the members of a group, each once.

    Raises:
        NotFoundProblem, UsageProblem: a name is nobody's, or several people's.
    """
    found: dict[str, Chosen] = {}
    for name in names:
        account = await find_account(connection.service, name)
        found[account.id] = Chosen(account, _fingerprint(account))
    if group is not None:
        for member in require_group(connection.known, group).members:
            found[member.account] = await _member(connection.service, member)
    return list(found.values())


async def all_accounts(service: Service) -> list[Chosen]:
    """Return all accounts that have a key and a habilitation, and are not disabled."""
    return [
        Chosen(account, _fingerprint(account))
        async for account in every(service.list_accounts, Paging())
        if account.identity and account.habilitation and not account.withdrawal and not account.disabled
    ]


def chosen_row(chosen: Chosen, outcome: str) -> tuple[str, str, str, str]:
    """Return the line of a table about an account: what came of it, or why nothing did."""
    return (
        chosen.account.name,
        chosen.account.role.value,
        chosen.fingerprint,
        describe_client_error(chosen.failure) if chosen.failure else outcome,
    )


def chosen_document(chosen: Chosen, **more: Any) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "account": chosen.account.id,
        "name": chosen.account.name,
        "fingerprint": chosen.fingerprint,
        **more,
        "failure": describe_client_error(chosen.failure) if chosen.failure else None,
    }


async def _member(service: Service, member: Member) -> Chosen:
    account = await service.get_account(member.account)
    fingerprint = _fingerprint(account)
    if fingerprint == member.fingerprint:
        return Chosen(account, fingerprint)
    return Chosen(account, fingerprint, other_fingerprint(member, fingerprint))


def _fingerprint(account: Account) -> str:
    return read_identity(account.identity).fingerprint if account.identity else ""
