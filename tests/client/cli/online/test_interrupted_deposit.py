"""A command that deposits a large container is killed; another one goes on, also elsewhere and later."""

import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.client.serving import Server
from tests.client.town import EDITOR, Town
from tests.exchange.engines import engine, settings_of  # noqa: F401 - both engines
from tests.line import Hold, Line
from vault.container.layout import parse_preamble

MIB = 1024 * 1024
PART = 8 * MIB
SCELLE = Path(sys.executable).with_name("scelle")


class Far:
    """A service at the end of a line, which can be started anew, and who uses it."""

    def __init__(self, folder, settings, stack):
        self._folder = folder
        self._settings = settings
        self._stack = stack
        self.line = stack.enter_context(Line())
        self._running = stack.enter_context(ExitStack())
        self.server = self._start()
        self.town = Town(self.server, folder)

    def _start(self):
        return self._running.enter_context(Server(self._folder / "data", line=self.line, **self._settings))

    def restart(self):
        self._running.close()
        self.server = self.town.server = self._start()

    def seal(self, name):
        """Let the editor seal something that goes in parts, and return how many."""
        town, text = self.town, f"{name}.txt"
        town.file("editor", text, random.Random(name).randbytes(65 * MIB))  # noqa: S311 - any bytes will do
        town.type("editor", "seal", text, "-o", f"{name}.scelle", "--type", "aipd", "--any-content", *EDITOR)
        town.file("editor", text).unlink()
        with town.file("editor", f"{name}.scelle").open("rb") as file:
            return -(-parse_preamble(file.read(22)).payload_length // PART)

    def kill_in_part(self, number, name, parts):
        """Kill a command that deposits ``name`` when all but one of its parts have arrived."""
        folder = self.town.folder_of("editor")
        path = f"/parts/{number}"
        self.line.passed.clear()
        self.line.once(lambda message: not message.answers and message.path.endswith(path), Hold(MIB))
        process = subprocess.Popen(  # noqa: S603 - our own command
            [SCELLE, "deposit", f"{name}.scelle", *EDITOR],
            cwd=folder,
            env={**os.environ, "SCELLE_HOME": str(folder / "profile")},
            stderr=subprocess.DEVNULL,
        )
        try:
            while len(self.sent(answers=True)) < parts - 1:
                assert process.poll() is None
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()

    def sent(self, *, answers=False):
        """Return the paths of parts that were sent, or of those that were taken."""
        return [
            message.path
            for message in self.line.passed
            if message.answers == answers and "/parts/" in message.path and message.length
        ]

    def require_same(self, deposited, name):
        path = f"{name}.back"
        self.town.type("r1", "evidence", "fetch", deposited["evidence"], "-o", path)
        fetched = self.town.file("r1", path)
        assert fetched.read_bytes() == self.town.file("editor", f"{name}.scelle").read_bytes()
        fetched.unlink()


@pytest.fixture(scope="module")
def far(request, tmp_path_factory, engine):  # noqa: F811 - the one that was imported
    with ExitStack() as stack:
        settings = stack.enter_context(settings_of(request, engine)) | {"upload_part_bytes": PART}
        far = Far(tmp_path_factory.mktemp("far"), settings, stack)
        town = far.town
        town.found()
        town.type("admin", "login", town.server.url, "--identity", "my.key")
        town.admit("portal", "portal", "--org", "Convergence")
        town.admit("r1", "reviewer")
        town.open_dossier("D-1", "r1")
        town.invite("D-1")
        yield far


def test_another_machine_goes_on_after_a_kill_and_a_restart(far):
    town, parts = far.town, far.seal("one")
    far.kill_in_part(5, "one", parts)
    far.restart()
    town.give("editor", "one.scelle", "laptop")
    town.give("editor", "dossier.scelle", "laptop")
    town.give("editor", "password.txt", "laptop")
    far.line.passed.clear()
    arguments = ("deposit", "one.scelle", "--resume", "--server", town.server.url, *EDITOR, "--json")
    done = town.type("laptop", *arguments)
    assert f"going on with an upload begun earlier: {parts - 1} of {parts} parts are there" in done.err
    (sent,) = far.sent()
    assert sent.endswith("/parts/5")
    far.require_same(done.json, "one")
    # What is done is done: there is a receipt, and nothing to go on with.
    again = town.type("laptop", *arguments)
    assert again.json == done.json


def test_the_same_command_typed_again_goes_on_too(far):
    parts = far.seal("two")
    far.kill_in_part(2, "two", parts)
    far.line.passed.clear()
    done = far.town.type("editor", "deposit", "two.scelle", *EDITOR, "--json")
    assert f"{parts - 1} of {parts} parts are there" in done.err
    assert len(far.sent()) == 1
    far.require_same(done.json, "two")


def test_what_was_never_begun_is_not_gone_on_with(far):
    far.seal("three")
    far.line.passed.clear()
    refused = far.town.attempt("editor", "deposit", "three.scelle", "--resume", *EDITOR)
    assert refused.code == 4
    assert "deposit it without --resume" in refused.err
    assert far.sent() == []


def test_what_is_damaged_is_refused_before_it_is_announced(far):
    far.seal("four")
    path = far.town.file("editor", "four.scelle")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    far.line.passed.clear()
    refused = far.town.attempt("editor", "deposit", "four.scelle", *EDITOR)
    assert refused.code == 5
    assert "[payload_damaged]" in refused.err
    assert [message for message in far.line.passed if message.path.endswith("/uploads")] == []


def test_one_large_container_replaces_another(far):
    town, parts = far.town, far.seal("five")
    first = town.ask("editor", "deposit", "five.scelle", *EDITOR, "--receipt-out", "five.receipt")
    town.file("editor", "six.txt", bytes(65 * MIB))
    sealing = ("seal", "six.txt", "-o", "six.scelle", "--type", "aipd", "--any-content")
    town.type("editor", *sealing, "--supersedes", "five.receipt", *EDITOR)
    far.line.passed.clear()
    second = town.ask("editor", "deposit", "six.scelle", "--replaces", "five.receipt", *EDITOR)
    assert (second["evidence"], second["supersedes"]) == (first["evidence"], first["seal_id"])
    assert len(far.sent()) == parts
    far.require_same(second, "six")


def test_what_did_not_finish_can_be_given_up(far):
    parts = far.seal("seven")
    far.kill_in_part(3, "seven", parts)
    told = far.town.type("editor", "deposit", "seven.scelle", "--abandon", *EDITOR)
    assert "the service has forgotten its parts" in told.err
    refused = far.town.attempt("editor", "deposit", "seven.scelle", "--resume", *EDITOR)
    assert refused.code == 4
    assert far.town.attempt("editor", "deposit", "seven.scelle", "--abandon", *EDITOR).code == 4
    both = far.town.attempt("editor", "deposit", "seven.scelle", "--abandon", "--resume", *EDITOR)
    assert both.code == 2
