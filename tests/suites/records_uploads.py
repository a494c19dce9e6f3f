"""Upload sessions and their parts: one for each seal, counted against the quota, forgotten in time."""

import asyncio

import pytest

from keys.randomness import random_bytes
from tests.suites.samples import (
    NOW,
    ORIGIN,
    add_dossier,
    add_organisation,
    change,
    deposit_of,
    digest,
    publish,
)
from vault.journal import Action
from vault.server.ports import (
    AlreadyExistsError,
    ObjectCondemnedError,
    OutdatedError,
    QuotaExceededError,
    StagedPart,
    StoredObject,
    new_id,
    object_key,
)
from vault.server.stores.records.rows import Upload, UploadObjects

UNTIL = NOW + 100


def upload_of(dossier_id, **options):
    fields = {
        "id": new_id(),
        "dossier_id": dossier_id,
        "proof_id": None,
        "seal_id": digest(),
        "signer": digest(),
        "evidence_type": "aipd",
        "state": "open",
        "generation": 1,
        "head": random_bytes(400),
        "trailer_key": digest().hex()[:40],
        "trailer_size": 200,
        "staged": f"{digest().hex()[:40]}.{new_id()}",
        "body_key": None,
        "payload_length": 1000,
        "part_size": 600,
        "size": 1600,
        "created_at": NOW,
        "expires_at": UNTIL,
    }
    return Upload(**fields | options)


async def begin(records, upload, organisation):
    async with records.bookkeeping() as books:
        await books.uploads.begin(upload, organisation.id)
    return upload


async def keep(records, upload, part, *, now=NOW, until=UNTIL) -> None:
    async with records.bookkeeping() as books:
        await books.uploads.keep_part(upload.id, part, now=now, until=until)


async def complete(records, upload, *, now=NOW) -> None:
    async with records.change(ORIGIN) as tx:
        await tx.uploads.complete(upload.id, body_key=object_key(upload.staged), now=now)
        await tx.record(Action.EVIDENCE_DEPOSITED)


async def abandon(records, upload, *, now=NOW) -> None:
    async with records.bookkeeping() as books:
        await books.uploads.abandon(upload.id, now=now)


async def renew(records, before, *, generation, head=b"newer", now=NOW) -> None:
    async with records.bookkeeping() as books:
        await books.uploads.renew(before, head=head, generation=generation, now=now)


async def found(records, upload, *, now=NOW):
    """Return a session as it is found by its id and, which has to be the same, by its seal."""
    async with records.read() as view:
        by_id = await view.uploads.get(upload.id, now=now)
        assert await view.uploads.by_seal(upload.seal_id, now=now) == by_id
        return by_id


def sized(dossier, size, **options):
    """Return a deposit that counts ``size`` bytes."""
    head = random_bytes(60)
    return deposit_of(
        dossier.id, head=head, body=StoredObject(digest().hex()[:40], size - len(head)), **options
    )


async def parts(records, upload):
    async with records.read() as view:
        return await view.uploads.parts(upload.id)


async def expired(records, *, now, limit=10):
    async with records.read() as view:
        some = await view.uploads.expired(now=now, limit=limit)
        assert await view.uploads.count_expired(now=now) >= len(some)
        return some


class UploadSuite:
    @pytest.fixture
    async def organisation(self, records):
        return await change(records, add_organisation, quota_bytes=4000)

    @pytest.fixture
    async def dossier(self, records, organisation):
        return await change(records, add_dossier, organisation.id)

    async def test_a_session_is_found_by_its_id_and_by_its_seal(self, records, organisation, dossier) -> None:
        one = await begin(records, upload_of(dossier.id), organisation)
        other = await begin(records, upload_of(dossier.id), organisation)
        assert await found(records, one) == one
        assert await found(records, other) == other
        async with records.read() as view:
            assert await view.uploads.get(new_id(), now=NOW) is None
            assert await view.uploads.by_seal(digest(), now=NOW) is None
            assert (await view.journal.checkpoint()).size == 2  # organisation and dossier

    async def test_of_many_that_begin_with_one_seal_one_wins(
        self, open_records, organisation, dossier
    ) -> None:
        processes = [await open_records() for _ in range(3)]
        seal = digest()
        rivals = [upload_of(dossier.id, seal_id=seal, size=100) for _ in range(12)]
        results = await asyncio.gather(
            *(begin(processes[n % 3], rival, organisation) for n, rival in enumerate(rivals)),
            return_exceptions=True,
        )
        (winner,) = [one for one in results if isinstance(one, Upload)]
        assert sum(isinstance(one, AlreadyExistsError) for one in results) == 11
        for rival in rivals:
            async with processes[0].read() as view:
                assert await view.uploads.get(rival.id, now=NOW) == (winner if rival is winner else None)

    async def test_only_one_that_has_expired_makes_room_for_its_seal(
        self, records, organisation, dossier
    ) -> None:
        old = await begin(records, upload_of(dossier.id), organisation)
        await keep(records, old, StagedPart(1, 600, "tag"))
        for moment in (NOW, UNTIL - 1):
            with pytest.raises(AlreadyExistsError):
                await begin(
                    records, upload_of(dossier.id, seal_id=old.seal_id, created_at=moment), organisation
                )
        new = upload_of(dossier.id, seal_id=old.seal_id, created_at=UNTIL, expires_at=UNTIL + 100)
        await begin(records, new, organisation)
        async with records.read() as view:
            assert await view.uploads.by_seal(old.seal_id, now=NOW) == new
            assert await view.uploads.get(old.id, now=NOW) is None
        assert await parts(records, old) == await parts(records, new) == ()

    async def test_a_part_is_noted_once_and_the_last_word_counts(
        self, records, organisation, dossier
    ) -> None:
        upload = await begin(records, upload_of(dossier.id), organisation)
        second, first = StagedPart(2, 400, "b"), StagedPart(1, 600, "a")
        again = StagedPart(2, 401, "c" * 128)
        for part in (second, first, second, again):
            await keep(records, upload, part)
        assert await parts(records, upload) == (first, again)

    async def test_parts_at_once_from_several_processes_are_all_noted(
        self, open_records, organisation, dossier
    ) -> None:
        processes = [await open_records() for _ in range(3)]
        upload = await begin(processes[0], upload_of(dossier.id), organisation)
        await asyncio.gather(
            *(keep(processes[n % 3], upload, StagedPart(n % 5 + 1, 600, str(n % 5))) for n in range(20))
        )
        assert await parts(processes[1], upload) == tuple(StagedPart(n + 1, 600, str(n)) for n in range(5))

    async def test_every_part_moves_the_end(self, records, organisation, dossier) -> None:
        upload = await begin(records, upload_of(dossier.id), organisation)
        await keep(records, upload, StagedPart(1, 600, "a"), now=UNTIL - 1, until=UNTIL + 50)
        assert await found(records, upload, now=UNTIL) == upload._replace(expires_at=UNTIL + 50)
        assert await expired(records, now=UNTIL + 49) == ()

    async def test_one_that_has_expired_is_not_there_and_takes_nothing(
        self, records, organisation, dossier
    ) -> None:
        upload = await begin(records, upload_of(dossier.id), organisation)
        assert await found(records, upload, now=UNTIL - 1) == upload
        assert await found(records, upload, now=UNTIL) is None
        for work in (
            keep(records, upload, StagedPart(1, 600, "a"), now=UNTIL, until=UNTIL + 100),
            renew(records, upload, generation=2, now=UNTIL),
            complete(records, upload, now=UNTIL),
            abandon(records, upload, now=UNTIL),
        ):
            with pytest.raises(OutdatedError):
                await work
        assert await found(records, upload) == upload
        assert await parts(records, upload) == ()

    async def test_whoever_cleans_up_gets_what_has_expired_the_oldest_first(
        self, records, organisation, dossier
    ) -> None:
        uploads = [
            await begin(records, upload_of(dossier.id, expires_at=NOW + end, size=1), organisation)
            for end in (30, 10, 20, 40)
        ]
        names = [UploadObjects(one.id, one.trailer_key, one.staged) for one in uploads]
        await keep(records, uploads[1], StagedPart(1, 600, "a"), until=NOW + 10)
        assert await expired(records, now=NOW + 9) == ()
        assert await expired(records, now=NOW + 30) == (names[1], names[2], names[0])
        assert await expired(records, now=NOW + 30, limit=2) == (names[1], names[2])
        async with records.read() as view:
            assert await view.uploads.count_expired(now=NOW + 30) == 3
        for _ in range(2):  # what is not there is already removed
            async with records.bookkeeping() as books:
                await books.uploads.delete(uploads[1].id)
        assert await parts(records, uploads[1]) == ()
        assert await expired(records, now=NOW + 40) == (names[2], names[0], names[3])

    async def test_completing_ends_it_and_it_stays_to_be_found(self, records, organisation, dossier) -> None:
        upload = await begin(records, upload_of(dossier.id), organisation)
        await keep(records, upload, StagedPart(1, 600, "a"))
        await complete(records, upload)
        done = upload._replace(state="completed", body_key=object_key(upload.staged))
        assert await found(records, upload) == done
        assert await parts(records, upload) == ()
        for work in (
            keep(records, upload, StagedPart(1, 600, "a")),
            renew(records, upload, generation=2),
            complete(records, upload),
            abandon(records, upload),
        ):
            with pytest.raises(OutdatedError):
                await work
        assert await found(records, upload) == done
        assert await expired(records, now=UNTIL) == (
            UploadObjects(upload.id, upload.trailer_key, upload.staged),
        )

    async def test_a_completion_that_fails_leaves_it_open_with_its_parts(
        self, records, organisation, dossier
    ) -> None:
        upload = await begin(records, upload_of(dossier.id), organisation)
        await keep(records, upload, part := StagedPart(1, 600, "a"))

        async def fail(tx) -> None:
            await tx.uploads.complete(upload.id, body_key=object_key(upload.staged), now=NOW)
            raise LookupError

        with pytest.raises(LookupError):
            await change(records, fail)
        assert await found(records, upload) == upload
        assert await parts(records, upload) == (part,)

    async def test_of_a_completion_and_giving_up_one_wins(self, open_records, organisation, dossier) -> None:
        one, other = await open_records(), await open_records()
        for _ in range(4):
            upload = await begin(one, upload_of(dossier.id, size=1), organisation)
            completed, given_up = await asyncio.gather(
                complete(one, upload), abandon(other, upload), return_exceptions=True
            )
            assert isinstance(completed, OutdatedError) != isinstance(given_up, OutdatedError)
            kept = await found(one, upload)
            assert (kept is None) == (given_up is None)

    async def test_giving_up_removes_it_with_its_parts(self, records, organisation, dossier) -> None:
        upload = await begin(records, upload_of(dossier.id), organisation)
        other = await begin(records, upload_of(dossier.id), organisation)
        for one in (upload, other):
            await keep(records, one, StagedPart(1, 600, "a"))
        await abandon(records, upload)
        assert await found(records, upload) is None
        assert await parts(records, upload) == ()
        assert await parts(records, other) == (StagedPart(1, 600, "a"),)
        with pytest.raises(OutdatedError):
            await abandon(records, upload)

    async def test_a_newer_envelope_takes_the_place_of_the_one_that_was_seen(
        self, records, organisation, dossier
    ) -> None:
        upload = await begin(records, upload_of(dossier.id), organisation)
        head = random_bytes(450)
        await renew(records, upload, generation=2, head=head)
        newer = upload._replace(generation=2, head=head, size=1650)
        assert await found(records, upload) == newer
        with pytest.raises(OutdatedError):
            await renew(records, upload, generation=3)
        assert await found(records, upload) == newer

    # --- the quota -----------------------------------------------------------------------------------

    async def test_what_open_sessions_announce_counts_to_the_last_byte(
        self, records, organisation, dossier
    ) -> None:
        other_dossier = await change(records, add_dossier, organisation.id)
        await begin(records, upload_of(dossier.id, size=1500), organisation)
        await begin(records, upload_of(other_dossier.id, size=1500), organisation)
        too_much = upload_of(dossier.id, size=1001)
        with pytest.raises(QuotaExceededError):
            await begin(records, too_much, organisation)
        assert await found(records, too_much) is None
        await begin(records, upload_of(dossier.id, size=1000), organisation)

    async def test_what_is_stored_counts_with_it(self, records, organisation, dossier) -> None:
        stored = deposit_of(dossier.id, body=StoredObject(digest().hex()[:40], 1600))
        await publish(records, stored)
        left = 4000 - 1600 - len(stored.head)
        with pytest.raises(QuotaExceededError):
            await begin(records, upload_of(dossier.id, size=left + 1), organisation)
        await begin(records, upload_of(dossier.id, size=left), organisation)

    async def test_what_others_announce_does_not(self, records, organisation, dossier) -> None:
        other = await change(records, add_organisation, quota_bytes=4000)
        theirs = await change(records, add_dossier, other.id)
        await begin(records, upload_of(theirs.id, size=4000), other)
        await begin(records, upload_of(dossier.id, size=4000), organisation)

    @pytest.mark.parametrize("ending", ["abandoned", "completed", "expired"])
    async def test_what_has_ended_announces_nothing(self, records, organisation, dossier, ending) -> None:
        upload = await begin(records, upload_of(dossier.id, size=4000), organisation)
        if ending == "abandoned":
            await abandon(records, upload)
        elif ending == "completed":
            await complete(records, upload)
        start = UNTIL if ending == "expired" else NOW
        await begin(
            records, upload_of(dossier.id, size=4000, created_at=start, expires_at=start + 1), organisation
        )

    async def test_a_deposit_leaves_the_room_that_others_announced(
        self, records, organisation, dossier
    ) -> None:
        upload = await begin(records, upload_of(dossier.id, size=3000), organisation)
        with pytest.raises(QuotaExceededError):
            await publish(records, sized(dossier, 1001))
        await publish(records, sized(dossier, 1000))
        # What was announced is taken, by whichever way it comes.
        await publish(records, sized(dossier, 3000, seal_id=upload.seal_id))

    @pytest.mark.parametrize("ending", ["abandoned", "expired"])
    async def test_a_deposit_has_what_an_upload_gave_back(
        self, records, clock, organisation, dossier, ending
    ) -> None:
        upload = await begin(records, upload_of(dossier.id, size=4000), organisation)
        with pytest.raises(QuotaExceededError):
            await publish(records, sized(dossier, 100))
        if ending == "abandoned":
            await abandon(records, upload)
        else:
            clock.time = UNTIL
        await publish(records, sized(dossier, 4000))

    async def test_deposits_and_uploads_at_once_stay_within_it(
        self, open_records, organisation, dossier
    ) -> None:
        processes = [await open_records() for _ in range(4)]

        def enter(number):
            records = processes[number % 4]
            if number % 2:
                return publish(records, sized(dossier, 900))
            return begin(records, upload_of(dossier.id, size=900), organisation)

        results = await asyncio.gather(*map(enter, range(24)), return_exceptions=True)
        refused = [one for one in results if isinstance(one, BaseException)]
        assert {type(one) for one in refused} == {QuotaExceededError}
        assert len(results) - len(refused) == 4

    async def test_many_that_begin_at_once_stay_within_it(self, open_records, organisation, dossier) -> None:
        processes = [await open_records() for _ in range(4)]
        results = await asyncio.gather(
            *(begin(processes[n % 4], upload_of(dossier.id, size=900), organisation) for n in range(16)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Upload) for one in results) == 4
        assert sum(isinstance(one, QuotaExceededError) for one in results) == 12

    # --- the objects ---------------------------------------------------------------------------------

    @pytest.mark.parametrize("which", ["trailer", "body"])
    async def test_what_was_condemned_cannot_be_named_any_more(
        self, records, organisation, dossier, which
    ) -> None:
        upload = upload_of(dossier.id)
        key = upload.trailer_key if which == "trailer" else object_key(upload.staged)
        async with records.bookkeeping() as books:
            assert await books.condemning.condemn([key], now=NOW) == {key}
        with pytest.raises(ObjectCondemnedError):
            await begin(records, upload, organisation)
        assert await found(records, upload) is None
