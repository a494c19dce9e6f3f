"""The integration that a portal team copies, run against a real server."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from client.passwords import read_password
from client.trustfile import read_trust_file
from keys.store import load_identity
from tests.client.serving import Server
from tests.client.town import Town

EXAMPLE = Path(__file__).parents[2] / "examples" / "portal_backend.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("portal_backend", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["portal_backend"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["portal_backend"]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("service") / "data") as server:
        town = Town(server, tmp_path_factory.mktemp("town"))
        town.found()
        town.admit("portal", "portal", "--org", "Convergence")
        town.admit("r1", "reviewer")
        town.admit("gone", "reviewer")
        town.type("admin", "withdraw", "gone", "--authority", "authority.key")
        portal = next(item["id"] for item in town.ask("admin", "account", "list") if item["name"] == "portal")
        town.type("admin", "token", "create", "--account", portal, "--label", "x", "-o", "portal.token")
        town.give("admin", "portal.token", "portal")
        yield town


@pytest.fixture
def portal(town, example):
    trusted = read_trust_file(str(town.file("portal", "trust.json")))
    token = read_password(str(town.file("portal", "portal.token")))
    identity = load_identity(town.file("portal", "my.key"), lambda: None)
    return lambda: example.Portal.connected(trusted, token, identity)


async def elsewhere(work, *arguments):
    """Commands start event loops of their own."""
    await asyncio.to_thread(work, *arguments)


async def test_the_whole_integration(town, portal, capsys):
    async with portal() as platform:
        dossier = await platform.open_dossier("MaSanté", version="3")
        assert "gone is left out" in capsys.readouterr().out
        made = await platform.invite_editor(dossier, "a.martin", "aipd")
        assert made.password not in repr(made)
        town.file("editor", "password.txt", made.password.encode())
        await elsewhere(town.type, "editor", "template", "fetch", made.link, "-o", "dossier.scelle")
        await elsewhere(town.seal, "editor", "aipd", "Analyse\n")
        kept = await platform.deposit_for(made.depositor.key_id, town.file("editor", "aipd.scelle"))
        assert kept.receipt.dossier == dossier
        (version,) = await platform.follow(dossier, "aipd")
        assert version.evidence == kept.receipt.proof
        assert await platform.follow(dossier, "cgu") == []
        await elsewhere(town.seal, "editor", "better", "Analyse, better\n", "--supersedes", version.seal_id)
        better = await platform.deposit_for(
            made.depositor.key_id, town.file("editor", "better.scelle"), replaces=version.evidence
        )
        assert better.version.number == 2
    await elsewhere(town.type, "r1", "evidence", "fetch", version.evidence, "-o", "aipd.scelle")
    await elsewhere(town.type, "r1", "open", "aipd.scelle", "-o", "opened", "--identity", "my.key")
    assert town.file("r1", "opened/better.txt").read_bytes() == b"Analyse, better\n"


async def test_its_own_words(town, example, monkeypatch, capsys):
    files = {name: town.file("portal", file) for name, file in FILES.items()}
    arguments = example.argparse.Namespace(
        **files, product="MonSuivi", editor="b.roy", password_out=town.file("portal", "b.roy.txt")
    )
    await example.main(arguments)
    shown = capsys.readouterr().out
    assert f"{town.server.url}/v1/templates/" in shown
    password = town.file("portal", "b.roy.txt")
    assert password.read_text() not in shown
    assert password.stat().st_mode & 0o077 == 0


FILES = {"trust": "trust.json", "token": "portal.token", "key": "my.key"}
