"""A commit that goes through although nobody is told: the deposit stays whole, and can be asked for again."""

import asyncio
from contextlib import suppress

import aiohttp
import pytest

from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.server.ports import RecordsUnavailableError
from vault.server.stores.records import store

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("ending", [asyncio.CancelledError(), RecordsUnavailableError("the reply was lost")])
async def test_what_was_committed_keeps_its_bytes(everybody, monkeypatch, ending):
    world, session = everybody.world, everybody.sessions["editor"]
    container = world.seal(everybody.editor.signing, everybody.dossier)
    commit = store._commit

    async def commit_and_fail(connection, handle):
        await commit(connection, handle)
        monkeypatch.undo()
        raise ending

    monkeypatch.setattr(store, "_commit", commit_and_fail)
    with suppress(aiohttp.ClientError):
        lost = await world.deposit(session, everybody.dossier, container)
        assert lost.status == 503
    again = await world.deposit(session, everybody.dossier, container)
    assert (again.status, again.code) == (409, "already_deposited")
    where = {"evidence": again.json["extra"]["evidence"], "number": again.json["extra"]["number"]}
    fetched = await world.ask("fetch_container", where, token=everybody.people["reviewer"].token)
    assert fetched.body == container
