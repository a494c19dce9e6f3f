"""A second recovery key, as people type it: shares of either open what was sealed to it."""

import pytest

from tests.client.cli.online.conftest import PATIENCE, settled
from tests.client.serving import Server
from tests.client.town import EDITOR
from tests.exchange.engines import engine, settings_of  # noqa: F401 - both engines


@pytest.fixture(scope="module")
def town(request, engine, tmp_path_factory):  # noqa: F811 - the fixture of this name
    """A service of its own: everybody's seals carry another access from some moment on."""
    data = tmp_path_factory.mktemp("service") / "data"
    with settings_of(request, engine) as settings, Server(data, **settings, **PATIENCE) as server:
        yield settled(server, tmp_path_factory)


def recovers(town, name, shares):
    some = [part for number in (1, 3) for part in ("--share", f"{shares}/share-{number}-of-3.txt")]
    typed = town.attempt("admin", "recover", name, "-o", f"{name}-{shares}", "--force", *some)
    assert typed.code in {0, 3}
    return typed.code == 0


def fetched(town, kept, name):
    town.type("r1", "evidence", "fetch", kept["evidence"], "-o", name)
    town.give("r1", name, "admin")
    return name


def publish(town, public, authority="authority.key"):
    typed = ("authority", "recovery-key", public, "--authority", authority, "--yes", "--json")
    return town.attempt("admin", *typed)


def test_contents_move_to_the_next_recovery_key(town):
    town.seal("editor", "first", "Analyse\n")
    first = town.ask("editor", "deposit", "first.scelle", *EDITOR)
    town.seal("editor", "late", "Journal\n")
    before = town.ask("admin", "trust", "show")
    town.type("admin", "recovery-key", "create", "-o", "next.pub", "--out-dir", "next")
    assert publish(town, "my.key.pub").code == 2, "a person's key recovers nothing"
    assert publish(town, "next.pub", "my.key").code == 2
    done = publish(town, "next.pub")
    assert done.code == 0, done.err
    assert "another recovery key from now on" in done.err
    assert done.json["recovery_key"] != before["recovery_key"]
    assert publish(town, "next.pub").code == 6, "named once"
    assert publish(town, "recovery.pub").code == 6, "and never again"

    # What was sealed before is refused; the same template seals for the next key once one signed in.
    refused = town.attempt("editor", "deposit", "late.scelle", *EDITOR)
    assert (refused.code, "seal it again" in refused.err) == (2, True)
    town.file("editor", "late.scelle").unlink()
    town.seal("editor", "late", "Journal\n")
    late = town.ask("editor", "deposit", "late.scelle", *EDITOR)

    old, new = fetched(town, first, "old.scelle"), fetched(town, late, "new.scelle")
    assert (recovers(town, old, "shares"), recovers(town, old, "next")) == (True, False)
    assert (recovers(town, new, "shares"), recovers(town, new, "next")) == (False, True)

    planned = town.ask("admin", "reencrypt", "D-1", "--dry-run")
    assert (planned["versions"], planned["to_reencrypt"]) == (2, 1)
    moved = town.ask("admin", "reencrypt", "D-1", "--yes")
    assert (moved["reencrypted"], moved["left"], moved["originals"], moved["failed"]) == (1, 0, 0, [])
    assert town.ask("admin", "reencrypt", "D-1", "--dry-run")["to_reencrypt"] == 0
    again = fetched(town, first, "again.scelle")
    assert (recovers(town, again, "shares"), recovers(town, again, "next")) == (False, True)
    assert town.file("admin", "again.scelle-next/first.txt").read_text() == "Analyse\n"

    # A certificate of a rotation names the one that goes on opening, and no other.
    town.type("admin", "rotate", "dossier", "D-1", "-o", "D-1.certificate", "--yes")
    verified = town.ask("admin", "certificate", "verify", "D-1.certificate")
    assert verified["recovery_keys"] == [done.json["recovery_key"]]

    # Templates made from now on name it; who trusted before follows, and is told.
    typed = ("template", "make", "D-1", "--username", "a.martin", "--password-out", "told.pw")
    told = town.attempt("portal", *typed)
    assert (told.code, "another recovery key from now on" in told.err) == (0, True)
    town.invite("D-1", "editor-anew")
    town.seal("editor-anew", "fresh", "CGU\n")
    assert town.attempt("editor-anew", "deposit", "fresh.scelle", *EDITOR).code == 0
    told = town.attempt("r2", "trust", "renew")
    assert (told.code, "another recovery key from now on" in told.err) == (0, True)
    assert town.attempt("r2", "trust", "renew").err == ""
