"""Which archived bodies the object store has to keep, and which it was told of."""

from tests.suites.samples import ORIGIN, add_dossier, change, deposit_of, publish
from vault.journal import Action
from vault.server.stores.records import locking

DAY = 86_400


async def archive(records, deposit) -> int:
    """Archive a proof, and return when that was."""
    async with records.change(ORIGIN) as tx:
        await tx.record(Action.EVIDENCE_ARCHIVED)
        await tx.evidence.archive(deposit.proof_id, expected=deposit.seal_id)
        return tx.now


async def archived(records, number):
    """Return so many deposits that were archived, by seal id, and when."""
    dossier = (await change(records, add_dossier)).id
    deposits = [deposit_of(dossier) for _ in range(number)]
    for deposit in deposits:
        await publish(records, deposit)
        since = await archive(records, deposit)
    return sorted(deposits, key=lambda deposit: deposit.seal_id), since


async def page(records, *, now, seconds=DAY, **options):
    async with records.read() as view:
        return await view.locks.page(seconds=seconds, now=now, **options)


async def due(records, **options):
    return (await page(records, **options)).due


async def keep(records, taken) -> None:
    async with records.bookkeeping() as books:
        await books.locks.keep(taken)


class LocksSuite:
    async def test_archived_versions_are_due_until_the_store_has_them(self, records) -> None:
        deposits, since = await archived(records, 2)
        await publish(records, active := deposit_of(deposits[0].dossier_id))
        found = await due(records, now=since)
        assert [one.seal_id for one in found] == [one.seal_id for one in deposits]
        first = found[0]
        assert (first.proof_id, first.number) == (deposits[0].proof_id, 1)
        assert (first.body_key, first.until) == (deposits[0].body.key, since + DAY)
        await keep(records, found[:1])
        assert await due(records, now=since) == found[1:]
        await keep(records, found[1:])
        assert await due(records, now=since) == ()
        assert await page(records, now=since) == (2, (), None)
        assert await page(records, now=since, again=True) == (2, found, None)
        assert await page(records, now=since + DAY, again=True) == (0, (), None)
        assert active.seal_id not in {one.seal_id for one in found}

    async def test_a_version_that_was_replaced_is_due_too(self, records) -> None:
        dossier = (await change(records, add_dossier)).id
        await publish(records, first := deposit_of(dossier))
        better = deposit_of(dossier, first.seal_id, proof_id=first.proof_id)
        version = await publish(records, better, Action.EVIDENCE_REPLACED)
        assert [one.seal_id for one in await due(records, now=version.created_at)] == [first.seal_id]

    async def test_page_by_page(self, records, monkeypatch) -> None:
        monkeypatch.setattr(locking, "PAGE", 2)
        deposits, since = await archived(records, 5)
        found, after, pages = [], b"", 0
        while after is not None:
            examined, some, after = await page(records, now=since, after=after)
            assert examined == len(some)
            found += [one.seal_id for one in some]
            pages += 1
        assert (found, pages) == ([one.seal_id for one in deposits], 3)

    async def test_what_is_over_is_not_due(self, records) -> None:
        _, since = await archived(records, 1)
        assert len(await due(records, now=since + DAY - 1)) == 1
        assert await due(records, now=since + DAY) == ()

    async def test_more_is_due_and_less_is_not(self, records) -> None:
        _, since = await archived(records, 1)
        await keep(records, await due(records, now=since))
        assert await due(records, now=since, seconds=DAY - 1) == ()
        (longer,) = await due(records, now=since, seconds=2 * DAY)
        assert longer.until == since + 2 * DAY
        await keep(records, [longer])
        # What was taken stands, whatever is wanted now.
        (again,) = await due(records, now=since + DAY, again=True)
        assert again.until == since + 2 * DAY

    async def test_nothing_to_write_down(self, records) -> None:
        await keep(records, ())
        assert await page(records, now=0) == (0, (), None)
