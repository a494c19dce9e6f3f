"""Keys that have ended: what a dossier holds then, and the certificates about it."""

import pytest

from tests.suites.records_evidence import archive
from tests.suites.records_people import walk
from tests.suites.samples import NOW, add_dossier, add_statement, change, deposit_of, digest, publish
from vault.server.ports import BadCursorError
from vault.server.stores.records import schema
from vault.server.stores.records.retiring import PAGE, Held, Retirement
from vault.server.stores.records.rows import SignedBytes


async def add_retirement(tx, dossier_id, generation, lines=()) -> Retirement:
    return await tx.retirements.add(dossier_id, generation, SignedBytes(digest(), digest()), lines)


async def add_key(tx, dossier_id, generation, subject) -> None:
    await add_statement(tx, "dossier key", dossier_id=dossier_id, generation=generation, subject=subject)


class RetiringSuite:
    async def test_what_a_dossier_holds_is_read_by_seal_in_pages(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        made = [await publish(records, deposit_of(dossier.id)) for _ in range(PAGE + 2)]
        await publish(records, deposit_of(other.id))
        await change(records, archive, made[0].proof_id, made[0].seal_id)

        async def erase(tx):
            table = schema.versions
            where = table.c.seal_id == made[1].seal_id
            await tx.retirements._handle.execute(table.update().where(where).values(erased_at=NOW))

        await change(records, erase)
        kept = sorted((row for row in made if row is not made[1]), key=lambda row: row.seal_id)
        async with records.read() as view:
            first = await view.retirements.held(dossier.id)
            assert len(first) == PAGE
            rest = await view.retirements.held(dossier.id, after=first[-1].seal_id)
            assert await view.retirements.held(dossier.id, after=rest[-1].seal_id) == ()
        assert [*first, *rest] == [Held(*(getattr(row, name) for name in Held._fields)) for row in kept]

    async def test_heads_and_seals_are_read_together(self, records) -> None:
        dossier = await change(records, add_dossier)
        made = [deposit_of(dossier.id) for _ in range(4)]
        for deposit in made:
            await publish(records, deposit)
        async with records.bookkeeping() as books:
            for table, deposit in ((schema.heads, made[1]), (schema.seals, made[2])):
                await books._handle.execute(table.delete().where(table.c.seal_id == deposit.seal_id))
        async with records.read() as view:
            found = await view.evidence.ends([deposit.seal_id for deposit in made[:3]] + [digest()])
            assert found == {made[0].seal_id: (made[0].head, made[0].seal)}
            assert await view.evidence.ends([]) == {}

    async def test_keys_are_found_without_their_statements(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        keys = {generation: digest() for generation in (1, 2, 3)}
        for generation, key in keys.items():
            await change(records, add_key, dossier.id, generation, key)
        await change(records, add_key, other.id, 1, digest())
        async with records.read() as view:
            assert await view.statements.dossier_keys(dossier.id) == keys
            assert await view.statements.dossier_keys("D-none") == {}

    async def test_certificates_are_kept_as_they_were_signed(self, records, clock) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        lines = [b"line %d" % number for number in range(PAGE + 1)]
        first = await change(records, add_retirement, dossier.id, 1, lines)
        clock.time = NOW + 5
        apart = await change(records, add_retirement, other.id, 1)
        second = await change(records, add_retirement, dossier.id, 2, [b"x"])
        assert (first.created_at, second.created_at) == (NOW, NOW + 5)
        async with records.read() as view:
            found = view.retirements

            async def page(**paging):
                return await found.list(dossier.id, **paging)

            assert await walk(page, 1) == [second, first]
            with pytest.raises(BadCursorError):
                await page(cursor="AAAA")
            assert await found.get(dossier.id, first.position) == first
            assert await found.get(other.id, first.position) is None
            assert await found.after(-1, dossier_id=None, limit=9) == (first, apart, second)
            assert await found.after(first.position, dossier_id=dossier.id, limit=9) == (second,)
            assert await found.after(-1, dossier_id=None, limit=1) == (first,)
            assert list(await found.lines(first.position, start=0, limit=999)) == lines
            assert list(await found.lines(first.position, start=PAGE - 1, limit=1)) == [lines[PAGE - 1]]
            assert list(await found.lines(second.position, start=1, limit=9)) == []
            for generation, expected in ((1, True), (2, True), (3, False)):
                assert await found.since(dossier.id, generation) is expected
