"""Leases, and which objects rows name or may not name any more."""

import asyncio

import pytest

from tests.suites.samples import NOW, ORIGIN, add_dossier, change, deposit_of, digest, publish
from vault.journal import Action
from vault.server.ports import ObjectCondemnedError, RecordsUnavailableError, new_id
from vault.server.stores.records.rows import Challenge, IdempotencyKey, Remembered

ONE, OTHER = "one", "other"


def key() -> str:
    return digest().hex()[:40]


async def take(records, holder, *, now, name="work", seconds=10) -> bool:
    async with records.bookkeeping() as books:
        return await books.leases.take(name, holder, now=now, until=now + seconds)


async def renew(records, holder, *, now, seconds=10) -> bool:
    async with records.bookkeeping() as books:
        return await books.leases.renew("work", holder, now=now, until=now + seconds)


async def release(records, holder) -> None:
    async with records.bookkeeping() as books:
        await books.leases.release("work", holder)


async def condemn(records, *keys, now=NOW) -> frozenset[str]:
    async with records.bookkeeping() as books:
        return await books.condemning.condemn(keys, now=now)


async def named(records, *keys) -> frozenset[str]:
    async with records.read() as view:
        return await view.naming.named(keys)


class UpkeepSuite:
    async def test_a_lease_is_one_holders_until_it_ends(self, records) -> None:
        assert await take(records, ONE, now=0)
        assert await take(records, ONE, now=5)  # until 15
        assert not await take(records, OTHER, now=14)
        assert await take(records, OTHER, now=14, name="other work")
        assert not await renew(records, OTHER, now=14)
        assert await take(records, OTHER, now=15)
        assert not await take(records, ONE, now=16)

    async def test_renewing_moves_the_end_and_comes_too_late_after_it(self, records) -> None:
        assert not await renew(records, ONE, now=0)
        assert await take(records, ONE, now=0)
        assert await renew(records, ONE, now=9)
        assert not await take(records, OTHER, now=18)
        assert not await renew(records, ONE, now=19)

    async def test_only_the_holder_gives_it_back(self, records) -> None:
        assert await take(records, ONE, now=0)
        await release(records, OTHER)
        assert not await take(records, OTHER, now=1)
        await release(records, ONE)
        assert await take(records, OTHER, now=1)

    async def test_of_many_processes_that_take_it_one_has_it(self, open_records) -> None:
        processes = [await open_records() for _ in range(6)]
        had = await asyncio.gather(*(take(one, str(number), now=0) for number, one in enumerate(processes)))
        assert sum(had) == 1

    async def test_taking_is_undone_with_its_transaction(self, records) -> None:
        async def fail() -> None:
            async with records.bookkeeping() as books:
                assert await books.leases.take("work", ONE, now=0, until=10)
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        assert await take(records, OTHER, now=1)

    async def test_what_a_version_names_is_not_condemned(self, records) -> None:
        dossier = await change(records, add_dossier)
        deposit = deposit_of(dossier.id)
        await publish(records, deposit)
        newer = deposit_of(dossier.id, supersedes=deposit.seal_id, proof_id=deposit.proof_id)
        await publish(records, newer)
        orphan = key()
        bodies = {deposit.body.key, newer.body.key}
        assert await named(records, orphan, *bodies) == bodies
        assert await condemn(records, orphan, *bodies) == {orphan}
        assert await condemn(records) == frozenset()

    async def test_no_version_may_name_what_was_condemned_before(self, records) -> None:
        dossier = await change(records, add_dossier)
        deposit = deposit_of(dossier.id)
        for _ in range(2):  # a janitor that was killed comes again
            assert await condemn(records, deposit.body.key, key()) >= {deposit.body.key}
            with pytest.raises(ObjectCondemnedError):
                await publish(records, deposit)
        async with records.read() as view:
            assert await view.evidence.by_seal(deposit.seal_id) is None
        await publish(records, deposit_of(dossier.id))

    async def test_even_if_that_is_caught_nothing_commits(self, records) -> None:
        dossier = await change(records, add_dossier)
        deposit = deposit_of(dossier.id)
        await condemn(records, deposit.body.key)

        async def stubborn() -> None:
            async with records.change(ORIGIN) as tx:
                await tx.record(Action.EVIDENCE_DEPOSITED)
                with pytest.raises(ObjectCondemnedError):
                    await tx.evidence.publish(deposit)

        with pytest.raises(RecordsUnavailableError):
            await stubborn()

    async def test_publishing_and_condemning_at_once_one_of_them_wins(self, open_records) -> None:
        one, other = await open_records(), await open_records()
        dossier = await change(one, add_dossier)
        for _ in range(10):
            deposit = deposit_of(dossier.id)
            published, condemned = await asyncio.gather(
                publish(one, deposit), condemn(other, deposit.body.key), return_exceptions=True
            )
            assert isinstance(published, ObjectCondemnedError) == (condemned == {deposit.body.key})
            assert await named(one, deposit.body.key) ^ condemned == {deposit.body.key}

    async def test_what_was_condemned_long_ago_is_forgotten(self, records) -> None:
        dossier = await change(records, add_dossier)
        old, young = deposit_of(dossier.id), deposit_of(dossier.id)
        await condemn(records, old.body.key, now=NOW)
        await condemn(records, young.body.key, now=NOW + 1)
        async with records.bookkeeping() as books:
            await books.condemning.forget(before=NOW + 1)
        await publish(records, old)
        with pytest.raises(ObjectCondemnedError):
            await publish(records, young)

    async def test_what_has_expired_is_forgotten_and_nothing_else(self, records) -> None:
        fresh = Challenge(new_id(), "sign-in", digest(), digest(), NOW + 1)
        memo = IdempotencyKey("account:1", "create_organisation", digest())
        async with records.bookkeeping() as books:
            await books.challenges.add(fresh, now=0)
            await books.challenges.add(fresh._replace(id=new_id(), expires_at=NOW), now=0)
            await books.failures.add(digest(), now=0, window=NOW)
            await books.answers.keep(memo, Remembered(digest(), 201, None), now=0, until=NOW + 1)
            await books.answers.keep(
                memo._replace(key_hash=digest()), Remembered(digest(), 201, None), now=0, until=NOW
            )
        async with records.bookkeeping() as books:
            assert await books.forget_expired(now=NOW) == 3
            assert await books.forget_expired(now=NOW) == 0
            assert await books.challenges.take(fresh.id, purpose="sign-in", now=NOW) == fresh
        async with records.read() as view:
            assert await view.answers.find(memo, now=NOW) is not None
