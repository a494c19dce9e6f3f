"""The main job, as people type it, against a real server."""

import json

import pytest

from tests.client.town import EDITOR
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.container.layout import parse_preamble


@pytest.fixture(scope="module")
def story(town):
    """A dossier of its own, with a proof that was replaced once."""
    town.open_dossier("D-story", "r1")
    town.invite("D-story", "author")
    town.seal("author", "one", "Analyse\n")
    first = town.ask("author", "deposit", "one.scelle", *EDITOR, "--receipt-out", "one.receipt")
    town.seal("author", "two", "Analyse, better\n", "--supersedes", "one.receipt")
    second = town.ask("author", "deposit", "two.scelle", "--replaces", "one.receipt", *EDITOR)
    return first, second


def test_a_replaced_proof_is_archived_and_stays(town, story):
    first, second = story
    assert second["evidence"] == first["evidence"]
    assert second["supersedes"] == first["seal_id"]
    town.type("author", "login", town.server.url, *EDITOR)
    archived = town.ask("author", "evidence", "list", "D-story", "--type", "aipd", "--state", "archived")
    assert [(item["number"], item["seal_id"]) for item in archived] == [(1, first["seal_id"])]
    active = town.ask("author", "evidence", "list", "D-story")
    assert [(item["number"], item["seal_id"]) for item in active] == [(2, second["seal_id"])]
    assert town.ask("author", "evidence", "list", "D-story", "--type", "cgu") == []
    editor = first["signer"]
    acted = town.ask("portal", "evidence", "list", "D-story", "--acting-for", editor)
    assert [item["number"] for item in acted] == [2]
    assert [item["id"] for item in town.ask("portal", "dossier", "list", "--acting-for", editor)] == [
        "D-story"
    ]
    shown = town.ask("author", "evidence", "show", first["evidence"])
    assert [version["state"] for version in shown["versions"]] == ["archived", "active"]
    town.type("author", "evidence", "fetch", first["evidence"], "--version", "1", "-o", "back.scelle")
    assert town.file("author", "back.scelle").read_bytes() == town.file("author", "one.scelle").read_bytes()


def test_a_granted_reviewer_fetches_opens_and_says_so(town, story):
    proof = story[1]["evidence"]
    fetched = town.ask("r1", "evidence", "fetch", proof, "-o", "two.scelle")
    assert fetched["receipt"]["seal_id"] == story[1]["seal_id"]
    town.type("r1", "open", "two.scelle", "-o", "opened", "--identity", "my.key")
    assert town.file("r1", "opened/two.txt").read_bytes() == b"Analyse, better\n"
    assert town.ask("r1", "evidence", "opened", "two.scelle")["outcome"] == "opened"
    (listed,) = town.ask("r1", "evidence", "list", "D-story")
    assert listed["opened"] == "opened"


def test_what_is_damaged_afterwards_becomes_a_complaint(town, story):
    town.type("r1", "evidence", "fetch", story[1]["evidence"], "-o", "spoilt.scelle")
    path = town.file("r1", "spoilt.scelle")
    data = bytearray(path.read_bytes())
    data[parse_preamble(bytes(data)).payload_offset + 60] ^= 1
    path.write_bytes(data)
    assert town.ask("r1", "evidence", "opened", "spoilt.scelle", "--quiet")["outcome"] == "payload_damaged"


def test_a_reviewer_without_a_grant_gets_nothing(town, story):
    refused = town.attempt("r2", "evidence", "fetch", story[1]["evidence"], "-o", "two.scelle")
    assert refused.code == 4
    assert "[not_found]" in refused.err
    assert not town.file("r2", "two.scelle").exists()
    assert "D-story" not in {item["id"] for item in town.ask("r2", "dossier", "list")}
    town.give("author", "two.scelle", "r2")
    refused = town.attempt("r2", "open", "two.scelle", "-o", "opened", "--identity", "my.key")
    assert refused.code == 3
    assert "[no_access]" in refused.err


def test_an_admin_lets_a_later_reviewer_in(town, story):
    town.admit("r3", "reviewer")
    (granted,) = town.ask("admin", "grant", "add", "D-story", "r3", "--identity", "my.key")
    assert town.attempt("admin", "grant", "add", "D-story", "r3", "--identity", "my.key").code == 6
    town.type("r3", "evidence", "fetch", story[1]["evidence"], "-o", "two.scelle")
    town.type("r3", "open", "two.scelle", "-o", "opened", "--identity", "my.key")
    town.type("admin", "grant", "revoke", "D-story", granted["id"])
    assert town.attempt("r3", "evidence", "fetch", story[1]["evidence"], "-o", "again.scelle").code == 4
    listed = town.ask("admin", "grant", "list", "D-story")
    assert {item["id"]: item["revoked"] for item in listed}[granted["id"]] is True


def test_a_withdrawn_reviewer_is_refused(town, story):
    town.admit("gone", "reviewer")
    town.type("admin", "grant", "add", "D-story", "gone", "--identity", "my.key")
    town.type("admin", "withdraw", "gone", "--authority", "authority.key", "--reason", "left")
    refused = town.attempt("gone", "evidence", "fetch", story[1]["evidence"], "-o", "two.scelle")
    assert refused.code == 3
    assert "[not_habilitated]" in refused.err
    (shown,) = [item for item in town.ask("portal", "reviewer", "list") if item["name"] == "gone"]
    assert shown["habilitated"] is False
    again = town.attempt(
        "portal", "dossier", "create", "--product", "x", "--admin", "admin", "--reviewer", "gone"
    )
    assert again.code == 5
    assert "[withdrawn]" in again.err


def test_a_receipt_is_verified_offline(town, story, tmp_path):
    town.give("author", "one.receipt", "stranger")
    town.give("author", "one.scelle", "stranger")
    town.give("author", "two.scelle", "stranger")
    town.give("admin", "trust.json", "stranger")
    verified = town.ask("stranger", "receipt", "verify", "one.receipt", "one.scelle", "--trust", "trust.json")
    assert verified["valid"] is True
    assert verified["seal_id"] == story[0]["seal_id"]
    other = town.attempt(
        "stranger", "receipt", "verify", "one.receipt", "two.scelle", "--trust", "trust.json"
    )
    assert other.code == 5
    assert "[mismatch]" in other.err
    forged = json.loads(town.file("stranger", "one.receipt").read_bytes())
    first = forged["signature"][0]
    forged["signature"] = ("B" if first == "A" else "A") + forged["signature"][1:]
    town.file("stranger", "forged.receipt", json.dumps(forged, separators=(",", ":")).encode())
    refused = town.attempt("stranger", "receipt", "verify", "forged.receipt", "--trust", "trust.json")
    assert refused.code == 5
    assert "[forged]" in refused.err


def test_an_auditor_verifies_the_journal_and_notices_what_was_changed(town, story):
    account = town.ask("admin", "account", "create", "auditor", "--role", "auditor")["account"]["id"]
    town.type("admin", "token", "create", "--account", account, "--label", "audit", "-o", "audit.token")
    town.give("admin", "audit.token", "auditor")
    town.give("admin", "trust.json", "auditor")
    town.type("auditor", "login", town.server.url, "--token-file", "audit.token", "--trust", "trust.json")
    first = town.ask("auditor", "journal", "verify")
    assert first["compared_checkpoints"] == 0
    town.type("admin", "org", "create", "Another")
    second = town.ask("auditor", "journal", "checkpoint")
    assert second["size"] > first["size"]
    assert town.ask("auditor", "journal", "verify")["compared_checkpoints"] == 2
    entries = town.ask("auditor", "journal", "list", "--start", "2", "--count", "3")
    assert [entry["position"] for entry in entries] == [2, 3, 4]
    proof = story[0]["evidence"]
    typed = town.attempt("auditor", "receipt", "fetch", proof, "-o", "one.receipt")
    assert typed.code == 2
    assert "add --version NUMBER" in typed.err
    receipt = town.ask("auditor", "receipt", "fetch", proof, "--version", "1", "-o", "one.receipt")
    assert receipt["seal_id"] == story[0]["seal_id"]
    refused = town.attempt("auditor", "evidence", "list", "D-story")
    assert refused.code == 3
    assert "[forbidden]" in refused.err


def test_depositing_the_same_again_changes_nothing(town, story):
    again = town.attempt("author", "deposit", "one.scelle", *EDITOR, "--json")
    # The very same request is the very same answer.
    assert again.code == 0
    assert again.json["evidence"] == story[0]["evidence"]
    assert len(town.ask("author", "evidence", "show", story[0]["evidence"])["versions"]) == 2


def test_an_editor_archives(town):
    town.open_dossier("D-archive")
    town.invite("D-archive", "tidy")
    town.seal("tidy", "one", "Analyse\n")
    proof = town.ask("tidy", "deposit", "one.scelle", *EDITOR)["evidence"]
    town.type("tidy", "login", town.server.url, *EDITOR)
    assert town.ask("tidy", "evidence", "archive", proof)["state"] == "archived"
    assert town.ask("tidy", "evidence", "list", "D-archive") == []
    town.type("tidy", "logout")
    assert town.attempt("tidy", "evidence", "list", "D-archive").code == 3


def test_an_editor_with_a_key_of_its_own_gets_a_mandate(town):
    town.open_dossier("D-own", "r1")
    town.type("owner", "keygen", "-o", "own.key", "--no-passphrase")
    town.type(
        "owner",
        "depositor",
        "prove",
        "D-own",
        "--server",
        town.server.url,
        "--identity",
        "own.key",
        "-o",
        "own.proof",
    )
    town.give("owner", "own.key.pub", "portal")
    town.give("owner", "own.proof", "portal")
    added = (
        "depositor",
        "add",
        "D-own",
        "own.key.pub",
        "--proof",
        "own.proof",
        "--type",
        "aipd",
        "--no-replace",
    )
    (given,) = town.ask("portal", *added, "--identity", "my.key")
    assert (given["evidence_types"], given["may_replace"], given["valid"]) == (["aipd"], False, True)
    town.give("admin", "trust.json", "owner")
    town.type("owner", "login", town.server.url, "--identity", "own.key", "--trust", "trust.json")
    assert [item["id"] for item in town.ask("owner", "dossier", "list")] == ["D-own"]
    town.type("portal", "depositor", "remove", "D-own", given["key_id"])
    # Without any mandate the key is nobody's any more.
    assert town.attempt("owner", "dossier", "list").code == 3
