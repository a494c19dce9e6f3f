"""Two admins agree to a dossier's present key, then its contents are sealed anew."""

import pytest

from tests.client.cli.online.conftest import PATIENCE, settled
from tests.client.home import Home
from tests.client.serving import Server


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A service of its own, which asks two admins."""
    with Server(tmp_path_factory.mktemp("service") / "data", approvals="reencrypt", **PATIENCE) as server:
        town = settled(server, tmp_path_factory)
        town.admit("deputy", "admin")
        yield town


def test_two_admins_approve_and_then_everything_is_sealed_anew(town):
    place = Home(town, "approved")
    typed = ("reencrypt", place.id, "--identity", "my.key", "--yes")
    place.rotate()
    plan = town.ask("admin", *typed, "--dry-run")
    assert plan["approvals"] == {"needed": 2, "given": 0}
    refused = town.attempt("admin", *typed)
    assert (refused.code, refused.out) == (6, "")
    assert (
        f"0 of 2 approvals are there; each admin who agrees types: scelle approve reencrypt {place.id}"
        in (refused.err)
    )
    seen = town.ask("deputy", "approve", "reencrypt", place.id, "--dry-run")
    assert (seen["generation"], seen["left"]) == (2, plan["to_reencrypt"])
    shown = town.type("deputy", "approve", "reencrypt", place.id, "--dry-run").out
    assert seen["key"] in shown
    given = town.ask("deputy", "approve", "reencrypt", place.id, "--yes")
    assert given["digest"] == seen["key"]
    refused = town.attempt("admin", *typed)
    assert (refused.code, "1 of 2" in refused.err) == (6, True)
    town.type("admin", "approve", "reencrypt", place.id, "--yes")
    done = town.ask("admin", *typed)
    assert (done["reencrypted"], done["failed"], done["left"], done["originals"]) == (3, [], 0, 0)
    named = [
        (entry["action"], [one["id"] for one in entry["subjects"] if one["kind"] == "approval"])
        for entry in town.ask("admin", "journal", "list")
        if entry["action"] in {"evidence.reencrypted", "originals.erased"}
    ]
    assert len(named) == 6
    assert all(given["id"] in ids and len(ids) == 2 for _, ids in named)
    # The next key is another plan.
    place.rotate()
    refused = town.attempt("admin", *typed)
    assert (refused.code, "0 of 2" in refused.err) == (6, True)
