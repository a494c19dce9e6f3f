"""A command that fetches is killed; the next one goes on."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.client.serving import Server
from tests.client.town import EDITOR, Town
from tests.line import Hold, Line

MIB = 1024 * 1024
SCELLE = Path(sys.executable).with_name("scelle")


@pytest.fixture(scope="module")
def line():
    with Line() as line:
        yield line


@pytest.fixture(scope="module")
def proof(line, tmp_path_factory):
    """A proof of some MiB, at a service at the end of a line, and a reviewer who may fetch it."""
    folder = tmp_path_factory.mktemp("far")
    with Server(folder / "data", line=line) as server:
        town = Town(server, folder)
        town.found()
        town.type("admin", "login", server.url, "--identity", "my.key")
        town.admit("portal", "portal", "--org", "Convergence")
        town.admit("r1", "reviewer")
        town.open_dossier("D-1", "r1")
        town.invite("D-1")
        town.file("editor", "log.txt", random.Random(3).randbytes(3 * MIB))  # noqa: S311 - any bytes will do
        sealing = ("seal", "log.txt", "-o", "log.scelle", "--type", "aipd", "--any-content")
        town.type("editor", *sealing, *EDITOR)
        yield town, town.ask("editor", "deposit", "log.scelle", *EDITOR)["evidence"]


@pytest.fixture
def killed(proof, line):
    """Kill a command that fetches ``name`` when 2 MiB and a little have come."""

    def kill(name):
        town, evidence = proof
        folder = town.folder_of("r1")
        line.rule = lambda message: Hold(2 * MIB + 400_000) if message.path.endswith("/container") else None
        process = subprocess.Popen(  # noqa: S603 - our own command
            [SCELLE, "evidence", "fetch", evidence, "-o", name],
            cwd=folder,
            env={**os.environ, "SCELLE_HOME": str(folder / "profile")},
            stderr=subprocess.DEVNULL,
        )
        try:
            assert line.holding.wait(60)
            part = folder / f"{name}.part"
            while not part.exists() or part.stat().st_size < 2 * MIB:
                assert process.poll() is None
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
            line.rule = lambda _message: None
        return part

    return kill


def test_what_a_killed_command_left_is_taken_up(proof, killed):
    town, evidence = proof
    part = killed("log.scelle")
    refused = town.attempt("r1", "evidence", "fetch", evidence, "-o", "log.scelle")
    assert refused.code == 6
    assert "log.scelle.part" in refused.err
    assert "add --resume" in refused.err
    assert not town.file("r1", "log.scelle").exists()
    done = town.type("r1", "evidence", "fetch", evidence, "-o", "log.scelle", "--resume")
    assert "going on with an earlier download: 2.0 MiB are there and good" in done.err
    assert town.file("r1", "log.scelle").read_bytes() == town.file("editor", "log.scelle").read_bytes()
    assert not part.exists()
    town.type("r1", "open", "log.scelle", "-o", "opened", "--identity", "my.key")
    assert town.file("r1", "opened/log.txt").read_bytes() == town.file("editor", "log.txt").read_bytes()


def test_with_nothing_left_it_begins(proof):
    town, evidence = proof
    done = town.type("r1", "evidence", "fetch", evidence, "-o", "whole.scelle", "--resume")
    assert "from the beginning" in done.err
    assert town.file("r1", "whole.scelle").read_bytes() == town.file("editor", "log.scelle").read_bytes()


def test_what_belongs_to_something_else_begins_again(proof):
    town, evidence = proof
    town.file("r1", "other.scelle.part", b"no container at all, but somebody said so")
    done = town.type("r1", "evidence", "fetch", evidence, "-o", "other.scelle", "--resume")
    assert "does not belong to this container" in done.err
    assert town.file("r1", "other.scelle").read_bytes() == town.file("editor", "log.scelle").read_bytes()
