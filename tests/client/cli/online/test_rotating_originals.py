"""Originals that re-encryption kept stand in the way of the next rotation, which says what to type."""

import re

import pytest

from tests.client.home import Home
from tests.exchange.engines import engine  # noqa: F401 - both engines


@pytest.fixture
def place(town):
    return Home(town, "originals")


def test_an_older_key_ends_once_the_originals_are_erased(place, town):
    place.rotate()
    kept = town.ask("admin", "reencrypt", place.id, "--identity", "my.key", "--keep-originals", "--yes")
    assert (kept["reencrypted"], kept["left"], kept["originals"]) == (3, 0, 3)
    refused = place.rotate("--yes", attempt=True)
    assert refused.code == 1, refused
    assert f"3 containers of {place.id}" in refused.err
    listed = town.ask("admin", "grant", "list", place.id)
    assert {(one["generation"], one["revoked"]) for one in listed} >= {(2, False), (3, False)}, "both stand"

    # What the sentence says, word by word: the command in it, then the same once more with --resume.
    (command,) = re.findall(r"scelle (reencrypt \S+) does", refused.err)
    assert "go on with --resume" in refused.err
    done = town.ask("admin", *command.split(), "--identity", "my.key", "--yes")
    assert (done["left"], done["originals"], done["failed"]) == (0, 0, [])
    ended = place.rotate("--resume")
    assert ended["generation"] == 3
    listed = town.ask("admin", "grant", "list", place.id)
    assert {one["generation"] for one in listed if not one["revoked"]} == {3}
    for proof, name, text in (
        (place.first, "one", "Analyse\n"),
        (place.second, "two", "Journal\n"),
        (place.better, "three", "Journal, better\n"),
    ):
        assert place.opens("r1", proof, name, text)
    certificate = ("-o", f"{place.id}.certificate")
    town.type("admin", "certificate", "fetch", place.id, *certificate)
    assert town.ask("admin", "certificate", "verify", f"{place.id}.certificate")
