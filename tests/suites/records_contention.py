"""Many writers at once, over one connection pool or several: none fails for that, one history, one winner."""

import asyncio

import pytest

from tests.suites.records_law import journal, organisations
from tests.suites.samples import (
    ORIGIN,
    add_dossier,
    add_organisation,
    change,
    deposit_of,
    digest,
    publish,
)
from vault.journal import Action, verify_entries
from vault.server.ports import AlreadyExistsError, OutdatedError, SealKnownError
from vault.server.stores.records.rows import Challenge, IdempotencyKey, Remembered


async def outcomes(attempts) -> list[object]:
    return await asyncio.gather(*attempts, return_exceptions=True)


class ContentionSuite:
    async def test_changes_of_several_processes_make_one_history(self, open_records) -> None:
        processes = [await open_records() for _ in range(4)]
        made = await asyncio.gather(
            *(change(processes[number % 4], add_organisation) for number in range(120))
        )
        assert {one.position for one in made} == set(range(120))
        assert await organisations(processes[0]) == {one.id for one in made}
        async with processes[0].read() as view:
            checkpoint = await view.journal.checkpoint()
        assert verify_entries(await journal(processes[1]), [checkpoint]).size == 120

    async def test_readers_go_on_beside_writers(self, open_records) -> None:
        writer, reader = await open_records(), await open_records()

        async def write() -> None:
            for _ in range(30):
                await change(writer, add_organisation)

        async def read() -> None:
            for _ in range(30):
                async with reader.read() as view:
                    checkpoint = await view.journal.checkpoint()
                    assert len(await view.journal.entries(0, 1000)) == checkpoint.size
                    found = await view.organisations.list(limit=200)
                    assert len(found.items) == checkpoint.size

        await asyncio.gather(write(), read(), read(), read())

    async def test_of_many_replacements_of_one_seal_one_wins(self, open_records) -> None:
        processes = [await open_records() for _ in range(4)]
        dossier = await change(processes[0], add_dossier)
        active = await publish(processes[0], deposit_of(dossier.id))
        proof_id = active.proof_id
        for _ in range(3):
            rivals = [deposit_of(dossier.id, active.seal_id, proof_id=proof_id) for _ in range(32)]
            results = await outcomes(
                publish(processes[number % 4], rival) for number, rival in enumerate(rivals)
            )
            won = [one for one in results if not isinstance(one, Exception)]
            assert len(won) == 1
            assert sum(isinstance(one, OutdatedError) for one in results) == 31
            active = won[0]
        async with processes[0].read() as view:
            versions = await view.evidence.versions(proof_id)
            proof = await view.evidence.proof(proof_id)
            entries = [row.entry for row in await view.journal.entries(0, 1000)]
            checkpoint = await view.journal.checkpoint()
        assert [one.number for one in versions] == [1, 2, 3, 4]
        assert [one.state for one in versions] == ["archived"] * 3 + ["active"]
        assert [one.supersedes for one in versions] == [None, *(one.seal_id for one in versions[:-1])]
        assert (proof.seal_id, proof.version) == (versions[-1].seal_id, 4)
        assert verify_entries(entries, [checkpoint]).size == 5

    async def test_of_many_deposits_of_one_seal_one_wins(self, open_records) -> None:
        processes = [await open_records() for _ in range(3)]
        dossier = await change(processes[0], add_dossier)
        seal_id = digest()
        results = await outcomes(
            publish(processes[number % 3], deposit_of(dossier.id, seal_id=seal_id)) for number in range(12)
        )
        assert sum(isinstance(one, SealKnownError) for one in results) == 11

    async def test_of_many_rewritings_of_one_generation_one_wins(self, open_records) -> None:
        processes = [await open_records() for _ in range(3)]
        dossier = await change(processes[0], add_dossier)
        version = await publish(processes[0], deposit_of(dossier.id))

        async def rewrite(records, head):
            async with records.change(ORIGIN) as tx:
                await tx.record(Action.ENVELOPE_REWRITTEN)
                return await tx.evidence.rewrite_head(
                    version.seal_id, expected=1, head=head, envelope_digest=digest(), dossier_generation=2
                )

        heads = [bytes([number]) * 400 for number in range(12)]
        results = await outcomes(rewrite(processes[n % 3], head) for n, head in enumerate(heads))
        (winner,) = [number for number, one in enumerate(results) if not isinstance(one, Exception)]
        assert sum(isinstance(one, OutdatedError) for one in results) == 11
        async with processes[0].read() as view:
            assert await view.evidence.head(version.seal_id) == heads[winner]
            assert (await view.evidence.by_seal(version.seal_id)).generation == 2

    async def test_an_authority_is_pinned_by_one_of_many(self, open_records) -> None:
        processes = [await open_records() for _ in range(3)]

        async def pin(records, value):
            async with records.change(ORIGIN) as tx:
                await tx.facts.pin("authority", value)
                await tx.record(Action.AUTHORITY_PUBLISHED)

        results = await outcomes(pin(processes[n % 3], bytes([n])) for n in range(9))
        assert sum(isinstance(one, AlreadyExistsError) for one in results) == 8

    async def test_a_challenge_is_taken_by_one_of_many(self, open_records) -> None:
        processes = [await open_records() for _ in range(3)]
        challenge = Challenge("c" * 32, "sign-in", digest(), digest(), 100)
        async with processes[0].bookkeeping() as books:
            await books.challenges.add(challenge, now=0)

        async def take(records):
            async with records.bookkeeping() as books:
                return await books.challenges.take(challenge.id, purpose="sign-in", now=1)

        results = await asyncio.gather(*(take(processes[n % 3]) for n in range(12)))
        assert sorted(results, key=bool)[-2:] == [None, challenge]

    async def test_a_change_sees_what_was_committed_while_it_waited_for_its_turn(self, open_records) -> None:
        one, other = await open_records(), await open_records()

        async def look():
            async with other.change(ORIGIN) as tx:
                await tx.record(Action.SERVER_STARTED)
                return {found.id for found in (await tx.organisations.list()).items}

        async with one.change(ORIGIN) as tx:
            looking = asyncio.create_task(look())
            await asyncio.sleep(0.05)
            made = await add_organisation(tx)
            await tx.record(Action.ORGANISATION_CREATED)
        assert await looking == {made.id}

    async def test_failures_are_counted_by_all_of_many(self, open_records) -> None:
        processes = [await open_records() for _ in range(4)]
        sources = [digest(), digest()]

        async def fail(records, order):
            async with records.bookkeeping() as books:
                for source in order:
                    await books.failures.add(source, now=0, window=100)

        # In either order: whoever waits for the other's row would otherwise wait in a circle.
        await asyncio.gather(*(fail(processes[n % 4], sources[:: 1 - n % 2 * 2]) for n in range(40)))
        async with processes[0].read() as view:
            assert [await view.failures.count(one, now=0) for one in sources] == [(40, 100)] * 2

    async def test_an_answer_is_kept_by_one_of_many(self, open_records) -> None:
        processes = [await open_records() for _ in range(3)]
        key = IdempotencyKey("account:1", "create_organisation", digest())

        async def keep(records, number):
            async with records.change(ORIGIN) as tx:
                await tx.record(Action.ORGANISATION_CREATED)
                await add_organisation(tx)
                await tx.answers.keep(key, Remembered(digest(), number, None), now=0, until=10)
            return number

        results = await outcomes(keep(processes[n % 3], n) for n in range(9))
        (winner,) = [one for one in results if isinstance(one, int)]
        assert sum(isinstance(one, AlreadyExistsError) for one in results) == 8
        assert len(await organisations(processes[0])) == len(await journal(processes[0])) == 1
        async with processes[0].read() as view:
            assert (await view.answers.find(key, now=0)).status == winner

    async def test_changes_and_bookkeeping_never_meet_in_a_circle(self, open_records) -> None:
        processes = [await open_records() for _ in range(4)]
        challenges = [Challenge(f"{n:032}", "sign-in", digest(), digest(), 100 + n) for n in range(20)]
        async with processes[0].bookkeeping() as books:
            for challenge in challenges:
                await books.challenges.add(challenge, now=0)

        async def use(records, number):
            async with records.change(ORIGIN) as tx:
                await tx.record(Action.SESSION_OPENED)
                return await tx.challenges.take(challenges[number].id, purpose="sign-in", now=1)

        async def make(records, number):
            # Its clock is ahead: it forgets what the others still use.
            async with records.bookkeeping() as books:
                await books.challenges.add(
                    challenges[number]._replace(id=f"b{number:031}", expires_at=500), now=100 + number
                )

        results = await outcomes((use, make)[n % 2](processes[n % 4], n // 2) for n in range(40))
        assert [one for one in results if isinstance(one, Exception)] == []

    @pytest.mark.parametrize("turns", range(0, 30, 2))
    async def test_a_cancelled_change_is_whole_or_not_there_and_holds_nothing(self, records, turns) -> None:
        task = asyncio.create_task(change(records, add_organisation))
        for _ in range(turns):
            await asyncio.sleep(0.0003)
        task.cancel()
        await asyncio.wait([task])
        assert len(await organisations(records)) == len(await journal(records))
        await change(records, add_organisation)
        assert len(await organisations(records)) == len(await journal(records)) > 0

    async def test_many_cancelled_at_once_leave_the_rest_working(self, open_records) -> None:
        records = await open_records()
        tasks = [asyncio.create_task(change(records, add_organisation)) for _ in range(40)]
        await asyncio.sleep(0.01)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.exception() is None for task in tasks[1::2])
        assert len(await organisations(records)) == len(await journal(records)) >= 20
