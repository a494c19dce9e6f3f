"""Several habilitations withdrawn with one question: at once on the service, and for every client."""

import pytest

from client.remote.calls.people import PeopleCalls
from client.remote.problems import CutOff
from tests.exchange.engines import engine  # noqa: F401 - both engines

AUTHORITY = ("--authority", "authority.key")


@pytest.fixture(scope="module")
def dossier(town):
    town.ask("portal", "dossier", "create", "D-w", "--product", "x", "--admin", "admin")
    return "D-w"


def team(town, dossier, name, *, size=2):
    """Return reviewers with a grant on the dossier, in a group of this name."""
    names = [f"{name}{number}" for number in range(size)]
    for who in names:
        town.admit(who, "reviewer")
    town.type("admin", "group", "set", name, *names, "--yes")
    town.type("admin", "grant", "add", dossier, "--group", name, "--identity", "my.key", "--yes")
    return names


def test_a_group_is_withdrawn_at_once_for_service_and_clients(town, dossier):
    names = team(town, dossier, "out")
    for who in names:
        town.type(who, "grant", "fetch", dossier)
    plan = town.ask("admin", "withdraw", "--group", "out", *AUTHORITY, "--dry-run")
    assert [line["name"] for line in plan] == names
    town.type(names[0], "grant", "fetch", dossier)
    told = town.type("admin", "withdraw", "--group", "out", *AUTHORITY, "--reason", "left", "--yes")
    assert "can still open" in told.err
    assert "scelle rotate dossier DOSSIER" in told.err
    assert "scelle reencrypt DOSSIER" in told.err
    for who in names:
        # The session that is open gets nothing more, and neither does a new one.
        refused = town.attempt(who, "grant", "fetch", dossier)
        assert (refused.code, "[not_habilitated]" in refused.err) == (3, True)
        given = town.attempt("admin", "grant", "add", dossier, who, "--identity", "my.key")
        assert (given.code, "[withdrawn]" in given.err) == (5, True)
    town.ask("portal", "dossier", "create", "D-w2", "--product", "x", "--admin", "admin")
    many = town.attempt("admin", "grant", "add", "D-w2", "--group", "out", "--identity", "my.key", "--yes")
    assert many.code == 1
    assert "0 granted" in many.err


def test_what_is_stopped_goes_on_when_it_is_typed_again(town, dossier, monkeypatch):
    names = team(town, dossier, "half", size=3)
    withdraw, done = PeopleCalls.withdraw_habilitation, []

    async def broken(self, account, request):
        if done:
            raise CutOff("the connection to {url} broke", url="it")
        done.append(account)
        return await withdraw(self, account, request)

    line = ("admin", "withdraw", *names, *AUTHORITY, "--yes")
    monkeypatch.setattr(PeopleCalls, "withdraw_habilitation", broken)
    stopped = town.attempt(*line, "--json")
    assert stopped.code == 1
    assert [item["failure"] is None for item in stopped.json] == [True, False, False]
    monkeypatch.setattr(PeopleCalls, "withdraw_habilitation", withdraw)
    size = town.ask("admin", "journal", "checkpoint")["size"]
    assert [item["name"] for item in town.ask(*line)] == names[1:]
    assert town.ask("admin", "journal", "checkpoint")["size"] == size + 2
    assert town.ask(*line) == []


def test_nothing_is_withdrawn_where_nobody_can_be_asked(town, dossier, monkeypatch):
    names = team(town, dossier, "kept")
    monkeypatch.setattr("client.cli.online.bulk.can_ask", lambda: False)
    refused = town.attempt("admin", "withdraw", *names, *AUTHORITY)
    assert refused.code == 2
    for who in names:
        town.type(who, "grant", "fetch", dossier)


def test_no_admin_withdraws_itself_among_others(town, dossier):
    refused = town.attempt("admin", "withdraw", "admin", "r2", *AUTHORITY, "--yes")
    assert refused.code == 6


@pytest.mark.parametrize("typed", [(), ("r2", "--group", "kept")])
def test_whose_it_is_has_to_be_said(town, typed):
    assert town.attempt("admin", "withdraw", *typed, *AUTHORITY).code == 2
