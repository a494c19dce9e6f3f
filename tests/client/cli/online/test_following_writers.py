"""The authority's, and an admin's, next key writes where the seals list the one before; as people type it."""

import pytest

from tests.client.cli.online.conftest import PATIENCE, settled
from tests.client.serving import Server
from tests.client.town import EDITOR
from tests.exchange.engines import engine, settings_of  # noqa: F401 - both engines


@pytest.fixture(scope="module")
def town(request, engine, tmp_path_factory):  # noqa: F811 - the fixture of this name
    """A service of its own: its authority hands over."""
    data = tmp_path_factory.mktemp("service") / "data"
    with settings_of(request, engine) as settings, Server(data, **settings, **PATIENCE) as server:
        yield settled(server, tmp_path_factory)


def enter(town, who, key):
    return town.type(who, "login", town.server.url, "--identity", key, "--trust", "trust.json")


def reads(town, kept, text, mark):
    """Let the reviewer fetch and open it, and the editor open what is deposited; return the file's name."""
    name = f"{mark}.scelle"
    town.type("r1", "evidence", "fetch", kept["evidence"], "-o", name)
    town.type("r1", "open", name, "-o", mark, "--identity", "my.key")
    (found,) = town.file("r1", mark).iterdir()
    assert found.read_text() == text
    town.type("editor", "login", town.server.url, *EDITOR)
    town.type("editor", "evidence", "fetch", kept["evidence"], "-o", name)
    town.type("editor", "open", name, "-o", mark, *EDITOR)
    (found,) = town.file("editor", mark).iterdir()
    assert found.read_text() == text
    return name


def test_old_key_files_are_destroyed_and_dossiers_rotated(town):
    seen = town.seal("editor", "heir", "Analyse\n")
    kept = town.ask("editor", "deposit", "heir.scelle", *EDITOR)
    listed = town.ask("editor", "inspect", "heir.scelle")["writers"]
    assert seen["seal_id"] == kept["seal_id"]

    # The only listed admin gives itself a new key, destroys the old one, and goes on alone.
    town.type(
        "admin", "rotate", "reviewer", "--identity", "my.key", "-o", "own.key", "--no-passphrase", "--yes"
    )
    enter(town, "admin", "own.key")
    town.file("admin", "my.key").unlink()
    turned = town.ask("admin", "rotate", "dossier", "D-1", "--identity", "own.key", "--yes")
    assert (turned["generation"], turned["rewrapped"]) == (2, 1)
    name = reads(town, kept, "Analyse\n", "by-admin")
    shown = town.ask("r1", "inspect", name)
    assert shown["envelope"]["writer"] not in listed
    assert shown["writers"] == listed

    # The next key of the dossier goes on listing whom the seals list.
    (_, key) = town.ask("admin", "dossier", "keys", "D-1")
    assert sorted(key["writers"]) == sorted(listed)

    # The authority hands over, and its old key is destroyed: the new one writes where the old one is listed.
    town.type(
        "admin",
        "rotate",
        "authority",
        "--authority",
        "authority.key",
        "-o",
        "next.key",
        "--no-passphrase",
        "--yes",
    )
    town.file("admin", "authority.key").unlink()
    typed = ("rotate", "dossier", "D-1", "--identity", "own.key", "--authority", "next.key")
    turned = town.ask("admin", *typed, "--yes")
    assert (turned["generation"], turned["rewrapped"]) == (3, 1)
    name = reads(town, kept, "Analyse\n", "by-authority")
    assert town.ask("r1", "inspect", name)["envelope"]["writer"] not in {shown["envelope"]["writer"], *listed}
    assert town.ask("admin", "whoami")["habilitated"]

    # The editor changes who opens it, over an envelope that the new authority wrote.
    town.file("editor", "r2.pub", town.file("r2", "my.key.pub").read_bytes())
    town.type("editor", "access", "add", "--proof", kept["evidence"], "--recipient", "r2.pub", *EDITOR)
    reads(town, kept, "Analyse\n", "by-editor")

    # File and key alone do not tell who followed, and the reader is told what is missing.
    town.give("r1", "by-authority.scelle", "stranger")
    town.give("r1", "my.key", "stranger")
    town.file("stranger", "my.key").chmod(0o600)
    refused = town.attempt("stranger", "open", "by-authority.scelle", "-o", "x", "--identity", "my.key")
    assert (refused.code, "[envelope_tampered]" in refused.err) == (5, True)
    assert "the statement that says so is missing here" in refused.err
    assert town.attempt("stranger", "verify", "by-authority.scelle").code == 5
    # Whoever trusts the authority in a service's name is told by that.
    town.give("admin", "trust.json", "stranger")
    enter(town, "stranger", "my.key")
    assert town.attempt("stranger", "verify", "by-authority.scelle").code == 0
