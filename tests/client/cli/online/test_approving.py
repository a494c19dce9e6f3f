"""Two admins agree before a dossier is erased: each sees the plan, signs it, and may take that back."""

import pexpect
import pytest

from client.remote.problems import to_exception
from tests.client.cli.online.conftest import PATIENCE, settled
from tests.client.serving import Server
from tests.scenarios.transcripts import environment
from vault.api.models.base import Problem

PROCEDURE = "Référencement guidé"
ADMINS = ("admin", "deputy", "third")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A service of its own, which asks two admins; another one does what it is told by one."""
    with Server(tmp_path_factory.mktemp("service") / "data", approvals="erase", **PATIENCE) as server:
        town = settled(server, tmp_path_factory)
        for name in ADMINS[1:]:
            town.admit(name, "admin")
        town.type("admin", "retention", "set", PROCEDURE, "0")
        yield town


@pytest.fixture
def dossier(town, request):
    """A closed dossier with one proof."""
    name = f"D-{request.node.name.replace('_', '-')[-40:]}"
    town.ask(
        *("portal", "dossier", "create", name, "--product", "MaSanté", "--procedure", PROCEDURE),
        *("--admin", "admin", "--reviewer", "r1"),
    )
    editor = f"editor of {name}"
    town.invite(name, editor)
    town.seal(editor, "first", "Analyse\n")
    town.type(
        *(editor, "deposit", "first.scelle", "--template", "dossier.scelle", "--username", "a.martin"),
        *("--password-file", "password.txt", "--receipt-out", "first.receipt"),
    )
    town.type("admin", "dossier", "close", name)
    return name


def states(town, dossier):
    found = town.ask("admin", "approval", "list", "--dossier", dossier)
    return [(item["name"], item["state"]) for item in found]


def actions(town, dossier):
    """Return what the journal says of a dossier, with the approvals that it names."""
    found = []
    for entry in town.ask("admin", "journal", "list"):
        subjects = [(one["kind"], one["id"]) for one in entry["subjects"]]
        if ("dossier", dossier) in subjects:
            found.append((entry["action"], [name for kind, name in subjects if kind == "approval"]))
    return found


def test_one_admin_alone_erases_nothing_and_is_told_what_the_other_types(town, dossier):
    plan = town.ask("admin", "dossier", "erase", dossier, "--dry-run")
    assert plan["approvals"] == {"needed": 2, "given": 0}
    assert "0 of 2" in town.type("admin", "dossier", "erase", dossier, "--dry-run").out
    refused = town.attempt("admin", "dossier", "erase", dossier, "--yes")
    assert (refused.code, refused.out) == (6, "")
    assert f"0 of 2 approvals are there; each admin who agrees types: scelle approve erase {dossier}" in (
        refused.err
    )
    seen = town.ask("deputy", "approve", "erase", dossier, "--dry-run")
    assert (seen["versions"], seen["root"]) == (1, plan["root"])
    assert states(town, dossier) == []
    # Nobody at a terminal, and no --yes: nothing is signed.
    assert town.attempt("deputy", "approve", "erase", dossier).code == 2
    typed = town.type("deputy", "approve", "erase", dossier, "--yes")
    assert "1 of 2 approvals are there" in typed.err
    again = town.attempt("deputy", "approve", "erase", dossier, "--yes")
    assert (again.code, "another admin has to" in again.err) == (6, True)
    refused = town.attempt("deputy", "dossier", "erase", dossier, "--yes")
    assert (refused.code, "1 of 2 approvals are there" in refused.err) == (6, True)
    assert states(town, dossier) == [("deputy", "standing")]
    assert town.ask("admin", "dossier", "show", dossier)["state"] == "closed"


def test_two_admins_erase_and_the_journal_shows_all(town, dossier):
    given = [town.ask(who, "approve", "erase", dossier, "--yes") for who in ("deputy", "third")]
    assert [one["state"] for one in given] == ["standing", "standing"]
    done = town.ask("admin", "dossier", "erase", dossier, "--yes", "-o", f"{dossier}.certificate")
    assert done["state"] == "erased"
    assert states(town, dossier) == [("third", "done"), ("deputy", "done")]
    ids = [one["id"] for one in given]
    assert actions(town, dossier)[-3:] == [
        ("approval.given", ids[:1]),
        ("approval.given", ids[1:]),
        ("dossier.erased", ids),
    ]
    verified = town.ask("admin", "certificate", "verify", f"{dossier}.certificate")
    assert verified["valid"]
    late = town.attempt("third", "approve", "erase", dossier, "--yes")
    assert (late.code, "is erased" in late.err) == (6, True)
    withdrawn = town.attempt("third", "approval", "withdraw", ids[1])
    assert (withdrawn.code, "[approval_unfit]" in withdrawn.err) == (6, True)
    assert town.attempt("third", "journal", "verify").code == 0


def test_an_approval_is_taken_back(town, dossier):
    given = town.ask("third", "approve", "erase", dossier, "--yes")
    town.type("deputy", "approve", "erase", dossier, "--yes")
    back = town.ask("third", "approval", "withdraw", given["id"], "--reason", "mistake")
    assert back["state"] == "withdrawn"
    assert states(town, dossier) == [("deputy", "standing"), ("third", "withdrawn")]
    assert "withdrawn" in town.type("admin", "approval", "list", "--dossier", dossier).out
    refused = town.attempt("admin", "dossier", "erase", dossier, "--yes")
    assert (refused.code, "1 of 2" in refused.err) == (6, True)
    assert actions(town, dossier)[-1] == ("approval.withdrawn", [given["id"]])
    for wrong, code in (("5f0c", 2), ("0" * 64, 4), (given["id"], 6)):
        assert town.attempt("third", "approval", "withdraw", wrong).code == code


def test_only_admins_approve(town, dossier):
    for who in ("r1", "portal"):
        refused = town.attempt(who, "approve", "erase", dossier, "--yes")
        assert (refused.code, "[forbidden]" in refused.err) == (3, True)
    # An admin cannot sign with a key that is not its own.
    town.file("third", "others.key", town.file("r1", "my.key").read_bytes()).chmod(0o600)
    refused = town.attempt("third", "approve", "erase", dossier, "--yes", "--identity", "others.key")
    assert (refused.code, "[statement_invalid]" in refused.err) == (1, True)
    assert states(town, dossier) == []


def test_somebody_at_a_terminal_sees_the_plan_and_is_asked(town, dossier, tmp_path):
    variables = {
        **environment(tmp_path),
        "TERM": "xterm",
        "SCELLE_HOME": str(town.folder_of("deputy") / "profile"),
    }
    for typed, code in (("n", 2), ("y", 0)):
        child = pexpect.spawn(
            "/bin/sh",
            ["-c", f"exec scelle approve erase {dossier}"],
            cwd=str(town.folder_of("deputy")),
            env=variables,
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 120),
        )
        child.expect("versions of proofs: +1, ")
        child.expect("0 of 2")
        assert states(town, dossier) == []
        child.expect("approve exactly this")
        child.sendline(typed)
        shown = child.read()
        child.wait()
        assert child.exitstatus == code, shown
        assert states(town, dossier) == ([] if code else [("deputy", "standing")])


def test_what_the_service_says_of_missing_approvals_is_said_as_it_is():
    extra = {"act": "erase", "subject": "D-1", "digest": "0" * 64, "needed": 2, "given": 1}
    about = {"type": "urn:x", "title": "t", "status": 409, "detail": "1 of 2", "code": "approvals_missing"}
    told = to_exception(Problem(**about, extra=extra))
    assert str(told) == (
        "1 of 2 approvals are there; each admin who agrees types: scelle approve erase D-1 "
        "[approvals_missing]"
    )
    assert told.exit_code == 6
    extra["act"] = "authority"
    assert "scelle approve authority FILE" in str(to_exception(Problem(**about, extra=extra)))
    assert "?" in str(to_exception(Problem(**about)))
