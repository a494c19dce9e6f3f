"""Rotating a dossier's key, as an admin types it, against a real server."""

import asyncio
import re

import pexpect
import pytest

from client.errors import ClientError
from client.remote.calls.evidence import EvidenceCalls
from client.remote.calls.rotation import RotationCalls
from tests.client.home import Home
from tests.client.town import EDITOR
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.scenarios.transcripts import environment
from vault.container.layout import parse_preamble


class Turned(Home):
    """One whose key is given to the next."""

    def __init__(self, town) -> None:
        super().__init__(town, "turn")

    def statuses(self):
        listed = self.town.ask("admin", "grant", "list", self.id)
        return sorted((item["generation"], item["revoked"]) for item in listed)


@pytest.fixture
def place(town):
    return Turned(town)


def test_what_was_sealed_stays_and_whoever_may_open_it_can(place, town):
    before = place.fetch("r1", place.first, "before")
    assert before.code == 0
    done = place.rotate()
    assert done == {
        "dossier": place.id,
        "generation": 2,
        "rewrapped": 3,
        "versions": 3,
        "certificate": None,
        "staying": done["staying"],
        "leaving": [],
    }
    assert sorted(done["staying"]) == ["admin", "r1", "r2"]
    assert place.statuses() == [(1, True)] * 3 + [(2, False)] * 3
    assert place.opens("r1", place.first, "one", "Analyse\n")
    assert place.opens("r2", place.second, "two", "Journal\n"), "archived proofs too"
    assert place.opens("r1", place.better, "three", "Journal, better\n")
    old, new = (town.file("r1", f"{place.id}-{name}.scelle").read_bytes() for name in ("before", "one"))
    assert old != new
    assert old[parse_preamble(old).payload_offset :] == new[parse_preamble(new).payload_offset :]
    assert [key["generation"] for key in town.ask("admin", "dossier", "keys", place.id)] == [1, 2]
    kept = place.deposit("four", "Later\n")
    assert place.opens("r1", kept, "four", "Later\n"), "an older template will do"
    assert place.rotate()["generation"] == 3
    assert place.opens("r2", kept, "again", "Later\n")


def test_the_plan_says_how_much_it_is_and_for_whom(place, town):
    planned = place.rotate("--dry-run", "--json", attempt=True).json
    assert planned["generation"] == 1
    assert (planned["versions"], planned["to_rotate"], planned["unfinished"]) == (3, 3, False)
    assert planned["envelope_bytes"] > 0
    assert planned["body_bytes"] > 0
    assert planned["seconds"] >= 1
    assert sorted(planned["staying"]) == ["admin", "r1", "r2"]
    without = place.rotate("--dry-run", "--json", "--without", "r2", attempt=True).json
    assert (sorted(without["staying"]), without["leaving"]) == (["admin", "r1"], ["r2"])
    shown = place.rotate("--dry-run", attempt=True).out
    assert re.search(r"containers to rotate: +3 / 3", shown)
    assert re.search(r"have the next key: +admin, r1, r2", shown)
    assert place.statuses() == [(1, False)] * 3, "nothing was changed"


def test_whoever_is_left_out_gets_nothing_and_opens_nothing_of_today(place, town):
    town.type("r2", "grant", "fetch", place.id)
    assert place.rotate("--without", "r2")["leaving"] == ["r2"]
    assert place.fetch("r2", place.first, "one").code == 4
    assert place.fetch("r1", place.first, "one").code == 0
    town.give("r1", f"{place.id}-one.scelle", "r2")
    refused = place.open("r2", "one")
    assert (refused.code, "[no_access]" in refused.err) == (3, True)


def test_whoever_was_shut_out_by_an_attempt_that_broke_can_be_left_out_again(place, town, monkeypatch):
    async def broken(*_arguments, **_options):
        raise ClientError("the line broke")

    with monkeypatch.context() as patched:
        patched.setattr(RotationCalls, "rotate_dossier_key", broken)
        refused = place.rotate("--without", "r2", "--yes", attempt=True)
        assert "the line broke" in refused.err
    assert place.statuses() == [(1, False)] * 2 + [(1, True)]
    done = place.rotate("--without", "r2")
    assert (done["generation"], sorted(done["staying"])) == (2, ["admin", "r1"])


def test_an_access_of_one_s_own_goes_with_whoever_is_left_out(place, town):
    town.give("r2", "my.key.pub", place.editor)
    town.file(place.editor, "own.txt", b"Own\n")
    typed = ("seal", "own.txt", "-o", "own.scelle", "--type", "aipd", *EDITOR, "--recipient", "my.key.pub")
    town.type(place.editor, *typed)
    kept = town.ask(place.editor, "deposit", "own.scelle", *EDITOR)
    assert place.opens("r2", kept, "own", "Own\n")
    place.rotate("--without", "r2")
    assert place.opens("r1", kept, "own", "Own\n")
    town.give("r1", f"{place.id}-own.scelle", "r2")
    assert place.open("r2", "own").code == 3


def test_it_goes_on_where_it_was_interrupted(place, town, monkeypatch):
    rewrite, written = EvidenceCalls.rewrite_envelope, []

    async def breaking(calls, *path, **options):
        if written:
            await asyncio.sleep(0)
            raise ClientError("the line broke")
        written.append(path)
        return await rewrite(calls, *path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(EvidenceCalls, "rewrite_envelope", breaking)
        assert "the line broke" in place.rotate("--yes", attempt=True).err
    for who in ("r1", "r2"):
        assert place.opens(who, place.first, "one", "Analyse\n")
        assert place.opens(who, place.better, "three", "Journal, better\n")
    kept = place.deposit("meanwhile", "Meanwhile\n")
    refused = place.rotate("--yes", attempt=True)
    assert refused.code == 2
    assert "2 of 4 containers are left; go on with --resume" in refused.err
    assert place.rotate("--dry-run", "--json", attempt=True).json["to_rotate"] == 2
    assert place.rotate("--resume")["rewrapped"] == 2
    assert place.statuses() == [(1, True)] * 3 + [(2, False)] * 3
    assert place.opens("r1", kept, "meanwhile", "Meanwhile\n")
    ended = place.rotate("--resume", "--yes", attempt=True)
    assert (ended.code, "came to its end" in ended.err) == (2, True)


def test_an_envelope_that_somebody_else_writes_meanwhile_is_met_again(place, monkeypatch):
    rewrite, overtaken = EvidenceCalls.rewrite_envelope, []

    async def late(calls, evidence, number, container, *, if_match):
        if not overtaken:
            overtaken.append(evidence)
            await rewrite(calls, evidence, number, container, if_match=if_match)
        return await rewrite(calls, evidence, number, container, if_match=if_match)

    monkeypatch.setattr(EvidenceCalls, "rewrite_envelope", late)
    assert place.rotate()["rewrapped"] == 2, "one was written by somebody else"
    assert place.opens("r1", place.first, "one", "Analyse\n")


def test_an_admin_whom_the_seals_do_not_list_needs_the_authority(place, town):
    if not town.file("latecomer", "my.key").exists():
        town.admit("latecomer", "admin")
    town.type("admin", "grant", "add", place.id, "latecomer", "--identity", "my.key")
    refused = place.rotate("--yes", attempt=True, who="latecomer")
    assert refused.code == 3
    assert "--authority FILE" in refused.err
    assert place.opens("r1", place.first, "one", "Analyse\n")
    town.give("admin", "authority.key", "latecomer")
    town.file("latecomer", "authority.key").chmod(0o600)
    done = place.rotate("--resume", "--authority", "authority.key", who="latecomer")
    assert done["rewrapped"] == 3
    assert place.opens("r2", place.first, "one", "Analyse\n")
    kept = place.deposit("later", "Later\n")
    assert place.opens("r1", kept, "later", "Later\n"), "older templates list every writer that is asked for"


def test_where_passwords_are_forbidden_they_go(place, town):
    town.type("admin", "org", "set", "Convergence", "--passwords", "forbidden")
    try:
        assert place.rotate()["rewrapped"] == 3
        assert place.opens("r1", place.first, "one", "Analyse\n")
        town.give("r1", f"{place.id}-one.scelle", place.editor)
        inspected = town.type(place.editor, "inspect", f"{place.id}-one.scelle", "--json").json
        kinds = [slot["type"] for slot in inspected["envelope"]["slots"]]
        assert "recipient" in kinds
        assert "password" not in kinds
    finally:
        town.type("admin", "org", "set", "Convergence", "--passwords", "strength:1")


def test_what_is_typed_wrong_changes_nothing(place, town):
    for more, code, text in (
        (("--without", "no.such"), 4, "nobody here is called no.such"),
        (("--without", "portal"), 4, "nobody here is called portal"),
        (("--resume", "--without", "r1"), 2, "--resume only goes on"),
        (("--resume",), 2, "came to its end"),
        ((), 2, "no terminal to ask"),
    ):
        refused = place.rotate(*more, attempt=True)
        assert (refused.code, text in refused.err) == (code, True), (more, refused)
    refused = place.rotate("--without", "admin", "--yes", attempt=True)
    assert (refused.code, "no admin would have" in refused.err) == (3, True)
    for who, code in (("portal", 3), ("r1", 3)):
        assert place.rotate("--yes", attempt=True, who=who).code == code
    assert place.statuses() == [(1, False)] * 3


def test_on_a_terminal_it_shows_the_plan_and_asks(place, town, tmp_path):
    (tmp_path / "home").mkdir()
    variables = {**environment(tmp_path / "home"), "TERM": "xterm"}
    variables["SCELLE_HOME"] = str(town.folder_of("admin") / "profile")
    command = f"scelle rotate dossier {place.id} --identity my.key"
    for answer, code, shown, statuses in (
        ("n", 2, "nothing was done", [(1, False)] * 3),
        ("y", 0, "envelopes written anew", [(1, True)] * 3 + [(2, False)] * 3),
    ):
        child = pexpect.spawn(
            "/bin/sh",
            ["-c", f"exec {command}"],
            cwd=str(town.folder_of("admin")),
            env=variables,
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 120),
        )
        child.expect("containers to rotate: +3 / 3")
        child.expect(re.escape("rotate? [y/N] "))
        child.sendline(answer)
        child.expect(shown)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == code
        assert place.statuses() == statuses
