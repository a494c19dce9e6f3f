"""Re-encrypting a dossier, as an admin types it, against a real server."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from client.errors import ClientError
from client.remote import reencrypting
from client.remote.calls.reencryption import ReencryptionCalls
from tests.client.home import Home
from tests.client.town import EDITOR
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.container.layout import parse_preamble

SCELLE = str(Path(sys.executable).with_name("scelle"))


class Anew(Home):
    """One whose contents are sealed anew."""

    def __init__(self, town) -> None:
        super().__init__(town, "anew")

    def reencrypt(self, *more, attempt=False, who="admin"):
        typed = ("reencrypt", self.id, "--identity", "my.key", *more)
        return self.town.attempt(who, *typed) if attempt else self.town.ask(who, *typed, "--yes")

    def versions(self, kept):
        return self.town.ask("admin", "evidence", "show", kept["evidence"])["versions"]

    def state(self):
        planned = self.reencrypt("--dry-run", "--json", attempt=True).json
        return planned["to_reencrypt"], planned["to_erase"]


@pytest.fixture
def place(town):
    return Anew(town)


def test_everything_is_sealed_anew_in_its_place_and_opens_for_those_who_stay(place, town):
    assert place.fetch("r2", place.first, "kept").code == 0
    place.rotate("--without", "r2")
    done = place.reencrypt()
    assert done == {
        "dossier": place.id,
        "reencrypted": 3,
        "moved": done["moved"],
        "lost_accesses": 3,
        "failed": [],
        "left": 0,
        "originals": 0,
    }
    assert done["moved"] > 0
    for kept, name, text in (
        (place.first, "one", "Analyse\n"),
        (place.second, "two", "Journal\n"),
        (place.better, "three", "Journal, better\n"),
    ):
        assert place.opens("r1", kept, name, text)
    assert place.fetch("r2", place.first, "none").code == 4
    old = town.file("r2", f"{place.id}-kept.scelle").read_bytes()
    new = town.file("r1", f"{place.id}-one.scelle").read_bytes()
    assert old[parse_preamble(old).payload_offset :] != new[parse_preamble(new).payload_offset :]
    states = [version["state"] for version in place.versions(place.second)]
    assert states == ["archived", "active"]
    shown = town.type("r1", "evidence", "show", place.first["evidence"]).out
    assert re.search(rf"version 1, re-encrypted from: +{place.first['seal_id']}", shown)
    assert "deposited by:" in shown
    again = place.reencrypt("--yes", attempt=True)
    assert (again.code, "scelle rotate dossier" in again.err) == (2, True)


def test_the_depositor_keeps_its_access_and_goes_on_replacing(place, town):
    place.rotate()
    place.reencrypt()
    typed = ("evidence", "fetch", place.first["evidence"], "-o", "mine.scelle")
    town.type(place.editor, "login", town.server.url, *EDITOR)
    town.type(place.editor, *typed)
    town.type(place.editor, "open", "mine.scelle", "-o", "mine", *EDITOR)
    (found,) = town.file(place.editor, "mine").iterdir()
    assert found.read_text() == "Analyse\n"
    active = place.versions(place.better)[-1]
    kept = place.deposit("four", "Best\n", replaces=place.better)
    assert place.opens("r1", kept, "four", "Best\n"), "the seal names what was re-encrypted"
    replaced = {version["seal_id"]: version["state"] for version in place.versions(place.better)}
    assert replaced[active["seal_id"]] == "archived"


def test_the_plan_says_how_much_it_is_and_changes_nothing(place, town):
    assert place.state() == (0, 0)
    refused = place.reencrypt("--yes", attempt=True)
    assert (refused.code, "scelle rotate dossier" in refused.err) == (2, True)
    place.rotate()
    kept = place.deposit("later", "Later\n")
    planned = place.reencrypt("--dry-run", "--json", attempt=True).json
    assert (planned["versions"], planned["to_reencrypt"], planned["to_erase"]) == (4, 3, 0)
    assert planned["moved"] == 2 * planned["bytes"] > 0
    assert planned["seconds"] >= 1
    shown = place.reencrypt("--dry-run", attempt=True).out
    assert re.search(r"containers to re-encrypt: +3 / 4", shown)
    one = place.reencrypt("--dry-run", "--json", "--proof", place.first["evidence"], attempt=True).json
    assert one["to_reencrypt"] == 1
    none = place.reencrypt("--yes", "--proof", kept["evidence"], attempt=True)
    assert none.code == 2
    assert place.reencrypt("--proof", place.second["evidence"])["reencrypted"] == 2
    assert place.state() == (1, 0)


def test_originals_can_be_kept_for_a_while(place, town):
    place.rotate()
    done = place.reencrypt("--keep-originals")
    assert (done["reencrypted"], done["originals"]) == (3, 3)
    assert place.state() == (0, 3)
    done = place.reencrypt("--resume")
    assert (done["reencrypted"], done["originals"], done["left"]) == (0, 0, 0)
    assert place.opens("r2", place.first, "one", "Analyse\n")
    ended = place.reencrypt("--resume", "--yes", attempt=True)
    assert (ended.code, "is left" in ended.err) == (2, True)


@pytest.mark.parametrize("where", ["reencrypt", "erase_originals"])
def test_it_goes_on_where_it_was_interrupted(place, monkeypatch, where):
    place.rotate()
    call, done = getattr(ReencryptionCalls, where), []

    async def breaking(calls, *path, **options):
        if done:
            raise ClientError("the line broke")
        done.append(path)
        return await call(calls, *path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(ReencryptionCalls, where, breaking)
        broken = place.reencrypt("--yes", attempt=True)
    assert (broken.code, "the line broke" in broken.err) == (1, True)
    assert place.opens("r1", place.first, "one", "Analyse\n"), "at no instant is it kept from anybody"
    assert place.state() == ((2, 0) if where == "reencrypt" else (0, 2))
    rest = place.reencrypt("--resume")
    assert (rest["left"], rest["originals"], rest["failed"]) == (0, 0, [])
    assert place.opens("r2", place.better, "three", "Journal, better\n")


def test_killed_at_any_moment_it_goes_on(place, town):
    place.rotate()
    folder = town.file("admin", "my.key").parent
    for left in (3, 2):
        process = subprocess.Popen(  # noqa: S603 - our own command
            [SCELLE, "reencrypt", place.id, "--identity", "my.key", "--yes", "--quiet"],
            cwd=folder,
            env={**os.environ, "SCELLE_HOME": str(folder / "profile")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while process.poll() is None and place.state()[0] >= left:
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        assert place.opens("r1", place.first, f"one-{left}", "Analyse\n")
        assert place.opens("r2", place.better, f"three-{left}", "Journal, better\n")
    outdated, originals = place.state()
    if outdated or originals:
        assert place.reencrypt("--resume")["reencrypted"] == outdated
    assert place.state() == (0, 0)
    assert all(version["depositor"] for version in place.versions(place.second))
    assert place.opens("r1", place.second, "two", "Journal\n")


def test_a_container_whose_answer_was_lost_is_found_in_its_place(place, monkeypatch):
    place.rotate()
    call, overtaken = ReencryptionCalls.reencrypt, []

    async def late(calls, evidence, number, container, **options):
        if not overtaken:
            overtaken.append(evidence)
            with monkeypatch.context() as patched:
                patched.setattr(ReencryptionCalls, "reencrypt", call)
                await call(calls, evidence, number, container, idempotency_key=None)
        return await call(calls, evidence, number, container, **options)

    monkeypatch.setattr(ReencryptionCalls, "reencrypt", late)
    done = place.reencrypt()
    assert (done["reencrypted"], done["failed"], done["left"]) == (3, [], 0)
    assert place.opens("r1", place.first, "one", "Analyse\n")


def test_what_is_large_goes_in_parts(place, monkeypatch):
    place.rotate()
    begin, begun = ReencryptionCalls.begin_reencryption, []

    async def noting(calls, evidence, number, announced):
        begun.append(number)
        return await begin(calls, evidence, number, announced)

    monkeypatch.setattr(reencrypting, "FROM", 1)
    monkeypatch.setattr(ReencryptionCalls, "begin_reencryption", noting)
    done = place.reencrypt()
    assert (done["reencrypted"], done["originals"], done["left"]) == (3, 0, 0)
    assert sorted(begun) == [1, 1, 2]
    assert place.opens("r1", place.better, "three", "Journal, better\n")


def test_whoever_would_lose_the_depositor_is_asked_to_say_so(place, town):
    town.file(place.editor, "alone.txt", b"Alone\n")
    town.type(place.editor, "seal", "alone.txt", "-o", "alone.scelle", "--type", "aipd", *EDITOR)
    slots = town.type(place.editor, "access", "list", "alone.scelle", "--json").json["slots"]
    reader = next(slot["id"] for slot in slots if slot.get("role") == "reader")
    town.type(place.editor, "access", "remove", "alone.scelle", reader, *EDITOR)
    kept = town.ask(place.editor, "deposit", "alone.scelle", *EDITOR)
    place.rotate()
    refused = place.reencrypt("--yes", attempt=True)
    assert (refused.code, "--without-depositor" in refused.err) == (1, True)
    assert place.state() == (1, 0), "all others were done"
    assert place.reencrypt("--without-depositor")["reencrypted"] == 1
    assert place.opens("r1", kept, "alone", "Alone\n")


def test_it_is_an_admin_s_who_was_granted_the_dossier(place, town):
    place.rotate()
    for who in ("portal", "r1"):
        assert place.reencrypt("--yes", attempt=True, who=who).code == 3
    if not town.file("latecomer", "my.key").exists():
        town.admit("latecomer", "admin")
    refused = place.reencrypt("--yes", attempt=True, who="latecomer")
    assert refused.code in {3, 4}
    asking = place.reencrypt(attempt=True)
    assert (asking.code, "no terminal to ask" in asking.err) == (2, True)
    assert place.state() == (3, 0)
