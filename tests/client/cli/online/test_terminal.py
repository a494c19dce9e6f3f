"""What only happens on a terminal: deciding whom to trust, comparing fingerprints."""

import re

import pexpect
import pytest

from tests.scenarios.transcripts import environment


@pytest.fixture
def type_in(town, tmp_path):
    (tmp_path / "home").mkdir()
    variables = {
        **environment(tmp_path / "home"),
        "TERM": "xterm",
        "SCELLE_HOME": str(tmp_path / "profile"),
    }
    started = []

    def start(who, command, **changes):
        child = pexpect.spawn(
            "/bin/sh",
            ["-c", f"exec {command}"],
            cwd=str(town.folder_of(who)),
            env={**variables, **changes},
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 120),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def _end(child):
    shown = child.read()
    child.wait()
    return shown, child.exitstatus


def test_login_shows_both_fingerprints_and_asks(town, type_in):
    trusted = town.ask("admin", "trust", "show")
    command = f"scelle login {town.server.url} --identity my.key"
    child = type_in("r2", command)
    child.expect(f"authority {trusted['authority']}")
    child.expect(f"service   {trusted['server']}")
    child.expect(re.escape("are they the same? [y/N] "))
    child.sendline("no")
    shown, code = _end(child)
    assert code == 3
    assert "nobody is trusted" in shown
    child = type_in("r2", command)
    child.expect("are they the same")
    child.sendline("y")
    shown, code = _end(child)
    assert code == 0
    assert "reviewer" in shown
    # What was decided once is not asked again.
    shown, code = _end(type_in("r2", command))
    assert code == 0
    assert "are they the same" not in shown


def test_login_asks_in_french_too(town, type_in):
    child = type_in("r2", f"scelle login {town.server.url} --identity my.key", LANG="fr_FR.UTF-8")
    child.expect(re.escape("sont-elles identiques\u00a0? [o/N] "))
    child.sendline("oui")
    assert _end(child)[1] == 0


def test_habilitating_asks_for_the_fingerprint_that_was_read_aloud(town, type_in):
    profile = str(town.folder_of("admin") / "profile")
    listed = town.ask("admin", "account", "list")
    fingerprint = next(item["fingerprint"] for item in listed if item["name"] == "r2")
    command = "scelle habilitate r2 --authority authority.key --days 9"
    child = type_in("admin", command, SCELLE_HOME=profile)
    child.expect("ask for its fingerprint by another way")
    child.expect("type the fingerprint that you were told: ")
    child.sendline("ABCD")
    shown, code = _end(child)
    assert code == 3
    assert "has another fingerprint" in shown
    child = type_in("admin", command, SCELLE_HOME=profile)
    child.expect("type the fingerprint that you were told: ")
    # However it is written down.
    child.sendline(fingerprint.lower().replace("-", " "))
    assert _end(child)[1] == 0


def test_granting_a_group_shows_who_it_is_and_asks(town, type_in):
    profile = str(town.folder_of("admin") / "profile")
    town.ask("portal", "dossier", "create", "D-asked", "--product", "x", "--admin", "admin")
    (reviewer,) = [item for item in town.ask("admin", "reviewer", "list") if item["name"] == "r1"]
    child = type_in("admin", "scelle group set asked r1", SCELLE_HOME=profile)
    child.expect(reviewer["fingerprint"])
    child.expect(re.escape("are these the members? [y/N] "))
    child.sendline("y")
    assert _end(child)[1] == 0
    command = "scelle grant add D-asked --group asked --identity my.key"
    for answer, code, standing in (("n", 2, 1), ("y", 0, 2)):
        child = type_in("admin", command, SCELLE_HOME=profile)
        child.expect(reviewer["fingerprint"])
        child.expect(re.escape("grant them? [y/N] "))
        child.sendline(answer)
        assert _end(child)[1] == code
        assert len(town.ask("admin", "grant", "list", "D-asked")) == standing


def test_withdrawing_several_asks_once_in_french_too(town, type_in):
    profile = str(town.folder_of("admin") / "profile")
    for who in ("asked1", "asked2"):
        town.admit(who, "reviewer")
    command = "scelle withdraw asked1 asked2 --authority authority.key"
    child = type_in("admin", command, SCELLE_HOME=profile, LANG="fr_FR.UTF-8")
    child.expect(re.escape("les retirer\u00a0? [o/N] "))
    child.sendline("non")
    assert _end(child)[1] == 2
    town.type("asked1", "dossier", "list")
    child = type_in("admin", command, SCELLE_HOME=profile, LANG="fr_FR.UTF-8")
    child.expect(re.escape("les retirer\u00a0? [o/N] "))
    child.sendline("oui")
    shown, code = _end(child)
    assert code == 0
    assert "scelle reencrypt DOSSIER aussi le contenu" in shown
    for who in ("asked1", "asked2"):
        assert town.attempt(who, "dossier", "list").code == 3
