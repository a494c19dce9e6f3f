"""The law of the records: a change and its one journal entry commit together, or neither did happen.

A test module subclasses the suites of ``records_*`` and gives them ``clock`` and ``open_records``: each
call opens one more `Records` over the same database, as another server process would.
"""

import asyncio

import pytest

from keys.errors import MalformedError
from tests.suites.samples import NOW, ORIGIN, add_account, add_organisation, change, digest
from vault.journal import Action, Actor, Fact, Subject, decode_entry, verify_entries
from vault.merkle import consistency_proof, leaf_hash, verify_consistency
from vault.server.ports import AlreadyExistsError, RecordsUnavailableError, UnrecordedChangeError


async def organisations(records) -> set[str]:
    async with records.read() as view:
        return {one.id for one in (await view.organisations.list(limit=200)).items}


async def attempt(records, act) -> None:
    """Run ``act`` as a change of its own; it writes its entry itself."""
    async with records.change(ORIGIN) as tx:
        await act(tx)


async def journal(records) -> list[bytes]:
    async with records.read() as view:
        return [row.entry for row in await view.journal.entries(0, 10_000)]


class LawSuite:
    async def test_a_new_journal_is_empty(self, records) -> None:
        async with records.read() as view:
            assert (await view.journal.checkpoint()).size == 0
            assert await view.journal.entries(0, 10) == ()
        assert verify_entries([], []).size == 0

    async def test_a_change_and_its_entry_commit_together(self, records, clock) -> None:
        async with records.change(ORIGIN) as tx:
            made = await add_organisation(tx)
            recorded = await tx.record(
                Action.ORGANISATION_CREATED, [Subject("organisation", made.id)], {Fact.QUOTA: 5}
            )
            assert (tx.position, tx.now) == (0, NOW)
        assert await organisations(records) == {made.id}
        assert (made.position, made.created_at) == (recorded.position, recorded.time) == (0, NOW)
        (stored,) = await journal(records)
        assert stored == recorded.entry
        assert recorded.leaf == leaf_hash(stored)
        entry = decode_entry(stored)
        assert entry.actor == Actor("account", "0" * 32)
        assert entry.action == "organisation.created"
        assert entry.subjects == (Subject("organisation", made.id),)
        assert [tuple(detail) for detail in entry.details] == [("quota", "5")]
        assert (entry.time, entry.request) == (NOW, "request-1")

    async def test_a_change_without_an_entry_is_not_committed(self, records) -> None:
        with pytest.raises(UnrecordedChangeError):
            await attempt(records, add_organisation)
        assert await organisations(records) == set()
        assert await journal(records) == []

    async def test_a_change_with_two_entries_is_not_committed(self, records) -> None:
        async def act(tx) -> None:
            await add_organisation(tx)
            await tx.record(Action.ORGANISATION_CREATED)
            await tx.record(Action.ORGANISATION_CREATED)

        with pytest.raises(UnrecordedChangeError):
            await attempt(records, act)
        assert await organisations(records) == set()
        assert await journal(records) == []

    async def test_an_entry_alone_is_a_change(self, records) -> None:
        async with records.change(ORIGIN) as tx:
            await tx.record(Action.EVIDENCE_FETCHED)
        assert len(await journal(records)) == 1

    @pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), asyncio.CancelledError()])
    async def test_whatever_is_raised_inside_undoes_everything(self, records, error) -> None:
        async def act(tx) -> None:
            await add_organisation(tx)
            await tx.record(Action.ORGANISATION_CREATED)
            raise error

        with pytest.raises(type(error)):
            await attempt(records, act)
        assert await organisations(records) == set()
        assert await journal(records) == []
        await change(records, add_organisation)
        assert len(await journal(records)) == 1

    async def test_a_statement_that_failed_dooms_the_change_even_if_its_error_is_caught(
        self, records
    ) -> None:
        first = await change(records, add_organisation)

        async def act(tx) -> None:
            await add_organisation(tx)
            await tx.record(Action.ORGANISATION_CREATED)
            with pytest.raises(AlreadyExistsError):
                await tx.organisations.add(
                    organisation_id=first.id, name="", quota_bytes=1, max_container_bytes=1
                )

        with pytest.raises(RecordsUnavailableError):
            await attempt(records, act)
        assert await organisations(records) == {first.id}
        assert len(await journal(records)) == 1

    async def test_free_text_is_refused_by_the_journal_and_with_it_the_change(self, records) -> None:
        for text in ("plan secret.pdf", "a/b", "é"):

            async def act(tx, text=text) -> None:
                await add_organisation(tx)
                await tx.record(Action.ORGANISATION_CREATED, [], {Fact.REASON: text})

            with pytest.raises(MalformedError):
                await attempt(records, act)
        assert await organisations(records) == set()

    async def test_what_commits_is_seen_by_another_process_at_once(self, open_records) -> None:
        one, other = await open_records(), await open_records()
        made = await change(one, add_organisation)
        assert await organisations(other) == {made.id}

    async def test_nobody_sees_a_change_before_its_commit(self, open_records) -> None:
        one, other = await open_records(), await open_records()
        async with one.change(ORIGIN) as tx:
            await add_organisation(tx)
            await tx.record(Action.ORGANISATION_CREATED)
            assert await organisations(one) == await organisations(other) == set()

    async def test_a_reader_keeps_its_view(self, records) -> None:
        async with records.read() as view:
            assert (await view.journal.checkpoint()).size == 0
            await change(records, add_organisation)
            assert (await view.journal.checkpoint()).size == 0
            assert (await view.organisations.list()).items == ()

    async def test_the_journal_verifies_offline_at_every_size(self, records) -> None:
        checkpoints = []
        for _ in range(20):
            await change(records, add_organisation)
            async with records.read() as view:
                checkpoints.append(await view.journal.checkpoint())
        assert [one.size for one in checkpoints] == list(range(1, 21))
        assert verify_entries(await journal(records), checkpoints) == checkpoints[-1]
        async with records.read() as view:
            leaves = await view.journal.leaves(20)
        for old in checkpoints:
            verify_consistency(
                old_size=old.size,
                old_root=old.root,
                new_size=20,
                new_root=checkpoints[-1].root,
                proof=consistency_proof(leaves, old.size),
            )

    async def test_entries_come_in_pages(self, records) -> None:
        for _ in range(5):
            await change(records, add_organisation)
        async with records.read() as view:
            assert [row.position for row in await view.journal.entries(1, 2)] == [1, 2]
            assert [row.position for row in await view.journal.entries(4, 10)] == [4]
            assert await view.journal.entries(5, 10) == ()
            assert len(await view.journal.leaves(3)) == 3

    async def test_a_change_inside_a_change_is_told_apart_from_waiting(self, records) -> None:
        with pytest.raises(RuntimeError, match="wait for itself"):
            async with records.change(ORIGIN), records.change(ORIGIN):
                pass
        await change(records, add_organisation)

    async def test_the_clock_stands_still_within_a_change(self, records, clock) -> None:
        async with records.change(ORIGIN) as tx:
            clock.time += 100
            assert (await add_account(tx)).created_at == NOW
            recorded = await tx.record(Action.ACCOUNT_CREATED)
        assert recorded.time == NOW

    async def test_a_fact_is_pinned_once(self, records) -> None:
        async def pin(tx, value) -> None:
            await tx.facts.pin("authority", value)

        await change(records, pin, b"key")
        for value in (b"key", b"another"):
            with pytest.raises(AlreadyExistsError):
                await change(records, pin, value)
        async with records.read() as view:
            assert await view.facts.get("authority") == b"key"
            assert await view.facts.get("unknown") is None

    async def test_errors_carry_no_value(self, records) -> None:
        secret = digest()
        await change(records, add_account, enrolment_hash=secret, enrolment_until=NOW)
        with pytest.raises(AlreadyExistsError) as caught:
            await change(records, add_account, enrolment_hash=secret, enrolment_until=NOW)
        assert caught.value.__suppress_context__
        assert repr(secret) not in str(caught.value)

    async def test_it_says_when_it_works(self, records) -> None:
        await records.check()
