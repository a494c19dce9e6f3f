"""The authority's next key is made, approved by two admins who compare its fingerprint, and then followed."""

import pytest

from tests.client.cli.online.conftest import PATIENCE, settled
from tests.client.serving import Server


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A service of its own: its authority goes."""
    with Server(tmp_path_factory.mktemp("service") / "data", approvals="authority", **PATIENCE) as server:
        town = settled(server, tmp_path_factory)
        town.admit("deputy", "admin")
        yield town


def rotate(town, *more):
    return town.attempt(
        *("admin", "rotate", "authority", "--authority", "authority.key", "-o", "next.key"),
        *("--no-passphrase", "--yes", *more),
    )


def approve(town, who, *more, path="next.key.pub"):
    return town.attempt(who, "approve", "authority", path, *more)


def test_two_admins_approve_the_next_key(town):
    before = town.ask("admin", "trust", "show")["authority_now"]
    plan = rotate(town, "--dry-run", "--json").json
    assert plan["approvals_needed"] == 2
    refused = rotate(town)
    assert refused.code == 6
    assert "0 of 2 approvals are there; each admin who agrees types: scelle approve authority" in refused.err
    assert "--resume" in refused.err
    assert town.ask("admin", "trust", "show")["authority_now"] == before
    town.give("admin", "next.key.pub", "deputy")
    seen = approve(town, "deputy", "--dry-run", "--json").json
    assert (seen["authority_now"], seen["approvals"]) == (before, {"needed": 2, "given": 0})
    fingerprint = seen["next"]
    assert fingerprint in refused.err

    # Nobody signs a key whose fingerprint was not compared, or what is no authority's.
    assert approve(town, "deputy").code == 2
    wrong = approve(town, "deputy", "--fingerprint", before)
    assert (wrong.code, "another fingerprint" in wrong.err) == (3, True)
    assert approve(town, "deputy", "--fingerprint", fingerprint, path="my.key.pub").code != 0
    present = approve(town, "admin", "--fingerprint", before, path="authority.key.pub")
    assert (present.code, "already" in present.err) == (6, True)
    assert town.ask("admin", "approval", "list") == []

    typed = approve(town, "deputy", "--fingerprint", fingerprint)
    assert (typed.code, "1 of 2" in typed.err) == (0, True)
    refused = rotate(town, "--resume")
    assert (refused.code, "1 of 2" in refused.err) == (6, True)
    assert approve(town, "admin", "--fingerprint", fingerprint).code == 0
    done = rotate(town, "--resume", "--json")
    assert (done.code, done.json["authority_now"]) == (0, fingerprint)
    assert town.ask("admin", "trust", "show")["authority_now"] == fingerprint
    states = {item["state"] for item in town.ask("admin", "approval", "list")}
    assert states == {"done"}
    journal = town.ask("admin", "journal", "list")
    (entry,) = [one for one in journal if one["action"] == "authority.succeeded"]
    assert [subject["kind"] for subject in entry["subjects"]].count("approval") == 2
    town.type("deputy", "trust", "renew")
    assert town.ask("deputy", "trust", "show")["authority_now"] == fingerprint
