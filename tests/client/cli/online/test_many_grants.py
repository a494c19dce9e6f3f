"""Grants by démarche and by group: planned, skipped where they are there, gone on with after a stop."""

import pytest

from client.profile import Profile
from client.records import Group
from client.remote import bulkgrants
from client.remote.calls.dossiers import DossierCalls
from client.remote.problems import CutOff
from tests.exchange.engines import engine  # noqa: F401 - both engines

DOSSIERS = ("D-m1", "D-m2", "D-m3")
PROCEDURE = "en nombre"
KEY = ("--identity", "my.key")
MANY = ("--procedure", PROCEDURE, "--group", "experts")


@pytest.fixture(scope="module")
def experts(town):
    """Three dossiers of one démarche, one of another; a group of two reviewers."""
    for dossier in (*DOSSIERS, "D-apart"):
        procedure = "autre" if dossier == "D-apart" else PROCEDURE
        town.ask(
            *("portal", "dossier", "create", dossier, "--product", "x", "--admin", "admin"),
            *("--procedure", procedure),
        )
    town.admit("e1", "reviewer")
    town.admit("e2", "reviewer")
    made = town.ask("admin", "group", "set", "experts", "e1", "e2", "--yes")
    assert [item["name"] for item in made] == ["e1", "e2"]
    return {item["name"]: item for item in made}


def known(town):
    return Profile(str(town.folder_of("admin") / "profile")).service(town.server.url)


def granted(town, dossier, account):
    listed = town.ask("admin", "grant", "list", dossier)
    return [item["id"] for item in listed if item["account"] == account and not item["revoked"]]


def journal_size(town):
    return town.ask("admin", "journal", "checkpoint")["size"]


def actions(town, start):
    entries = town.ask("admin", "journal", "list", "--start", str(start), "--count", "100")
    return [entry["action"] for entry in entries]


@pytest.fixture
def nothing_granted(town, experts):
    town.attempt("admin", "grant", "revoke", *MANY, "--yes")
    assert not any(granted(town, dossier, experts["e1"]["account"]) for dossier in DOSSIERS)


def test_a_group_is_kept_here_and_nowhere_else(town, experts):
    before = journal_size(town)
    shown = town.ask("admin", "group", "show", "experts")
    assert [(item["name"], item["refusal"]) for item in shown] == [("e1", None), ("e2", None)]
    (listed,) = [item for item in town.ask("admin", "group", "list") if item["name"] == "experts"]
    assert [item["fingerprint"] for item in listed["members"]] == [
        experts[name]["fingerprint"] for name in ("e1", "e2")
    ]
    assert journal_size(town) == before
    assert town.attempt("admin", "group", "show", "others").code == 4
    assert town.ask("portal", "group", "list") == []


def test_nobody_gets_into_a_group_without_a_habilitation(town, experts):
    town.admit("unvouched", "reviewer")
    town.type("admin", "withdraw", "unvouched", "--authority", "authority.key")
    refused = town.attempt("admin", "group", "set", "more", "e1", "unvouched", "--yes")
    assert refused.code == 5
    assert "more" not in {item["name"] for item in town.ask("admin", "group", "list")}


def test_a_group_is_not_made_where_nobody_can_be_asked(town, experts, monkeypatch):
    monkeypatch.setattr("client.cli.online.bulk.can_ask", lambda: False)
    refused = town.attempt("admin", "group", "set", "more", "e1")
    assert refused.code == 2
    assert experts["e1"]["fingerprint"] in refused.err


def test_a_plan_changes_nothing(town, nothing_granted, experts):
    before = journal_size(town)
    plan = town.ask("admin", "grant", "add", *MANY, *KEY, "--dry-run")
    assert sorted((line["dossier"], line["name"], line["missing"]) for line in plan) == [
        (dossier, name, [1]) for dossier in DOSSIERS for name in ("e1", "e2")
    ]
    assert {line["fingerprint"] for line in plan} == {item["fingerprint"] for item in experts.values()}
    assert journal_size(town) == before


def test_a_group_gets_every_dossier_of_a_procedure_and_again_gets_nothing_twice(
    town, nothing_granted, experts
):
    town.type("admin", "grant", "add", "D-m2", "e1", *KEY)
    before = journal_size(town)
    made = town.ask("admin", "grant", "add", *MANY, *KEY, "--yes")
    assert (len(made["given"]), made["there"], made["failed"]) == (5, 1, [])
    assert actions(town, before).count("grant.added") == 5
    for dossier in DOSSIERS:
        for name in ("e1", "e2"):
            assert len(granted(town, dossier, experts[name]["account"])) == 1
            town.type(name, "grant", "fetch", dossier)
    assert granted(town, "D-apart", experts["e1"]["account"]) == []
    before = journal_size(town)
    again = town.ask("admin", "grant", "add", *MANY, *KEY, "--yes")
    assert (again["given"], again["there"]) == ([], 6)
    assert journal_size(town) == before


def test_what_is_stopped_in_the_middle_goes_on_when_it_is_typed_again(
    town, nothing_granted, experts, monkeypatch
):
    made, add = [], DossierCalls.add_grant

    async def broken(self, *arguments, **options):
        if len(made) == 3:
            raise CutOff("the connection to {url} broke", url="it")
        made.append(await add(self, *arguments, **options))
        return made[-1]

    monkeypatch.setattr(DossierCalls, "add_grant", broken)
    stopped = town.attempt("admin", "grant", "add", *MANY, *KEY, "--yes")
    assert stopped.code == 1
    assert "3 granted" in stopped.err
    assert stopped.err.count("the connection to it broke") == 3
    monkeypatch.setattr(DossierCalls, "add_grant", add)
    rest = town.ask("admin", "grant", "add", *MANY, *KEY, "--yes")
    assert (len(rest["given"]), rest["there"]) == (3, 3)
    assert all(len(granted(town, dossier, experts["e2"]["account"])) == 1 for dossier in DOSSIERS)


def test_one_who_cannot_be_granted_is_named_and_stops_nobody(town, nothing_granted, experts):
    town.admit("e3", "reviewer")
    town.ask("admin", "group", "set", "mixed", "e1", "e3", "--yes")
    town.type("admin", "withdraw", "e3", "--authority", "authority.key")
    came = town.attempt("admin", "grant", "add", "--procedure", PROCEDURE, "--group", "mixed", *KEY, "--yes")
    assert came.code == 1
    assert "3 granted" in came.err
    assert came.err.count("e3: ") == 3
    assert "[withdrawn]" in came.err
    assert all(len(granted(town, dossier, experts["e1"]["account"])) == 1 for dossier in DOSSIERS)


def test_a_member_whose_keys_are_others_is_not_that_member(town, nothing_granted, experts):
    """As if the service put somebody else's account in a member's place."""
    profile = known(town)
    kept = profile.groups
    first, second = kept["experts"].members
    swapped = (first._replace(account=second.account), second._replace(account=first.account))
    profile.keep_groups({**kept, "experts": Group("experts", swapped)})
    try:
        came = town.attempt("admin", "grant", "add", *MANY, *KEY, "--yes")
    finally:
        profile.keep_groups(kept)
    assert came.code == 1
    assert "0 granted" in came.err
    assert came.err.count("another fingerprint") == 6
    assert not any(granted(town, dossier, experts["e1"]["account"]) for dossier in DOSSIERS)


def test_an_admin_without_a_grant_is_told_for_each_dossier(town, nothing_granted, experts):
    (own,) = [item["id"] for item in town.ask("admin", "grant", "list", "D-apart") if not item["revoked"]]
    town.type("admin", "grant", "revoke", "D-apart", own)
    came = town.attempt("admin", "grant", "add", "--procedure", "autre", "--group", "experts", *KEY, "--yes")
    assert came.code == 1
    assert came.err.count("ask another admin") == 2


def test_grants_end_by_group_at_once(town, nothing_granted, experts):
    town.ask("admin", "grant", "add", *MANY, *KEY, "--yes")
    town.type("e1", "grant", "fetch", "D-m1")
    before = journal_size(town)
    plan = town.ask("admin", "grant", "revoke", *MANY, "--dry-run")
    assert len(plan) == 6
    assert journal_size(town) == before
    ended = town.type("admin", "grant", "revoke", *MANY, "--yes")
    assert "6 revoked" in ended.err
    assert "can still open" in ended.err
    assert actions(town, before).count("grant.revoked") == 6
    for name in ("e1", "e2"):
        assert town.attempt(name, "grant", "fetch", "D-m1").code == 4
    again = town.ask("admin", "grant", "revoke", *MANY, "--yes")
    assert again == {"revoked": [], "failed": []}


def test_grants_of_one_account_end_by_name(town, nothing_granted, experts):
    town.ask("admin", "grant", "add", *MANY, *KEY, "--yes")
    town.type("admin", "grant", "revoke", "D-m1", "e1")
    assert granted(town, "D-m1", experts["e1"]["account"]) == []
    ended = town.ask("admin", "grant", "revoke", "--procedure", PROCEDURE, "e1", "--yes")
    assert sorted(item["dossier"] for item in ended["revoked"]) == ["D-m2", "D-m3"]
    assert len(granted(town, "D-m1", experts["e2"]["account"])) == 1


def test_nobody_locks_itself_out(town, experts):
    refused = town.attempt("admin", "grant", "revoke", "--procedure", PROCEDURE, "admin", "--yes")
    assert refused.code == 6


@pytest.mark.parametrize(
    "typed",
    [
        (),
        ("D-m1",),
        ("D-m1", "e1", "e2"),
        ("D-m1", "e1", "--group", "experts"),
        ("D-m1", "e1", "--procedure", PROCEDURE),
        ("D-m1", *MANY),
    ],
)
@pytest.mark.parametrize("verb", ["add", "revoke"])
def test_each_side_is_named_once(town, experts, verb, typed):
    key = KEY if verb == "add" else ()
    assert town.attempt("admin", "grant", verb, *typed, *key).code == 2


def test_a_procedure_without_dossiers_is_said(town, experts):
    assert town.attempt("admin", "grant", "add", "--procedure", "néant", "e1", *KEY).code == 4


def test_nothing_is_granted_where_nobody_can_be_asked(town, nothing_granted, experts, monkeypatch):
    monkeypatch.setattr("client.cli.online.bulk.can_ask", lambda: False)
    refused = town.attempt("admin", "grant", "add", *MANY, *KEY)
    assert refused.code == 2
    assert all(item["fingerprint"] in refused.err for item in experts.values())
    assert not any(granted(town, dossier, experts["e1"]["account"]) for dossier in DOSSIERS)


def test_a_service_that_shows_no_grants_costs_nothing(town, nothing_granted, experts, monkeypatch):
    """What the list leaves out is refused as there already, and is not a failure."""
    town.ask("admin", "grant", "add", *MANY, *KEY, "--yes")

    plan = bulkgrants.plan_grants

    async def all_missing(service, dossiers, people, *, own):
        return [line._replace(missing=(1,)) for line in await plan(service, dossiers, people, own=own)]

    monkeypatch.setattr("client.cli.online.granting.plan_grants", all_missing)
    again = town.ask("admin", "grant", "add", *MANY, *KEY, "--yes")
    assert (again["given"], again["failed"]) == ([], [])
