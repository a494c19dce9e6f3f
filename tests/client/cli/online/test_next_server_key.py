"""The key by which a service signs is rotated on its host, as an operator types it, while servers go on."""

import stat
import time

import pytest

from tests.client.serving import Server
from tests.client.town import EDITOR, Town
from vault.server.commands import nextkey

ROTATE = ("admin", "rotate", "server", "--data")
SOON = 3
"""Seconds from the announcement until the next key takes over, in these tests."""


class Dead(BaseException):
    """The machine died here."""


@pytest.fixture
def town(tmp_path, monkeypatch):
    """A service of its own with a dossier, and what its operator has."""
    monkeypatch.setattr(nextkey, "LEAST", 1)
    monkeypatch.setattr(nextkey, "_MINUTE", SOON)
    with Server(tmp_path / "data") as server:
        folder = tmp_path / "town"
        folder.mkdir()
        yield Town(server, folder)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def inhabited(town):
    town.found()
    town.type("admin", "login", town.server.url, "--identity", "my.key")
    town.admit("portal", "portal", "--org", "Convergence")
    town.admit("r1", "reviewer")
    town.open_dossier("D-1", "r1")
    town.invite("D-1")


def wait_for(town, fingerprint):
    """Wait until the service names this key as its own."""
    while True:
        town.type("admin", "trust", "renew")
        if town.ask("admin", "trust", "show")["server"] == fingerprint:
            return
        time.sleep(0.2)


def deposit(town, name):
    town.seal("editor", name, f"{name}\n")
    return town.ask("editor", "deposit", f"{name}.scelle", *EDITOR, "--receipt-out", f"{name}.receipt")


def test_the_whole_way(town, data):
    inhabited(town)
    deposit(town, "first")
    key, following = data / "server.key", data / "server.key.next"
    old = key.read_bytes()
    plan = town.ask(*ROTATE, data, "--dry-run")
    assert (plan["state"], plan["next"]) == ("present", None)
    assert town.ask(*ROTATE, data, "--resume")["state"] == "present"
    assert not following.exists()

    done = town.ask(*ROTATE, data, "--minutes", "1", "--yes")
    assert done["state"] == "announced"
    assert (done["present"], key.read_bytes()) == (plan["present"], old)
    assert stat.S_IMODE(following.stat().st_mode) == 0o600
    wait_for(town, done["next"])

    # The server was not started anew; editors and reviewers follow without being asked anything.
    made = deposit(town, "second")
    told = town.type("portal", "receipt", "fetch", made["evidence"], "-o", "second.receipt")
    assert "the service has another key than before" in told.err
    for name in ("first", "second"):
        town.type("editor", "receipt", "verify", f"{name}.receipt", f"{name}.scelle")
        town.give("editor", f"{name}.receipt", "r1")
        town.give("editor", f"{name}.scelle", "r1")
    told = town.type("r1", "login", town.server.url, "--identity", "my.key")
    assert "the service has another key than before" in told.err
    for name in ("first", "second"):
        town.type("r1", "receipt", "verify", f"{name}.receipt", f"{name}.scelle")
    town.type("admin", "journal", "verify")

    assert town.ask(*ROTATE, data, "--dry-run")["state"] == "in force"
    assert key.read_bytes() == old
    assert town.ask(*ROTATE, data, "--resume")["state"] == "done"
    assert key.read_bytes() != old
    assert not following.exists()
    (aside,) = data.glob("server.key.*.old")
    assert aside.read_bytes() == old
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    deposit(town, "third")
    assert town.ask(*ROTATE, data, "--resume")["state"] == "present"


def test_typed_again_it_says_when_and_announces_nothing_else(town, data):
    inhabited(town)
    done = town.ask(*ROTATE, data, "--minutes", "1000", "--yes")
    size = town.ask("admin", "journal", "checkpoint")["size"]
    for more in (("--yes",), ("--resume",), ("--minutes", "5", "--yes")):
        again = town.ask(*ROTATE, data, *more)
        assert (again["state"], again["next"]) == ("announced", done["next"])
        assert again["takes_over"] == done["takes_over"]
    assert town.ask("admin", "journal", "checkpoint")["size"] == size


def test_nobody_knows_the_key_of_a_service_without_an_authority(town, data):
    town.file("admin", "token", b"")
    refused = town.attempt(*ROTATE, data, "--yes")
    assert refused.code == 6
    assert "no authority is published yet" in refused.err
    assert not (data / "server.key.next").exists()


def test_what_is_typed_wrongly_changes_nothing(town, data):
    inhabited(town)
    size = town.ask("admin", "journal", "checkpoint")["size"]
    for words, code in (
        ((data, "--dry-run", "--resume"), 2),
        ((data,), 2),
        ((data, "--minutes", "0", "--yes"), 2),
        ((data / "elsewhere", "--yes"), 4),
    ):
        refused = town.attempt(*ROTATE, *words)
        assert refused.code == code, refused
    assert town.ask("admin", "journal", "checkpoint")["size"] == size
    assert not (data / "server.key.next").exists()


def test_a_host_that_lacks_a_file_is_told_which(town, data):
    inhabited(town)
    done = town.ask(*ROTATE, data, "--minutes", "1", "--yes")
    following, aside = data / "server.key.next", data / "aside"
    following.rename(aside)
    missing = town.attempt(*ROTATE, data, "--resume")
    assert missing.code != 0
    assert done["next"] in missing.err
    wait_for(town, done["next"])
    missing = town.attempt(*ROTATE, data, "--resume")
    assert missing.code != 0
    assert done["next"] in missing.err
    aside.rename(following)
    assert town.ask(*ROTATE, data, "--resume")["state"] == "done"


def test_cut_off_before_it_was_announced_the_same_line_goes_on(town, data, monkeypatch):
    inhabited(town)

    async def die(*_arguments, **_options):
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(nextkey.NextKey, "announce", die)
        with pytest.raises(Dead):
            town.attempt(*ROTATE, data, "--yes")
    made = (data / "server.key.next").read_bytes()
    done = town.ask(*ROTATE, data, "--resume", "--yes")
    assert done["state"] == "announced"
    assert (data / "server.key.next").read_bytes() == made
