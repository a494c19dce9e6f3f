"""A server within this process: what its parts do when they are put together wrongly, or fail."""

import io
import json
import logging
import time

import pytest

from client.remote.authority import publish
from client.remote.service import connect
from client.remote.trust import learn
from keys.keyfile import Use
from keys.keyring import Identity
from keys.serverkey import create_server_key
from tests.suites.samples import ManualClock
from vault.journal import Actor, decode_entry
from vault.server import gate
from vault.server.commands.admin import make_admin
from vault.server.commands.records import open_records
from vault.server.commands.serving import serving
from vault.server.commands.style import HostProblem
from vault.server.logs import logger
from vault.server.ports import Origin
from vault.server.services.nextkey import NextKey
from vault.server.services.serverkeys import next_path, read_held
from vault.server.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data", port=0)


@pytest.fixture
def lines():
    return io.StringIO()


async def vouch(settings, lines, clock):
    """Let an authority vouch for the key of a server that is started for that."""
    async with serving(settings, logger(lines), clock=clock) as started:
        async with open_records(settings, clock, upgrading=False) as records:
            made = await make_admin(records, "c.morel", seconds=3600, code_seconds=3600)
        authority, recovery = Identity.generate(Use.AUTHORITY), Identity.generate(Use.RECOVERY)
        async with connect(started.url, token=made.token) as service:
            await publish(service, authority, await learn(service), recovery.public, now=clock.now())


async def test_of_several_keys_that_which_signs_has_to_be_there(settings, lines):
    clock = ManualClock(int(time.time()))
    await vouch(settings, lines, clock)
    path = settings.server_key_path
    following, aside = next_path(path), path.with_name("aside")
    create_server_key(following)
    first, new = read_held(path), read_held(following).identity
    async with open_records(settings, clock, upgrading=False) as records:
        origin = Origin(Actor("host", "uid:0"), "")
        await NextKey(records, clock).announce(first, new, seconds=60, origin=origin)

    async def fingerprint():
        async with serving(settings, logger(lines), clock=clock) as started:
            return started.fingerprint

    following.rename(aside)
    assert await fingerprint() == first.identity.fingerprint
    path.rename(following)
    aside.rename(path)
    # Too early: the next key is here, and so is the present one, beside it.
    assert await fingerprint() == first.identity.fingerprint
    following.rename(aside)
    with pytest.raises(HostProblem, match=first.identity.fingerprint):
        await fingerprint()
    clock.time += 60
    assert await fingerprint() == new.fingerprint
    path.rename(following)
    aside.rename(path)
    assert await fingerprint() == new.fingerprint
    following.rename(aside)
    with pytest.raises(HostProblem, match=new.fingerprint):
        await fingerprint()


async def test_a_key_that_the_authority_does_not_vouch_for_serves_nobody(settings, lines, tmp_path):
    clock = ManualClock(int(time.time()))
    await vouch(settings, lines, clock)
    async with serving(settings, logger(lines), clock=clock):
        pass
    create_server_key(tmp_path / "other.key")
    (tmp_path / "other.key").replace(settings.server_key_path)
    (tmp_path / "other.key.pub").replace(settings.server_key_path.with_suffix(".key.pub"))
    with pytest.raises(HostProblem, match="vouches for another key"):
        async with serving(settings, logger(lines), clock=clock):
            pytest.fail("it serves")


async def test_before_that_every_server_has_the_key_of_the_first(settings, lines, tmp_path):
    async with serving(settings, logger(lines)) as first:
        pass
    create_server_key(tmp_path / "other.key")
    other = Settings(data=settings.data, port=0, server_key_file=tmp_path / "other.key")
    with pytest.raises(HostProblem, match="the same server_key_file"):
        async with serving(other, logger(lines)):
            pytest.fail("it serves")
    settings.server_key_path.rename(tmp_path / "moved.key")
    moved = Settings(data=settings.data, port=0, server_key_file=tmp_path / "moved.key")
    async with serving(moved, logger(lines)) as again:
        assert again.key_id == first.key_id


async def test_a_route_without_a_rule_is_not_served(settings, lines, monkeypatch):
    monkeypatch.delitem(gate.RULES, "journal")
    with pytest.raises(HostProblem, match="there is no rule journal"):
        async with serving(settings, logger(lines)):
            pytest.fail("it serves")
    # Nothing is held on to: the same folder can be served again.
    monkeypatch.undo()
    async with serving(settings, logger(lines)) as started:
        assert started.needs_admin


async def test_what_libraries_log_is_told_without_their_words(settings, lines):
    library = logging.getLogger("library.of.somebody")
    before = logging.getLogger().handlers[:]
    async with serving(settings, logger(lines)):
        library.error("it said %s", "hunter2", exc_info=ValueError("hunter2"))
    assert logging.getLogger().handlers == before
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    (line,) = [line for line in told if line["event"] == "library"]
    assert line["exception"] == ["ValueError"]
    assert "hunter2" not in lines.getvalue()


async def test_every_start_is_in_the_journal(settings, lines):
    clock = ManualClock()
    for _ in range(2):
        async with serving(settings, logger(lines), clock=clock):
            pass
    async with open_records(settings, clock, upgrading=False) as records, records.read() as view:
        entries = await view.journal.entries(0, 10)
    assert len(entries) == 2
    assert all(b'"action":"server.started"' in entry.entry for entry in entries)


async def test_what_a_server_asks_approvals_for_is_in_the_journal_of_its_start(settings):
    for approvals in ("", "reencrypt, erase", ""):
        asking = Settings(data=settings.data, port=0, approvals=approvals)
        async with serving(asking, logger(io.StringIO())) as started, connect(started.url) as service:
            answer = await service.version()
            assert {act.value for act in answer.approvals} == set(approvals.split(", ")) - {""}
    async with open_records(settings, ManualClock(), upgrading=False) as records, records.read() as view:
        rows = await view.journal.entries(0, 10)
    found = [{one.name: one.value for one in decode_entry(row.entry).details} for row in rows]
    assert [details.get("approvals") for details in found] == [None, "erase+reencrypt", None]


async def test_the_log_may_be_for_people(settings):
    lines = io.StringIO()
    async with serving(settings, logger(lines, form="text")):
        pass
    assert "prepared" in lines.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines.getvalue().splitlines()[0])
