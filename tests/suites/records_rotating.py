"""From one key of a dossier to the next: what is sealed to older ones, and who was granted them."""

import pytest

from tests.suites.records_evidence import archive, rewrite
from tests.suites.records_people import walk
from tests.suites.samples import (
    NOW,
    add_dossier,
    add_grant,
    change,
    deposit_of,
    digest,
    publish,
)
from vault.server.ports import BadCursorError, OutdatedError
from vault.server.stores.records.rows import Sizes


async def advance(tx, dossier_id, expected) -> None:
    await tx.dossiers.advance(dossier_id, expected=expected)


async def revoke_below(tx, dossier_id, generation) -> int:
    return await tx.grants.revoke_below(dossier_id, generation)


class RotatingSuite:
    async def test_a_dossier_goes_from_one_key_to_the_next(self, records) -> None:
        dossier = await change(records, add_dossier)
        await change(records, advance, dossier.id, 1)
        for name, expected in ((dossier.id, 1), (dossier.id, 3), ("D-none", 1)):
            with pytest.raises(OutdatedError):
                await change(records, advance, name, expected)
        async with records.read() as view:
            assert await view.dossiers.get(dossier.id) == dossier._replace(generation=2)

    async def test_what_is_sealed_to_older_keys_is_listed_and_counted(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        kept = [deposit_of(dossier.id) for _ in range(4)]
        for deposit in (*kept, deposit_of(other.id), deposit_of(dossier.id, dossier_generation=2)):
            await publish(records, deposit)
        await change(records, archive, kept[1].proof_id, kept[1].seal_id)
        async with records.read() as view:
            found = await view.evidence.below(dossier.id, 2)
            assert [row.seal_id for row in found.items] == [deposit.seal_id for deposit in kept[::-1]]
            assert await view.evidence.sizes_below(dossier.id, 2) == Sizes(4, 4 * 400, 4 * 600)
            assert await view.evidence.sizes_below(dossier.id, 3) == Sizes(5, 5 * 400, 5 * 600)
            assert await view.evidence.sizes_below(dossier.id, 1) == Sizes(0, 0, 0)

            async def page(**paging):
                return await view.evidence.below(dossier.id, 2, **paging)

            assert [row.seal_id for row in await walk(page, 1)] == [row.seal_id for row in found.items]
            with pytest.raises(BadCursorError):
                await page(cursor="AAAA")
        for deposit in kept:
            await change(records, rewrite, deposit.seal_id)
        async with records.read() as view:
            assert (await view.evidence.below(dossier.id, 2)).items == ()

    async def test_the_grants_of_older_keys_end_together(self, records, clock) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        one, two = digest(), digest()
        for generation, grantee in ((1, one), (1, two), (2, one), (3, one)):
            await change(records, add_grant, dossier.id, grantee, generation=generation)
        gone = await change(records, add_grant, dossier.id, digest())
        await change(records, _revoke, gone.id)
        apart = await change(records, add_grant, other.id, one)
        async with records.read() as view:
            assert await view.grants.count_below(dossier.id, 3) == 3
        clock.time = NOW + 7
        assert await change(records, revoke_below, dossier.id, 3) == 3
        assert await change(records, revoke_below, dossier.id, 3) == 0
        async with records.read() as view:
            assert await view.grants.count_below(dossier.id, 3) == 0
            assert [row.generation for row in await view.grants.standing(dossier.id, one)] == [3]
            assert await view.grants.standing(dossier.id, two) == ()
            assert (await view.grants.get(gone.id)).revoked_at == NOW, "what had ended stays as it was"
            assert (await view.grants.get(apart.id)).revoked_at is None


async def _revoke(tx, grant_id) -> None:
    await tx.grants.revoke(grant_id)
