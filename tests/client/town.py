"""Everybody who uses a service, each with a profile and a folder, typing commands in this process."""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import NamedTuple

from client.cli.failure import report
from client.cli.root import scelle

EDITOR = ("--template", "dossier.scelle", "--username", "a.martin", "--password-file", "password.txt")


class Typed(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Town:
    """One server and its people. ``type`` runs a command for somebody and expects it to succeed."""

    def __init__(self, server, folder):
        self.server = server
        self.folder = folder

    def folder_of(self, who):
        path = self.folder / who
        path.mkdir(exist_ok=True)
        return path

    def file(self, who, name, data=None):
        path = self.folder_of(who) / name
        if data is not None:
            path.write_bytes(data)
        return path

    def names(self, who):
        return {path.name for path in self.folder_of(who).iterdir()} - {"profile"}

    def give(self, giver, name, *takers):
        for taker in takers:
            self.file(taker, Path(name).name, self.file(giver, name).read_bytes())

    def attempt(self, who, *arguments):
        """Run a command wherever it leads."""
        out, err = io.StringIO(), io.StringIO()
        before, environment = Path.cwd(), dict(os.environ)
        os.environ.update(SCELLE_HOME=str(self.folder_of(who) / "profile"))
        os.chdir(self.folder_of(who))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    code = scelle.main(list(map(str, arguments)), "scelle", standalone_mode=False)
                except Exception as error:  # noqa: BLE001 - as the command itself does
                    code = report(error)
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)
        return Typed(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())

    def type(self, who, *arguments):
        typed = self.attempt(who, *arguments)
        assert typed.code == 0, (arguments, typed)
        return typed

    def ask(self, who, *arguments):
        return self.type(who, *arguments, "--json").json

    # --- how the town came to be -------------------------------------------------------------------------

    def found(self):
        """Make the authority, an admin with an identity, and whom to trust."""
        self.file("admin", "token", self.server.make_admin("admin").encode())
        self.type("admin", "login", self.server.url, "--token-file", "token")
        self.type("admin", "authority", "create", "-o", "authority.key", "--no-passphrase")
        self.type("admin", "recovery-key", "create", "-o", "recovery.pub", "--out-dir", "shares")
        fingerprint = self.ask("admin", "trust", "show")["server"]
        authority = ("--authority", "authority.key")
        self.type(
            "admin",
            "authority",
            "publish",
            *authority,
            "--recovery",
            "recovery.pub",
            "--fingerprint",
            fingerprint,
        )
        self.type("admin", "trust", "export", "-o", "trust.json")
        code = self.ask("admin", "account", "code", "admin")["enrolment_code"]
        self.enrol("admin", code)
        self.type("admin", "org", "create", "Convergence", "--quota", "5GiB", "--passwords", "strength:1")

    def enrol(self, who, code, use="person"):
        self.file(who, "code", code.encode())
        self.type(who, "keygen", "-o", "my.key", "--use", use, "--no-passphrase")
        enrolled = self.ask(
            who, "enrol", "--server", self.server.url, "--identity", "my.key", "--code-file", "code"
        )
        self.type(
            "admin",
            "habilitate",
            who,
            "--authority",
            "authority.key",
            "--fingerprint",
            enrolled["fingerprint"],
        )

    def admit(self, who, role, *more):
        """Make an account, tie a key to it, habilitate it, and sign it in."""
        made = self.ask("admin", "account", "create", who, "--role", role, *more)
        self.enrol(who, made["enrolment_code"], use="service" if role == "portal" else "person")
        self.give("admin", "trust.json", who)
        self.type(who, "login", self.server.url, "--identity", "my.key", "--trust", "trust.json")

    def open_dossier(self, dossier, *reviewers):
        named = [part for reviewer in reviewers for part in ("--reviewer", reviewer)]
        return self.ask(
            "portal", "dossier", "create", dossier, "--product", "MaSanté", "--admin", "admin", *named
        )

    def invite(self, dossier, editor="editor", *more):
        made = self.ask(
            "portal",
            "template",
            "make",
            dossier,
            "--username",
            "a.martin",
            "--password-out",
            f"{editor}.pw",
            *more,
        )
        self.file(editor, "password.txt", self.file("portal", f"{editor}.pw").read_bytes())
        self.type(editor, "template", "fetch", made["link"], "-o", "dossier.scelle")
        return made

    def seal(self, editor, name, text, *more):
        self.file(editor, f"{name}.txt", text.encode())
        return self.ask(
            editor, "seal", f"{name}.txt", "-o", f"{name}.scelle", "--type", "aipd", *EDITOR, *more
        )
