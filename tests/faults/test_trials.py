"""The trials are worth something: each harm done on purpose to a deposit ends in a fault that names it."""

import pytest
import pytest_asyncio
from sqlalchemy import delete, select

from tests.crash.inspection import Kind
from tests.faults import postgres_proxy
from tests.faults.errands import BY_NAME, prepared
from tests.faults.fates import Fate
from tests.faults.trials import Trials
from vault.server.stores.records import schema

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Harmed(Trials):
    """Trials over which, once, something is done behind the back of everybody."""

    harm = None

    async def _attempt(self, made):
        answer = await super()._attempt(made)
        if self.harm is None:
            return answer
        harm, self.harm = self.harm, None
        return await harm(self, made, answer)


async def lose_the_bytes(trials, made, answer):
    """An object is gone that was said to be kept."""
    version = schema.versions.c
    keys = select(version.body_key).where(version.dossier_id == made.dossier.id)
    site = trials._stand.site
    async with site.records() as records, records.read() as view:
        (key,) = (await view.evidence._handle.execute(keys)).scalars().all()
    async with site.store() as store:
        await store.delete(key)
    return answer


async def lose_the_envelope(trials, made, answer):
    """A row is gone of several that belong together."""
    seals = [bytes.fromhex(seal_id) for seal_id in made.sealed]
    async with trials._stand.site.records() as records, records.bookkeeping() as books:
        await books.uploads._handle.execute(delete(schema.heads).where(schema.heads.c.seal_id.in_(seals)))
    return answer


async def do_it_twice(trials, made, answer):
    """Something comes to be that nobody asked for."""
    more = await prepared(BY_NAME["deposit"], made)
    assert (await trials._attempt(more)).status == answer.status
    return answer


async def refuse_what_is_done(_trials, _made, answer):
    """It is answered as if something had been wrong with what was sent."""
    return answer._replace(status=500)


async def complain(trials, _made, answer):
    """The server logs what nobody foresaw."""
    with trials._stand.server.errors.open("a") as file:
        file.write("Traceback (most recent call last):\n")
    return answer


HARMS = {
    lose_the_bytes: (Kind.LOST, "is fetched with"),
    lose_the_envelope: (Kind.LOST, "answered 201, there is"),
    do_it_twice: (Kind.LOST, "answered 201, there is"),
    refuse_what_is_done: (Kind.ANSWER, "answered (500"),
    complain: (Kind.ANSWER, "logged: Traceback"),
}


@pytest_asyncio.fixture(loop_scope="module")
async def trials(stand):
    made = Harmed(stand, "postgresql", BY_NAME["deposit"])
    await made.rehearse()
    return made


async def test_what_is_not_harmed_has_no_fault(trials):
    assert (await trials.run(Fate.SLOW, [1])).faults == []


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
async def test_each_harm_is_named(trials, harm):
    trials.harm = harm
    figures = await trials.run(Fate.SLOW, [1])
    kind, words = HARMS[harm]
    assert [fault for fault in figures.faults if fault.kind is kind and words in fault.what]


async def test_a_database_that_only_says_that_it_commits_is_noticed(trials, monkeypatch):
    """The server believes it, and so acknowledges what nobody keeps."""
    pass_on = postgres_proxy._Session._call

    async def lie(self, call, fate):
        if call.data.endswith(b"COMMIT;\0"):
            call = postgres_proxy.Call("Q", postgres_proxy._query("ROLLBACK"))
        return await pass_on(self, call, fate)

    attempt = Trials._attempt

    async def attempt_on_a_liar(self, made):
        with monkeypatch.context() as patch:
            patch.setattr(postgres_proxy._Session, "_call", lie)
            return await attempt(self, made)

    monkeypatch.setattr(Trials, "_attempt", attempt_on_a_liar)
    figures = await trials.run(Fate.SLOW, [1])
    assert [fault for fault in figures.faults if fault.kind is Kind.LOST and "answered 201" in fault.what]
