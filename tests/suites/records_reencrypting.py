"""New containers in the places of older ones: what stands, what stood, and what is left of it."""

import pytest

from tests.suites.records_evidence import archive, rewrite
from tests.suites.records_people import walk
from tests.suites.samples import (
    NOW,
    ORIGIN,
    add_dossier,
    change,
    deposit_of,
    digest,
    publish,
)
from vault.journal import Action
from vault.server.ports import ObjectCondemnedError, OutdatedError, QuotaExceededError, SealKnownError
from vault.server.stores.records.rows import Sizes

ADMIN = digest()


async def reencrypt(records, original, **options):
    """Put a container in the place of a version."""
    fields = {"proof_id": original.proof_id, "signer": ADMIN} | options
    deposit = deposit_of(original.dossier_id, original.seal_id, **fields)
    async with records.change(ORIGIN) as tx:
        await tx.record(Action.EVIDENCE_REENCRYPTED)
        return await tx.evidence.reencrypt(deposit)


async def replace(records, active, **options):
    return await publish(
        records, deposit_of(active.dossier_id, active.seal_id, proof_id=active.proof_id, **options)
    )


async def erase(tx, dossier, *originals):
    return await tx.erasures.erase_originals(originals, dossier.organisation_id)


async def used(records, dossier):
    async with records.read() as view:
        return (await view.organisations.get(dossier.organisation_id)).used_bytes


class ReencryptingSuite:
    async def test_what_reencrypts_an_active_version_is_active_in_its_place(self, records, clock) -> None:
        dossier = await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        other = await publish(records, deposit_of(dossier.id))
        clock.time = NOW + 9
        new = await reencrypt(records, first)
        expected = (1, "active", first.signer, ADMIN, first.seal_id, first.position, None, NOW + 9)
        assert (
            new.number,
            new.state,
            new.signer,
            new.sealer,
            new.supersedes,
            new.place,
            new.archived_at,
            new.created_at,
        ) == expected
        async with records.read() as view:
            assert await view.evidence.version(first.proof_id, 1) == new
            assert await view.evidence.versions(first.proof_id) == (new,)
            assert (await view.evidence.proof(first.proof_id)).seal_id == new.seal_id
            assert await view.evidence.standing(first.place) == new
            (original,) = await view.evidence.originals(new.place)
            assert original == first._replace(number=-new.position, state="archived", archived_at=NOW + 9)
            assert await view.evidence.by_seal(first.seal_id) == original
            assert await view.evidence.head(first.seal_id) is not None
            listed = (await view.evidence.list(dossier.id, state="active")).items
            assert [row.seal_id for row in listed] == [other.seal_id, new.seal_id]
            assert (await view.evidence.list(dossier.id, state="archived")).items == ()
            assert await view.naming.named([first.body_key, new.body_key]) == {first.body_key, new.body_key}

    async def test_an_archived_version_stays_archived_since_then(self, records, clock) -> None:
        dossier = await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        clock.time = NOW + 5
        second = await replace(records, first)
        clock.time = NOW + 9
        new = await reencrypt(records, first)
        assert (new.number, new.state, new.archived_at) == (1, "archived", NOW + 5)
        last = await reencrypt(records, second)
        assert (last.number, last.state) == (2, "active")
        async with records.read() as view:
            proof = await view.evidence.proof(first.proof_id)
            assert (proof.seal_id, proof.version, proof.state) == (last.seal_id, 2, "active")
            assert await view.evidence.versions(first.proof_id) == (new, last)
        third = await publish(
            records,
            deposit_of(dossier.id, second.seal_id, proof_id=first.proof_id, replaces=last.seal_id),
        )
        assert (third.number, third.supersedes, third.place) == (3, second.seal_id, third.position)
        async with records.read() as view:
            assert (await view.evidence.by_seal(last.seal_id)).state == "archived"
        await change(records, archive, first.proof_id, third.seal_id)
        again = await reencrypt(records, third)
        assert (again.state, again.archived_at) == ("archived", NOW + 9)
        async with records.read() as view:
            proof = await view.evidence.proof(first.proof_id)
            assert (proof.seal_id, proof.state) == (again.seal_id, "archived")

    async def test_a_place_is_taken_from_what_stands_there_alone(self, records) -> None:
        dossier, elsewhere = await change(records, add_dossier), await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        other = await publish(records, deposit_of(dossier.id))
        new = await reencrypt(records, first)
        for original, options in (
            (first, {}),
            (other, {"proof_id": first.proof_id}),
            (other._replace(dossier_id=elsewhere.id), {}),
            (other._replace(seal_id=digest()), {}),
        ):
            with pytest.raises(OutdatedError):
                await reencrypt(records, original, **options)
        with pytest.raises(SealKnownError):
            await reencrypt(records, new, seal_id=first.seal_id)
        with pytest.raises(OutdatedError):
            await replace(records, first)
        again = await reencrypt(records, new, signer=digest())
        assert (again.number, again.signer, again.place) == (1, first.signer, first.place)
        async with records.read() as view:
            originals = await view.evidence.originals(first.place)
        assert [row.seal_id for row in originals] == [first.seal_id, new.seal_id]
        assert len({row.number for row in originals}) == 2

    async def test_it_needs_room_and_a_body_that_is_spared(self, records) -> None:
        dossier = await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        await change(records, _set_quota, dossier.organisation_id, 1_999)
        with pytest.raises(QuotaExceededError):
            await reencrypt(records, first)
        await change(records, _set_quota, dossier.organisation_id, 2_000)
        body = deposit_of(dossier.id).body
        async with records.bookkeeping() as books:
            await books.condemning.condemn([body.key], now=NOW)
        with pytest.raises(ObjectCondemnedError):
            await reencrypt(records, first, body=body)
        await reencrypt(records, first)
        assert await used(records, dossier) == 2_000

    async def test_what_is_left_is_listed_and_counted_until_all_is_done(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        kept = [await publish(records, deposit_of(dossier.id)) for _ in range(3)]
        await publish(records, deposit_of(other.id))
        since = kept[2].position + 2
        later = await publish(records, deposit_of(dossier.id))

        async def left():
            async with records.read() as view:

                async def page(**paging):
                    return await view.evidence.sealed_before(dossier.id, since, **paging)

                return (
                    [row.place for row in await walk(page, 1)],
                    await view.evidence.sizes_sealed_before(dossier.id, since),
                    await view.evidence.sizes_of_originals(dossier.id),
                )

        places = [row.place for row in kept[::-1]]
        assert await left() == (places, Sizes(3, 1_200, 1_800), Sizes(0, 0, 0))
        assert later.position >= since
        await reencrypt(records, kept[0])
        assert await left() == (places, Sizes(2, 800, 1_200), Sizes(1, 400, 600))
        async with records.read() as view:
            (original,) = await view.evidence.originals(kept[0].place)
        assert await change(records, erase, dossier, original) == 1_000
        assert await left() == (places[:2], Sizes(2, 800, 1_200), Sizes(0, 0, 0))

    async def test_an_erased_original_opens_nothing_and_names_nothing(self, records, clock) -> None:
        dossier = await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        new = await reencrypt(records, first)
        async with records.read() as view:
            (original,) = await view.evidence.originals(first.place)
        for wrong in (new, original._replace(seal_id=digest())):
            with pytest.raises(OutdatedError):
                await change(records, erase, dossier, wrong)
        clock.time = NOW + 7
        await change(records, erase, dossier, original)
        with pytest.raises(OutdatedError):
            await change(records, erase, dossier, original)
        assert await used(records, dossier) == 1_000
        async with records.read() as view:
            assert await view.evidence.head(first.seal_id) is None
            assert await view.evidence.seal(first.seal_id) is not None
            assert await view.evidence.receipt(first.seal_id) is not None
            assert (await view.evidence.by_seal(first.seal_id)).erased_at == NOW + 7
            assert await view.naming.named([first.body_key, new.body_key]) == {new.body_key}
            (removal,) = await view.erasures.removals(now=NOW + 7, dossier_id=dossier.id)
            assert removal.body_key == first.body_key
            assert [one.version.seal_id for one in await view.erasures.kept(dossier.id)] == [new.seal_id]
        with pytest.raises(SealKnownError):
            await publish(records, deposit_of(dossier.id, seal_id=first.seal_id))

    async def test_rotating_and_locking_look_at_what_stands_alone(self, records) -> None:
        dossier = await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        new = await reencrypt(records, first, dossier_generation=2)
        async with records.read() as view:
            assert list(await view.evidence.generations(dossier.id)) == [2]
            assert (await view.evidence.below(dossier.id, 2)).items == ()
            assert await view.evidence.sizes_below(dossier.id, 2) == Sizes(0, 0, 0)
            assert (await view.evidence.below(dossier.id, 3)).items == (new,)
            assert (await view.locks.page(seconds=60, now=NOW)).due == ()
            kept = await view.erasures.kept(dossier.id)
            assert [(one.version.seal_id, one.number) for one in kept] == [
                (first.seal_id, 1),
                (new.seal_id, 1),
            ]
        await change(records, archive, new.proof_id, new.seal_id)
        async with records.read() as view:
            (due,) = (await view.locks.page(seconds=60, now=NOW)).due
        assert due.body_key == new.body_key
        await change(records, rewrite, new.seal_id)
        async with records.read() as view:
            assert (await view.evidence.standing(first.place)).generation == 2


async def _set_quota(tx, organisation_id, quota) -> None:
    await tx.organisations.set(
        organisation_id, name="n", quota_bytes=quota, max_container_bytes=10**6, passwords="generated"
    )
