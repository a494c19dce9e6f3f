"""Every wrong thing typed has its message and its exit code, and changes nothing."""

import re
import socket

import pytest

from tests.client.town import EDITOR

URL = "{url}"
LOGIN = ("login", URL)
DEPOSIT = ("deposit", "first.scelle")
FINGERPRINT = "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module", autouse=True)
def files(town, deposited):
    """What people have lying about."""
    for who in ("nobody", "admin", "portal", "editor", "r1"):
        town.file(who, "text.txt", b"words\n")
        town.file(who, "photo.jpg", b"\xff\xd8\xff\xe0" + bytes(100))
        town.give("admin", "trust.json", who) if who != "admin" else None
    town.file("nobody", "bad.token", b"scelle_token_nothing\n")
    town.type("nobody", "keygen", "-o", "unknown.key", "--no-passphrase")
    town.type("admin", "authority", "create", "-o", "other.key", "--no-passphrase")
    town.type("editor", "login", town.server.url, *EDITOR)
    town.give("editor", "dossier.scelle", "nobody")
    town.give("editor", "password.txt", "nobody")
    elsewhere = (
        town.file("nobody", "trust.json")
        .read_bytes()
        .replace(town.server.url.encode(), b"https://vault.example.org")
    )
    town.file("nobody", "elsewhere.json", elsewhere)
    town.seal("editor", "next", "Next\n", "--supersedes", deposited["seal_id"])
    town.seal("editor", "plain", "Plain\n")


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    for module in ("trusting", "confirming", "enrol"):
        monkeypatch.setattr(f"client.cli.online.{module}.can_ask", lambda: False)
    monkeypatch.setattr("client.terminal.can_ask", lambda: False)


WRONG = [
    # login
    ("stranger", ("whoami",), 2, "no service is known yet"),
    ("nobody", (*LOGIN,), 2, "say how you sign in"),
    ("nobody", (*LOGIN, "--identity", "a", "--token-file", "b"), 2, "say how you sign in"),
    ("nobody", ("login", "http://vault.example.org", "--token-file", "bad.token"), 2, "without TLS"),
    ("nobody", ("login", "vault.example.org", "--token-file", "bad.token"), 2, "not a service's URL"),
    ("nobody", ("login", "{closed}", "--token-file", "bad.token"), 7, "no connection to 127.0.0.1"),
    ("nobody", (*LOGIN, "--token-file", "nowhere"), 4, "nowhere: there is no such file"),
    ("nobody", (*LOGIN, "--token-file", "bad.token"), 2, "no terminal to ask whom to trust"),
    (
        "nobody",
        (*LOGIN, "--token-file", "bad.token", "--trust", "text.txt"),
        2,
        "not a file that scelle trust export wrote",
    ),
    (
        "nobody",
        (*LOGIN, "--token-file", "bad.token", "--trust", "elsewhere.json"),
        2,
        "whom to trust at https://vault.example.org, not at",
    ),
    ("nobody", (*LOGIN, "--token-file", "bad.token", "--trust", "trust.json"), 3, "[unauthenticated]"),
    ("nobody", (*LOGIN, "--identity", "unknown.key", "--trust", "trust.json"), 3, "[sign_in_failed]"),
    ("nobody", (*LOGIN, "--identity", "text.txt", "--trust", "trust.json"), 1, "chmod 600"),
    ("nobody", (*LOGIN, "--template", "dossier.scelle"), 2, "add --username"),
    (
        "nobody",
        (*LOGIN, "--template", "dossier.scelle", "--username", "a.martin", "--password-file", "text.txt"),
        3,
        "[no_access]",
    ),
    ("nobody", ("whoami",), 2, "no service is known yet"),
    ("nobody", ("whoami", "--server", URL), 3, "nobody is signed in"),
    ("nobody", ("trust", "show", "--server", "https://vault.example.org"), 3, "nobody is trusted"),
    # enrolment and habilitation
    ("nobody", ("enrol", "--server", URL, "--identity", "unknown.key", "--code", "x" * 22), 4, "[not_found]"),
    ("nobody", ("enrol", "--server", URL, "--identity", "unknown.key", "--code", "short"), 2, "code"),
    ("nobody", ("enrol", "--server", URL, "--identity", "unknown.key"), 2, "no terminal to ask for the code"),
    (
        "nobody",
        ("enrol", "--server", URL, "--identity", "unknown.key", "--code", "x", "--code-file", "y"),
        2,
        "exclude each other",
    ),
    ("admin", ("habilitate", "nobody", "--authority", "authority.key"), 4, "nobody here is called nobody"),
    ("admin", ("habilitate", "r1", "--authority", "authority.key"), 2, "no terminal to compare"),
    (
        "admin",
        ("habilitate", "r1", "--authority", "authority.key", "--fingerprint", FINGERPRINT),
        3,
        "has another fingerprint",
    ),
    (
        "admin",
        ("habilitate", "r1", "--authority", "other.key", "--fingerprint", "{r1}"),
        2,
        "not the authority that you trust",
    ),
    (
        "admin",
        ("habilitate", "r1", "--authority", "my.key", "--fingerprint", "{r1}"),
        2,
        "made for another use",
    ),
    ("r1", ("habilitate", "r2", "--authority", "text.txt"), 3, "[forbidden]"),
    (
        "admin",
        (
            "authority",
            "publish",
            "--authority",
            "authority.key",
            "--recovery",
            "my.key.pub",
            "--fingerprint",
            "x",
        ),
        2,
        "made for another use",
    ),
    (
        "admin",
        (
            "authority",
            "publish",
            "--authority",
            "authority.key",
            "--recovery",
            "recovery.pub",
            "--fingerprint",
            "{server}",
        ),
        6,
        "[already_exists]",
    ),
    ("admin", ("authority", "create", "-o", "authority.key", "--no-passphrase"), 6, "exists already"),
    # accounts, organisations, tokens
    ("portal", ("dossier", "create", "--product", "", "--admin", "admin"), 2, "cannot be used as product"),
    ("admin", ("account", "create", "x", "--role", "portal"), 2, "--org goes with --role portal"),
    ("admin", ("account", "create", "x", "--role", "reviewer", "--org", "Convergence"), 2, "--org goes with"),
    (
        "admin",
        ("account", "create", "x", "--role", "portal", "--org", "Nowhere"),
        4,
        "nobody here is called Nowhere",
    ),
    ("admin", ("account", "create", "x", "--role", "king"), 2, "king"),
    ("admin", ("account", "create", "x\x1b[31m", "--role", "reviewer"), 2, "cannot be used as name"),
    ("admin", ("account", "disable", "0" * 32), 4, "[not_found]"),
    ("admin", ("account", "disable", "admin"), 2, "[invalid_request]"),
    ("admin", ("org", "create", ""), 2, "cannot be used as name"),
    ("admin", ("org", "create", "x", "--quota", "much"), 2, "is no size"),
    ("admin", ("org", "set", "Convergence"), 2, "say what to change"),
    ("portal", ("org", "list"), 3, "[forbidden]"),
    ("admin", ("token", "create", "--label", "x", "-o", "text.txt"), 6, "exists already"),
    ("admin", ("token", "create", "--label", "x", "--days", "0"), 2, "0"),
    ("admin", ("token", "revoke", "../accounts"), 4, "[not_found]"),
    # dossiers
    ("portal", ("dossier", "create", "--product", "x"), 2, "at least one admin"),
    ("portal", ("dossier", "create", "D 1", "--product", "x", "--admin", "admin"), 2, "a dossier's id has"),
    (
        "portal",
        ("dossier", "create", "..", "--product", "x", "--admin", "admin"),
        2,
        "cannot be a dossier's id",
    ),
    ("portal", ("dossier", "create", "D-1", "--product", "x", "--admin", "admin"), 6, "[already_exists]"),
    ("portal", ("dossier", "create", "--product", "x", "--admin", "r1"), 2, "at least one admin"),
    (
        "portal",
        ("dossier", "create", "--product", "x", "--admin", "nobody"),
        4,
        "nobody here is called nobody",
    ),
    ("admin", ("dossier", "create", "--product", "x", "--admin", "admin"), 2, "[invalid_request]"),
    ("r1", ("dossier", "create", "--product", "x", "--admin", "admin"), 4, "nobody here is called admin"),
    ("portal", ("dossier", "close", "D-1"), 3, "[forbidden]"),
    ("portal", ("dossier", "show", "D-nowhere"), 4, "[not_found]"),
    ("r2", ("dossier", "show", "D-1"), 4, "[not_found]"),
    ("portal", ("depositor", "add", "D-1", "text.txt", "--proof", "text.txt"), 1, "not a Scellé key file"),
    ("portal", ("depositor", "add", "D-1", "my.key.pub", "--proof", "text.txt"), 2, "not a proof"),
    # templates
    ("portal", ("template", "make", "D-1", "--username", "é"), 2, "a user name has"),
    ("portal", ("template", "make", "D-1", "--username", "a", "--type", "A B"), 2, "a kind of evidence has"),
    (
        "portal",
        ("template", "make", "D-1", "--username", "a", "--password-out", "text.txt"),
        6,
        "exists already",
    ),
    ("portal", ("template", "make", "D-nowhere", "--username", "a"), 4, "[not_found]"),
    ("portal", ("template", "withdraw", "D-1", "0" * 32), 4, "[not_found]"),
    ("nobody", ("template", "fetch", URL, "-o", "t.scelle"), 2, "not a template's link"),
    ("nobody", ("template", "fetch", URL + "/v1/templates/" + "x" * 22, "-o", "t.scelle"), 4, "[not_found]"),
    ("nobody", ("template", "fetch", URL + "/v1/templates/x", "-o", "text.txt"), 6, "exists already"),
    # deposits
    ("editor", ("deposit", "nowhere.scelle"), 4, "nowhere.scelle: there is no such file"),
    ("editor", ("deposit", "photo.jpg"), 5, "[malformed]"),
    ("editor", ("deposit", "dossier.scelle"), 2, "a template is not deposited"),
    ("editor", (*DEPOSIT, "--template", "dossier.scelle"), 2, "add --username"),
    ("editor", (*DEPOSIT, *EDITOR, "--identity", "x"), 2, "exclude each other"),
    ("editor", (*DEPOSIT, *EDITOR[:4], "--password-file", "text.txt"), 3, "[no_access]"),
    ("editor", (*DEPOSIT, "--receipt-out", "first.receipt"), 6, "exists already"),
    ("editor", (*DEPOSIT, "--replaces", "text.txt"), 2, "not a receipt"),
    ("editor", (*DEPOSIT, "--replaces", "0" * 64), 4, "no deposit with the seal id"),
    ("editor", (*DEPOSIT, "--replaces", "{proof}"), 2, "does not say what it replaces"),
    ("portal", ("evidence", "list", "D-1", "--acting-for", "é"), 2, "no key id"),
    ("editor", ("deposit", "next.scelle"), 2, "--replaces PROOF"),
    ("editor", ("deposit", "next.scelle", "--replaces", "0" * 32), 4, "[not_found]"),
    ("nobody", ("deposit", "dossier.scelle", "--server", URL), 3, "nobody is signed in"),
    ("r1", ("deposit", "{editor}/plain.scelle"), 3, "[forbidden]"),
    # evidence, receipts, journal
    ("r1", ("evidence", "fetch", "0" * 32, "-o", "x.scelle"), 4, "[not_found]"),
    ("r1", ("evidence", "fetch", "nonsense", "-o", "x.scelle"), 4, "[not_found]"),
    ("r1", ("evidence", "fetch", "{proof}", "--version", "9", "-o", "x.scelle"), 4, "no version 9"),
    ("r1", ("evidence", "fetch", "{proof}", "-o", "text.txt"), 6, "exists already"),
    ("r1", ("evidence", "list", "D-1", "--state", "lost"), 2, "lost"),
    ("r1", ("evidence", "list", "D-1", "--type", "A"), 2, "cannot be used as type"),
    ("r1", ("evidence", "archive", "{proof}"), 3, "[forbidden]"),
    ("r1", ("evidence", "opened", "{editor}/plain.scelle"), 4, "was not fetched"),
    ("r1", ("evidence", "opened", "photo.jpg"), 5, "[malformed]"),
    ("portal", ("evidence", "archive", "{proof}"), 3, "[forbidden]"),
    ("editor", ("receipt", "verify", "text.txt"), 2, "not a receipt"),
    ("editor", ("receipt", "verify", "first.receipt", "plain.scelle"), 5, "[mismatch]"),
    ("editor", ("receipt", "verify", "first.receipt", "--trust", "photo.jpg"), 2, "trust export"),
    ("editor", ("receipt", "fetch", "{proof}", "-o", "first.receipt"), 6, "exists already"),
    ("portal", ("journal", "verify"), 3, "[forbidden]"),
    ("portal", ("grant", "list", "D-1"), 3, "[forbidden]"),
]


@pytest.mark.parametrize(
    ("who", "arguments", "code", "message"), WRONG, ids=[f"{case[0]}: {' '.join(case[1])}" for case in WRONG]
)
def test_what_is_wrong_is_said(town, deposited, *, who, arguments, code, message):
    values = {
        "url": town.server.url,
        "closed": f"http://127.0.0.1:{closed_port()}",
        "proof": deposited["evidence"],
        "editor": str(town.folder_of("editor")),
    }
    if "{r1}" in arguments:
        listed = town.ask("admin", "account", "list")
        values["r1"] = next(item["fingerprint"] for item in listed if item["name"] == "r1")
    if "{server}" in arguments:
        values["server"] = town.ask("admin", "trust", "show")["server"]
    typed = [argument.format(**values) if "{" in argument else argument for argument in arguments]
    before = town.names(who)
    done = town.attempt(who, *typed)
    assert done.code == code, done
    assert re.search(re.escape(message), done.err), done
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert town.names(who) == before


def test_nothing_of_this_changed_anything(town, deposited):
    (listed,) = town.ask("editor", "evidence", "list", "D-1")
    assert listed["evidence"] == deposited["evidence"]
    assert listed["number"] == 1


def test_a_key_of_the_wrong_kind_is_named_and_the_code_stays_good(town):
    made = town.ask("admin", "account", "create", "p-kind", "--role", "portal", "--org", "Convergence")
    town.file("p-kind", "code", made["enrolment_code"].encode())
    town.type("p-kind", "keygen", "-o", "person.key", "--no-passphrase")
    town.type("p-kind", "keygen", "-o", "portal.key", "--no-passphrase", "--use", "service")
    typed = ("enrol", "--server", town.server.url, "--code-file", "code", "--identity")
    refused = town.attempt("p-kind", *typed, "person.key")
    assert refused.code == 2
    assert "person.key: not the kind of key" in refused.err
    assert "scelle keygen --use service" in refused.err
    assert town.type("p-kind", *typed, "portal.key").code == 0
