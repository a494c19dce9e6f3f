"""Habilitations that end: said while there is time, renewed without a gap, withdrawn as a whole."""

import time

import pytest

from client.cli.online.ending import WARNED_DAYS, ending_soon
from client.cli.online.sizes import DAY
from client.distrust import Distrusted
from client.remote.calls.people import PeopleCalls
from tests.exchange.engines import engine  # noqa: F401 - both engines

AUTHORITY = ("--authority", "authority.key")
RENEW = ("admin", "habilitate", "--renew", *AUTHORITY)


def habilitate(town, who, *more):
    fingerprints = {item["name"]: item["fingerprint"] for item in town.ask("admin", "account", "list")}
    return town.type("admin", "habilitate", who, *AUTHORITY, "--fingerprint", fingerprints[who], *more)


def until(town, who):
    (found,) = [item for item in town.ask("admin", "reviewer", "list") if item["name"] == who]
    return found["until"]


@pytest.fixture(scope="module")
def ending(town):
    """Two reviewers whose habilitation ends soon, one of them for one démarche alone, and one with time."""
    for who in ("soon", "bound", "later"):
        made = town.ask("admin", "account", "create", who, "--role", "reviewer")
        town.file(who, "code", made["enrolment_code"].encode())
        town.type(who, "keygen", "-o", "my.key", "--no-passphrase")
        town.type(who, "enrol", "--server", town.server.url, "--identity", "my.key", "--code-file", "code")
        town.give("admin", "trust.json", who)
        habilitate(
            town, who, "--days", "300" if who == "later" else "9", *(["--scope", "guidé"] * (who == "bound"))
        )
        town.type(who, "login", town.server.url, "--identity", "my.key", "--trust", "trust.json")


def test_whose_habilitation_ends_soon_is_told_when_it_signs_in(town, ending):
    for command in (("whoami",), ("login", town.server.url, "--identity", "my.key")):
        said = town.type("soon", *command)
        assert "warning" in said.err
        assert "days, on " in said.err
        assert "warning" not in town.type("later", *command).err
    assert town.ask("soon", "whoami")["habilitated_until"] == until(town, "soon")
    assert town.ask("portal", "whoami")["habilitated_until"] is not None


def test_the_list_names_those_that_end_soon(town, ending):
    listed = town.attempt("admin", "reviewer", "list")
    assert "warning" in listed.err
    assert "soon" in listed.err
    assert "later" not in listed.err
    names = {item["name"] for item in town.ask("admin", "reviewer", "list", "--ending", "20")}
    assert {"soon", "bound"} <= names
    assert "later" not in names


def test_a_plan_renews_nothing(town, ending):
    before = until(town, "soon")
    plan = town.ask(*RENEW, "--ending", "20", "--dry-run")
    assert {"soon", "bound"} <= {line["name"] for line in plan}
    assert "later" not in {line["name"] for line in plan}
    assert until(town, "soon") == before


def test_nothing_is_renewed_where_nobody_can_be_asked(town, ending, monkeypatch):
    monkeypatch.setattr("client.cli.online.bulk.can_ask", lambda: False)
    before = until(town, "soon")
    refused = town.attempt(*RENEW, "--ending", "20")
    assert refused.code == 2
    assert "guidé" in refused.err
    assert until(town, "soon") == before


def test_all_that_end_soon_are_renewed_without_a_gap_and_only_once(town, ending):
    before, other = until(town, "soon"), until(town, "later")
    renewed = town.ask(*RENEW, "--ending", "20", "--yes")
    found = {line["name"]: line for line in renewed}
    assert {"soon", "bound"} <= set(found)
    assert all(line["failure"] is None for line in renewed)
    assert found["bound"]["scope"] == ["guidé"]
    assert until(town, "soon") > before + 300 * DAY
    assert until(town, "later") == other
    assert town.type("soon", "whoami").err == ""
    (listed,) = [item for item in town.ask("admin", "reviewer", "list") if item["name"] == "bound"]
    assert listed["scope"] == ["guidé"]
    size = town.ask("admin", "journal", "checkpoint")["size"]
    assert town.ask(*RENEW, "--ending", "20", "--yes") == []
    assert town.ask(*RENEW, "soon", "bound", "--yes") == []
    assert town.ask("admin", "journal", "checkpoint")["size"] == size


def test_the_scope_changes_with_a_renewal_where_it_is_given(town, ending):
    (changed,) = town.ask(*RENEW, "bound", "--scope", "sans échange", "--yes")
    assert changed["scope"] == ["sans échange"]


def test_nobody_is_renewed_whom_the_authority_did_not_habilitate(town, ending, monkeypatch):
    """A service that shows one account's habilitation beside another's key gets no new one for that key."""
    town.admit("victim", "reviewer")
    get = PeopleCalls.list_accounts

    async def lying(self, query=None):
        page = await get(self, query)
        by_name = {item.name: item for item in page.items}
        swapped = by_name["victim"].model_copy(update={"habilitation": by_name["later"].habilitation})
        return page.model_copy(
            update={"items": tuple(swapped if item.name == "victim" else item for item in page.items)}
        )

    monkeypatch.setattr(PeopleCalls, "list_accounts", lying)
    refused = town.attempt(*RENEW, "victim", "--days", "366", "--yes", "--json")
    assert refused.code == 1
    (line,) = refused.json
    assert "habilitation" in line["failure"]
    withdrawn = town.attempt("admin", "withdraw", "victim", *AUTHORITY)
    assert withdrawn.code == Distrusted.exit_code


def test_what_was_withdrawn_is_not_renewed(town, ending):
    town.admit("left", "reviewer")
    town.type("admin", "withdraw", "left", *AUTHORITY)
    refused = town.attempt(*RENEW, "left", "--yes")
    assert refused.code == 1
    assert "left" not in {line["name"] for line in town.ask(*RENEW, "--ending", "366", "--dry-run")}


def test_withdrawing_ends_the_renewed_one_and_the_one_before(town, ending):
    town.admit("twice", "reviewer")
    town.type(*RENEW, "twice", "--days", "366", "--scope", "guidé", "--yes")
    town.type("twice", "dossier", "list")
    told = town.type("admin", "withdraw", "twice", *AUTHORITY)
    assert "can still open" in told.err
    assert town.attempt("twice", "dossier", "list").code == 3
    (shown,) = [item for item in town.ask("portal", "reviewer", "list") if item["name"] == "twice"]
    assert shown["habilitated"] is False


@pytest.mark.parametrize(
    "typed", [(), ("soon", "--fingerprint", "ABCD"), ("nobody-of-this-name",), ("--group", "none")]
)
def test_what_is_renewed_has_to_be_said(town, ending, typed):
    assert town.attempt(*RENEW, *typed, "--yes").code in {2, 4}


@pytest.mark.parametrize("typed", [("soon", "later"), (), ("soon", "--ending", "3"), ("soon", "--dry-run")])
def test_a_first_habilitation_is_one_at_a_time(town, ending, typed):
    assert town.attempt("admin", "habilitate", *typed, *AUTHORITY).code == 2


def test_how_long_is_left():
    now = int(time.time())
    assert ending_soon(0, now) == ""
    assert ending_soon(now + (WARNED_DAYS + 1) * DAY, now) == ""
    assert "30 days" in ending_soon(now + WARNED_DAYS * DAY, now)
    assert "1 day," in ending_soon(now + DAY, now)
    assert "0 days" in ending_soon(now - DAY, now)
