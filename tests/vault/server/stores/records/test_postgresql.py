"""What only PostgreSQL has: a server that ends, hangs or is restarted, and others at the same rows."""

import asyncio
from hashlib import sha256

import pytest
from sqlalchemy import event, exc, text

from tests.suites.records_law import journal, organisations
from tests.suites.samples import ORIGIN, add_organisation, change, digest
from vault.journal import Action
from vault.server.ports import RecordsUnavailableError
from vault.server.stores.records import postgresql as module
from vault.server.stores.records import schema
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.store import SqlRecords


@pytest.fixture
async def opened(clock):
    """Open records by URL; all are closed in the end."""
    found = []

    def open_one(url) -> SqlRecords:
        found.append(SqlRecords(open_engine(url), clock))
        return found[-1]

    yield open_one
    for one in found:
        await one.close()


@pytest.fixture
def url(postgres, postgres_database):
    return postgres.url(postgres_database)


async def settings_of(engine, *names) -> list[str]:
    async with engine.connect() as connection:
        return [(await connection.exec_driver_sql(f"SHOW {name}")).scalar() for name in names]


@pytest.mark.parametrize(("theirs", "ours"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
async def test_every_connection_is_durable_and_waits_for_nothing_for_ever(
    postgres, postgres_database, url, theirs, ours
):
    postgres.ask(postgres_database, f"ALTER DATABASE {postgres_database} SET synchronous_commit = {theirs}")
    names = ("synchronous_commit", "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    engine = open_engine(url)
    assert await settings_of(engine, *names) == [ours, "30s", "40s", "1min"]
    await engine.dispose()
    patient = open_engine(url, patient=True)
    assert await settings_of(patient, *names) == [ours, "1h", "0", "1min"]
    await patient.dispose()
    postgres.ask(postgres_database, f"ALTER DATABASE {postgres_database} RESET synchronous_commit")


async def test_a_reader_cannot_write(opened, url):
    async with opened(url).read() as view:
        statement = schema.facts.insert().values(name="n", value=b"", position=0, created_at=0)
        with pytest.raises(RecordsUnavailableError):
            await view.organisations._handle.execute(statement)


# --- a database that ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_a_restarted_database_is_used_again_at_once(postgres, opened, url, how):
    records = opened(url)
    await asyncio.gather(*(organisations(records) for _ in range(6)))
    made = await change(records, add_organisation)
    for act in ("read", "change", "bookkeeping", "check"):
        if how == "kill":
            postgres.kill()
            postgres.start()
        else:
            postgres.restart()
        if act == "read":
            assert await organisations(records) == {made.id}
        elif act == "change":
            await change(records, add_organisation)
        elif act == "bookkeeping":
            async with records.bookkeeping() as books:
                await books.failures.add(digest(), now=0, window=1)
        else:
            await records.check()
    assert len(await organisations(records)) == len(await journal(records)) == 2


async def test_while_it_is_down_it_is_unavailable(postgres, opened, url):
    records = opened(url)
    await change(records, add_organisation)
    postgres.stop()
    for act in (lambda: change(records, add_organisation), lambda: organisations(records), records.check):
        with pytest.raises(RecordsUnavailableError) as caught:
            await act()
        assert str(postgres.folder) not in str(caught.value)
    postgres.start()
    assert len(await organisations(records)) == 1
    await change(records, add_organisation)


@pytest.mark.parametrize("moment", ["statement", "commit"])
async def test_what_is_cut_off_in_the_middle_did_not_happen(postgres, opened, url, moment):
    records, asked = opened(url), 0

    async def cut(tx):
        nonlocal asked
        asked += 1
        await tx.record(Action.ORGANISATION_CREATED)
        await add_organisation(tx)
        postgres.kill()
        postgres.start()
        if moment == "statement":
            await add_organisation(tx)

    with pytest.raises(RecordsUnavailableError):
        async with records.change(ORIGIN) as tx:
            await cut(tx)
    assert asked == 1
    assert await organisations(records) == set()
    assert await journal(records) == []
    await change(records, add_organisation)


@pytest.mark.parametrize("act", ["read", "change"])
async def test_a_session_that_the_operator_ends(postgres, postgres_database, opened, url, act):
    records = opened(url)
    await change(records, add_organisation)
    everybody = (
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE usename IS NOT NULL"
    )
    others = f"{everybody} AND pid <> pg_backend_pid() AND datname = current_database()"
    assert postgres.ask(postgres_database, others) == "1"
    assert len(await organisations(records)) == 1

    async def be_cut_off():
        async with records.read() if act == "read" else records.change(ORIGIN) as tx:
            assert postgres.ask(postgres_database, others) == "1"
            await tx.organisations.list()

    with pytest.raises(RecordsUnavailableError):
        await be_cut_off()
    await change(records, add_organisation)


async def test_a_view_that_was_read_needs_no_proper_goodbye(postgres, opened, url):
    records = opened(url)
    async with records.read() as view:
        found = (await view.organisations.list()).items
        postgres.restart()
    assert found == ()
    assert await organisations(records) == set()


async def test_a_database_that_is_not_there_or_not_ours(postgres, opened, url):
    right = postgres.url("postgres", tcp=True)
    for wrong in (right.replace(postgres.password, "hunter2"), postgres.url("hunter2")):
        with pytest.raises(RecordsUnavailableError) as caught:
            await opened(wrong).check()
        assert "hunter2" not in str(caught.value)
    with pytest.raises(RecordsUnavailableError, match="schema"):
        await opened(right).check()
    with pytest.raises(RecordsUnavailableError):
        await organisations(opened(right))


# --- a database, or another server, that hangs ------------------------------------------------------------


@pytest.mark.parametrize("connected", [True, False])
async def test_a_database_that_hangs_is_given_up(postgres, opened, url, monkeypatch, connected):
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    records = opened(url)
    if connected:
        await change(records, add_organisation)
    postgres.pause()
    try:
        with pytest.raises(RecordsUnavailableError):
            await change(records, add_organisation)
        with pytest.raises(RecordsUnavailableError):
            await organisations(records)
        await records.close()
    finally:
        postgres.resume()
    monkeypatch.undo()
    again = opened(url)
    await change(again, add_organisation)
    assert len(await organisations(again)) == len(await journal(again)) == 1 + connected


async def test_it_is_found_again_by_the_same_server_after_hanging(postgres, opened, url, monkeypatch):
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)
    records = opened(url)
    await change(records, add_organisation)
    postgres.pause()
    try:
        with pytest.raises(RecordsUnavailableError):
            await change(records, add_organisation)
    finally:
        postgres.resume()
    await change(records, add_organisation)
    assert len(await organisations(records)) == len(await journal(records)) == 2


async def test_another_server_that_hangs_is_waited_for_no_longer_than_it_may(opened, url, monkeypatch):
    hanging = opened(url)
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)
    records = opened(url)
    async with hanging.change(ORIGIN) as tx:
        await add_organisation(tx)
        await tx.record(Action.ORGANISATION_CREATED)
        with pytest.raises(RecordsUnavailableError):
            await change(records, add_organisation)
        assert await organisations(records) == set(), "readers do not wait"
    assert len(await organisations(records)) == 1


async def test_a_server_that_hangs_in_a_change_loses_it(opened, url, monkeypatch):
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.2)
    hanging = opened(url)
    monkeypatch.undo()
    records = opened(url)

    async def hang():
        async with hanging.change(ORIGIN) as tx:
            await add_organisation(tx)
            await tx.record(Action.ORGANISATION_CREATED)
            made.append(await change(records, add_organisation))

    made = []
    with pytest.raises(RecordsUnavailableError):
        await hang()
    assert await organisations(records) == {made[0].id}
    assert len(await journal(records)) == 1


@pytest.mark.parametrize("state", ["40001", "40P01", "53300", "57014", "XX000"])
async def test_every_failure_is_typed_and_undoes_all(opened, url, state):
    records = opened(url)
    failing = text(f"DO $$ BEGIN RAISE EXCEPTION 'hunter2' USING ERRCODE = '{state}'; END $$")

    async def fail(tx):
        await add_organisation(tx)
        await tx.organisations._handle.execute(failing)

    with pytest.raises(RecordsUnavailableError) as caught:
        await change(records, fail)
    assert "hunter2" not in str(caught.value)
    assert await organisations(records) == set()
    await change(records, add_organisation)


# --- how it is reached ------------------------------------------------------------------------------------


async def test_the_urls_that_operators_know(postgres, postgres_database, opened):
    plain = postgres.url(postgres_database, tcp=True).replace("+asyncpg", "")
    for good in (plain, f"{plain}?sslmode=disable", f"{plain}?sslmode=prefer&target_session_attrs=primary"):
        await opened(good).check()
    # This server has no TLS: whoever asks for it is not served without.
    for secure in ("sslmode=require", "ssl=require"):
        with pytest.raises(RecordsUnavailableError):
            await opened(f"{plain}?{secure}").check()


async def test_a_url_with_something_unknown_is_refused(postgres):
    with pytest.raises(exc.ArgumentError) as caught:
        open_engine("postgresql://u:hunter2@h/d?colour=hunter2")
    assert "hunter2" not in str(caught.value)


# --- an index for every page ------------------------------------------------------------------------------

MANY = """
SET session_replication_role = replica;
INSERT INTO versions (seal_id, proof_id, number, dossier_id, evidence_type, state, signer, actor, sealed_at,
    generation, envelope_digest, dossier_generation, head_size, body_key, body_size, position, created_at,
    place)
SELECT sha256(('s' || n)::bytea), 'p' || n, 1, 'd' || n % 100, 'type' || n % 3, 'active',
    sha256(('k' || n % 9)::bytea), 'a', 0, 1, sha256('e'), 1, 1, 'b' || n, 1, 1000 + n, 0, 1000 + n
FROM generate_series(1, 20000) n;
ANALYZE versions;
"""


@pytest.fixture(scope="module")
def filled(postgres):
    """A database with thousands of proofs."""
    name = postgres.new_database()
    postgres.ask(name, MANY)
    yield name
    postgres.drop(name)


@pytest.mark.parametrize(
    ("conditions", "index"),
    [
        ({"evidence_type": "type1"}, "ix_versions_listed "),
        ({}, "ix_versions_listed_all "),
        ({"signers": {sha256(b"k1").digest()}}, "ix_versions_signed "),
    ],
)
async def test_an_index_serves_every_page_without_sorting(postgres, filled, clock, conditions, index):
    engine = open_engine(postgres.url(filled))
    records = SqlRecords(engine, clock)
    async with records.read() as view:
        cursor = (await view.evidence.list("d1", state="active", limit=10, **conditions)).next
    sent = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: sent.append(call[2:4]))
    async with records.read() as view:
        await view.evidence.list("d1", state="active", cursor=cursor, limit=10, **conditions)
    ((statement, values),) = [one for one in sent if one[0].startswith("SELECT versions")]
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        plan = " | ".join(row[0].strip() for row in rows)
    await records.close()
    assert f"Index Scan Backward using {index}" in plan, plan
    # Places are unique: where the index has put them in order, the tie that comes after has nothing to do.
    assert "->  Sort" not in plan, plan
