"""A habilitation for some démarches: nothing of another is wrapped, granted or handed out."""

import pytest

from client.remote import granting
from tests.exchange.engines import engine  # noqa: F401 - both engines

AUTHORITY = ("--authority", "authority.key")


def habilitate(town, who, *more):
    print_of = {item["name"]: item["fingerprint"] for item in town.ask("admin", "account", "list")}
    return town.type("admin", "habilitate", who, *AUTHORITY, "--fingerprint", print_of[who], *more)


@pytest.fixture(scope="module")
def dossiers(town):
    """One dossier of each démarche; a reviewer for one of them alone."""
    town.admit("narrow", "reviewer")
    habilitate(town, "narrow", "--scope", "guidé")
    for dossier, procedure in (("D-guided", "guidé"), ("D-other", "sans échange"), ("D-none", "")):
        town.ask(
            *("portal", "dossier", "create", dossier, "--product", "x", "--admin", "admin"),
            *("--procedure", procedure),
        )


def test_the_list_says_the_scope(town, dossiers):
    (found,) = [item for item in town.ask("portal", "reviewer", "list") if item["name"] == "narrow"]
    assert found["scope"] == ["guidé"]


@pytest.mark.parametrize("dossier", ["D-other", "D-none"])
def test_no_client_wraps_to_whom_the_scope_leaves_out(town, dossiers, dossier, monkeypatch):
    def wrapped(*_args, **_options):
        raise AssertionError

    monkeypatch.setattr(granting, "make_grant", wrapped)
    before = town.ask("admin", "grant", "list", dossier)
    refused = town.attempt("admin", "grant", "add", dossier, "narrow", "--identity", "my.key")
    assert refused.code == 3
    assert "guidé" in refused.err
    assert town.ask("admin", "grant", "list", dossier) == before


def test_no_dossier_is_opened_for_whom_the_scope_leaves_out(town, dossiers):
    opening = ("portal", "dossier", "create", "--product", "x", "--admin", "admin", "--reviewer", "narrow")
    assert town.attempt(*opening, "--procedure", "sans échange").code == 3
    assert town.attempt(*opening, "--procedure", "guidé").code == 0


def test_a_narrower_habilitation_ends_what_was_granted_under_a_wider_one(town, dossiers):
    town.type("admin", "grant", "add", "D-guided", "narrow", "--identity", "my.key")
    town.type("narrow", "grant", "fetch", "D-guided")
    habilitate(town, "narrow", "--scope", "sans échange")
    assert town.attempt("narrow", "grant", "fetch", "D-guided").code == 4
    assert town.attempt("narrow", "evidence", "list", "D-guided").code == 4
    habilitate(town, "narrow", "--scope", "sans échange", "--scope", "guidé")
    town.type("narrow", "grant", "fetch", "D-guided")


def test_in_bulk_whom_the_scope_leaves_out_is_named_and_the_others_are_granted(town, dossiers):
    town.admit("wide", "reviewer")
    town.admit("elsewhere", "reviewer")
    habilitate(town, "elsewhere", "--scope", "guidé")
    town.type("admin", "group", "set", "mixed-scopes", "wide", "elsewhere", "--yes")
    came = town.attempt(
        *("admin", "grant", "add", "--procedure", "sans échange", "--group", "mixed-scopes"),
        *("--identity", "my.key", "--yes", "--json"),
    )
    assert came.code == 1
    given = {item["dossier"] for item in came.json["given"]}
    assert "D-other" in given
    assert {line["name"] for line in came.json["failed"]} == {"elsewhere"}
    assert {line["dossier"] for line in came.json["failed"]} == given
    for dossier in given:
        listed = town.ask("admin", "grant", "list", dossier)
        accounts = {item["name"]: item["account"] for item in town.ask("admin", "reviewer", "list")}
        assert accounts["wide"] in {item["account"] for item in listed}
        assert accounts["elsewhere"] not in {item["account"] for item in listed}
