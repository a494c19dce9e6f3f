"""A dossier at the end of its time: kept for so long, erased by name, certified, and verified offline."""

import json

import pexpect
import pytest

from client.profile import Profile
from client.remote.problems import CutOff
from client.remote.service import Service
from tests.client.town import EDITOR
from tests.exchange.engines import engine  # noqa: F401 - both pairs
from tests.scenarios.transcripts import environment

PROCEDURE = "Référencement guidé"


@pytest.fixture(scope="module")
def erased(town):
    """A dossier that was closed and erased, with two versions of one proof, and its certificate."""
    make(town, "D-erased")
    town.type("admin", "dossier", "close", "D-erased")
    town.type("admin", "retention", "set", PROCEDURE, "0")
    town.type("admin", "grant", "fetch", "D-erased")
    assert kept_grants(town, "D-erased") == 1
    typed = town.type("admin", "dossier", "erase", "D-erased", "--yes", "-o", "erased.certificate", "--json")
    return typed.json


def kept_grants(town, dossier):
    """Return how many grants an admin's profile keeps."""
    profile = Profile(str(town.folder_of("admin") / "profile"))
    return len(profile.service(town.server.url).dossier(dossier).grants)


def make(town, dossier):
    """Open a dossier of a démarche of its own, and let an editor deposit and replace there."""
    town.ask(
        *("portal", "dossier", "create", dossier, "--product", "MaSanté", "--procedure", PROCEDURE),
        *("--admin", "admin", "--reviewer", "r1"),
    )
    editor = f"editor of {dossier}"
    town.invite(dossier, editor)
    first = town.seal(editor, "first", "Analyse\n")
    town.type(editor, "deposit", "first.scelle", *EDITOR, "--receipt-out", "first.receipt")
    town.seal(editor, "better", "Meilleure analyse\n", "--supersedes", first["seal_id"])
    town.type(editor, "deposit", "better.scelle", "--replaces", "first.receipt", *EDITOR)
    town.type(editor, "login", town.server.url, *EDITOR)
    return editor


def test_retention_times_are_set_and_listed(town, erased):
    assert "3650 days" in town.type("admin", "retention", "set", "Autre démarche", "3650").out
    listed = {item["procedure"]: item["days"] for item in town.ask("admin", "retention", "list")}
    assert listed == {"Autre démarche": 3650, PROCEDURE: 0}
    assert "Autre démarche" in town.type("admin", "retention", "list").out
    refused = town.attempt("portal", "retention", "set", PROCEDURE, "1")
    assert (refused.code, "forbidden" in refused.err) == (3, True)
    assert town.attempt("admin", "retention", "set", PROCEDURE, "99999999").code == 2


def test_what_is_erased_says_so_everywhere(town, erased):
    assert (erased["state"], erased["versions"], erased["waiting"]) == ("erased", 2, 0)
    assert kept_grants(town, "D-erased") == 0
    shown = town.ask("admin", "dossier", "list", "--state", "erased")
    assert "D-erased" in {item["id"] for item in shown}
    editor = "editor of D-erased"
    # The editor keeps seeing what it deposited, and gets nothing of it.
    proof = town.ask(editor, "evidence", "list", "D-erased")[0]["evidence"]
    assert " erased " in town.type(editor, "evidence", "list", "D-erased").out
    refused = town.attempt(editor, "evidence", "fetch", proof, "-o", "again.scelle")
    assert (refused.code, "[dossier_erased]" in refused.err) == (6, True)
    assert town.attempt("r1", "evidence", "fetch", proof, "-o", "again.scelle").code == 4
    assert not town.file("r1", "again.scelle").exists()


def test_the_certificate_is_verified_offline_by_whoever_trusts_the_authority(town, erased):
    town.give("admin", "erased.certificate", "auditor")
    town.give("admin", "trust.json", "auditor")
    found = town.ask("auditor", "certificate", "verify", "erased.certificate", "--trust", "trust.json")
    assert (found["valid"], found["kind"], found["dossier"]) == (True, "erasure", "D-erased")
    assert (found["grants"], found["templates"], len(found["versions"])) == (2, 1, 2)
    assert found["erased"] == erased["erased"]
    typed = town.type("admin", "certificate", "verify", "erased.certificate", "--list")
    assert all(version["seal_id"] in typed.out for version in found["versions"])
    entry = town.ask("admin", "journal", "list", "--start", str(found["journal_position"]))[0]
    assert entry["action"] == "dossier.erased"


FORGERIES = {
    "a line is missing": lambda lines: lines[:-1],
    "all lines are missing": lambda lines: lines[:1],
    "a line is twice there": lambda lines: [*lines, lines[-1]],
    "lines are moved": lambda lines: [lines[0], lines[2], lines[1]],
    "a number is forged": lambda lines: [*lines[:2], lines[2].replace(b'"number":2', b'"number":3')],
    "a line is rubbish": lambda lines: [*lines[:2], b"{}\n"],
    "there is no statement": lambda lines: lines[1:],
    "there is nothing": lambda _lines: [],
    "it was cut off": lambda lines: [*lines[:2], lines[2][:-1]],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_certificate_with_one_missing_or_forged_line_is_refused(town, erased, forgery):
    lines = town.file("admin", "erased.certificate").read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    town.file("admin", "forged.certificate", b"".join(FORGERIES[forgery](lines)))
    refused = town.attempt("admin", "certificate", "verify", "forged.certificate")
    assert (refused.code, refused.out) == (5, "")
    assert "[forged]" in refused.err


def test_another_statement_is_no_certificate(town, erased):
    document = json.loads(town.file("admin", "trust.json").read_bytes())
    carried = json.dumps(document["habilitation"], separators=(",", ":")).encode()
    town.file("admin", "other.certificate", carried + b"\n")
    refused = town.attempt("admin", "certificate", "verify", "other.certificate")
    assert refused.code == 5


def test_asking_again_gives_the_certificate_again(town, erased):
    again = town.ask("admin", "dossier", "erase", "D-erased", "-o", "again.certificate")
    assert again == erased
    fetched = town.ask("admin", "certificate", "fetch", "D-erased", "-o", "fetched.certificate")
    assert fetched == erased
    made = [town.file("admin", f"{name}.certificate").read_bytes() for name in ("erased", "again", "fetched")]
    assert made[0] == made[1] == made[2]
    taken = town.attempt("admin", "certificate", "fetch", "D-erased", "-o", "fetched.certificate")
    assert taken.code == 6


def test_what_may_not_be_erased_is_refused_before_anybody_is_asked(town, erased):
    town.ask("portal", "dossier", "create", "D-open", "--product", "MaSanté", "--admin", "admin")
    for line in (("--yes",), ()):
        refused = town.attempt("admin", "dossier", "erase", "D-open", *line)
        assert (refused.code, "is not closed" in refused.err) == (6, True)
    town.type("admin", "dossier", "close", "D-open")
    refused = town.attempt("admin", "dossier", "erase", "D-open", "--yes")
    assert (refused.code, "no retention time is set" in refused.err) == (6, True)
    town.ask(
        *("portal", "dossier", "create", "D-kept", "--product", "MaSanté", "--admin", "admin"),
        *("--procedure", "Autre démarche"),
    )
    town.type("admin", "retention", "set", "Autre démarche", "3650")
    town.type("admin", "dossier", "close", "D-kept")
    refused = town.attempt("admin", "dossier", "erase", "D-kept", "--yes", "-o", "kept.certificate")
    assert (refused.code, "has to be kept until 20" in refused.err) == (6, True)
    assert "kept.certificate" not in town.names("admin")
    missing = town.attempt("admin", "certificate", "fetch", "D-kept", "-o", "kept.certificate")
    assert missing.code == 4
    assert town.attempt("portal", "dossier", "erase", "D-kept", "--yes").code == 3


def test_a_dry_run_shows_what_would_go_and_changes_nothing(town):
    make(town, "D-plan")
    plan = town.ask("admin", "dossier", "erase", "D-plan", "--dry-run", "-o", "plan.certificate")
    assert (plan["state"], plan["versions"], plan["grants"], plan["waiting"]) == ("open", 2, 2, 2)
    shown = town.type("admin", "dossier", "erase", "D-plan", "--dry-run").out
    assert "versions of proofs: 2, " in " ".join(shown.split())
    assert "plan.certificate" not in town.names("admin")
    assert town.ask("admin", "dossier", "show", "D-plan")["state"] == "open"


def test_somebody_at_a_terminal_types_the_name(town, tmp_path):
    make(town, "D-typed")
    town.type("admin", "dossier", "close", "D-typed")
    town.type("admin", "retention", "set", PROCEDURE, "0")
    variables = {
        **environment(tmp_path),
        "TERM": "xterm",
        "SCELLE_HOME": str(town.folder_of("admin") / "profile"),
    }

    def start():
        return pexpect.spawn(
            "/bin/sh",
            ["-c", "exec scelle dossier erase D-typed -o typed.certificate"],
            cwd=str(town.folder_of("admin")),
            env=variables,
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 120),
        )

    for typed, code in (("yes", 2), ("D-typed", 0)):
        child = start()
        child.expect("for good: 2 versions of proofs")
        child.expect("type D-typed to erase it: ")
        child.sendline(typed)
        shown = child.read()
        child.wait()
        assert child.exitstatus == code, shown
        assert (town.ask("admin", "dossier", "show", "D-typed")["state"] == "erased") == (code == 0)
    assert town.ask("admin", "certificate", "verify", "typed.certificate")["dossier"] == "D-typed"


def test_who_is_cut_off_is_told_how_to_go_on(town, monkeypatch):
    make(town, "D-cut")
    town.type("admin", "dossier", "close", "D-cut")
    town.type("admin", "retention", "set", PROCEDURE, "0")
    asked = Service.erase_dossier

    async def once(service, dossier, *, if_match):
        """Answer as if a body were left, then break off."""
        monkeypatch.setattr(Service, "erase_dossier", broken)
        return (await asked(service, dossier, if_match=if_match)).model_copy(update={"waiting": 1})

    async def broken(_service, _dossier, *, if_match):
        raise CutOff("the line broke")

    monkeypatch.setattr(Service, "erase_dossier", broken)
    never = town.attempt("admin", "dossier", "erase", "D-cut", "--yes")
    assert (never.code, "to go on" in never.err) == (7, False)
    monkeypatch.setattr(Service, "erase_dossier", once)
    cut = town.attempt("admin", "dossier", "erase", "D-cut", "--yes", "-o", "cut.certificate")
    assert (cut.code, "type the same again to go on" in cut.err) == (7, True)
    assert "cut.certificate" not in town.names("admin")
    monkeypatch.undo()
    town.type("admin", "dossier", "erase", "D-cut", "-o", "cut.certificate")
    assert town.ask("admin", "certificate", "verify", "cut.certificate")["dossier"] == "D-cut"


def test_who_keeps_no_certificate_is_told_how_to_get_it(town, erased):
    assert "scelle certificate fetch D-erased" in town.type("admin", "dossier", "erase", "D-erased").err
    assert town.type("admin", "dossier", "erase", "D-erased", "--quiet").err == ""
