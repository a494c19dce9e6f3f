"""Retention times, and erased dossiers: what is gone, what stays, and what is still to be removed."""

import json

import pytest
from sqlalchemy import func, select

from tests.suites.records_people import walk
from tests.suites.samples import (
    NOW,
    add_depositor,
    add_dossier,
    add_grant,
    add_organisation,
    add_template,
    change,
    deposit_of,
    digest,
    publish,
)
from vault.server.ports import OutdatedError, new_id
from vault.server.stores.records import schema
from vault.server.stores.records.erasing import PAGE, Accesses, Remains
from vault.server.stores.records.rows import (
    DueLock,
    IdempotencyKey,
    Remembered,
    SignedBytes,
    Upload,
    UploadObjects,
)

SIGNED = SignedBytes(b"statement", b"signature")
LINES = [b"first", b"second"]


async def close(tx, dossier_id) -> None:
    await tx.dossiers.close(dossier_id)


async def erase(tx, dossier, lines=LINES):
    return await tx.erasures.erase(dossier.id, dossier.organisation_id, SIGNED, lines)


async def keep_answer(tx, route, answer, name):
    key = IdempotencyKey(name, route, digest())
    await tx.answers.keep(key, Remembered(digest(), 201, answer), now=NOW, until=NOW + 99)
    return key


async def archive(tx, version) -> None:
    await tx.evidence.archive(version.proof_id, expected=version.seal_id)


def upload_of(dossier_id, **options) -> Upload:
    fields = {
        "id": new_id(),
        "dossier_id": dossier_id,
        "proof_id": None,
        "seal_id": digest(),
        "signer": digest(),
        "evidence_type": "aipd",
        "state": "open",
        "generation": 1,
        "head": b"head of an upload",
        "trailer_key": digest()[:20].hex(),
        "trailer_size": 10,
        "staged": digest()[:20].hex() + ".parts",
        "body_key": None,
        "payload_length": 100,
        "part_size": 100,
        "size": 200,
        "created_at": NOW,
        "expires_at": NOW + 99,
    }
    return Upload(**fields | options)


async def begin(records, dossier, **options) -> Upload:
    upload = upload_of(dossier.id, **options)
    async with records.bookkeeping() as books:
        await books.uploads.begin(upload, dossier.organisation_id)
    return upload


async def counted(view, table, **conditions) -> int:
    query = select(func.count()).select_from(table)
    for name, value in conditions.items():
        query = query.where(table.c[name] == value)
    return await view.evidence._handle.value(query)


async def used(records, organisation_id) -> int:
    async with records.read() as view:
        return (await view.organisations.get(organisation_id)).used_bytes


class RetentionSuite:
    async def test_a_retention_time_is_set_and_set_again(self, records, clock) -> None:
        async def put(tx, procedure, days):
            return await tx.retentions.set(procedure, days)

        first = await change(records, put, "référencement guidé", 3650)
        other = await change(records, put, "", 0)
        async with records.read() as view:
            assert await view.retentions.of("référencement guidé") == first
            assert await view.retentions.of("") == other
            assert await view.retentions.of("guidé") is None
        clock.time = NOW + 5
        again = await change(records, put, "référencement guidé", 30)
        assert (again.id, again.days, again.created_at) == (first.id, 30, NOW + 5)
        async with records.read() as view:
            assert await walk(view.retentions.list, 1) == [again, other]


class ErasingSuite:
    async def test_a_dossier_is_erased_once_and_only_when_closed(self, records, clock) -> None:
        dossier = await change(records, add_dossier)
        with pytest.raises(OutdatedError):
            await change(records, erase, dossier)
        await change(records, close, dossier.id)
        clock.time = NOW + 9
        assert await change(records, erase, dossier) == ()
        for one in (dossier, dossier._replace(id="none")):
            with pytest.raises(OutdatedError):
                await change(records, erase, one)
        async with records.read() as view:
            assert (await view.dossiers.get(dossier.id)).erased_at == NOW + 9
            erasure = await view.erasures.get(dossier.id)
            assert (erasure.signed, erasure.created_at) == (SIGNED, NOW + 9)
            assert await view.erasures.get("none") is None
            assert [one.id for one in (await view.dossiers.list(erased=True)).items] == [dossier.id]
            assert (await view.dossiers.list(erased=False)).items == ()

    async def test_lines_are_kept_as_they_were_signed(self, records) -> None:
        dossier, lines = await change(records, add_dossier), [b"%d" % number for number in range(PAGE + 3)]
        await change(records, close, dossier.id)
        await change(records, erase, dossier, lines)
        async with records.read() as view:
            found = await view.erasures.lines(dossier.id, start=0, limit=2 * PAGE)
            assert list(found) == lines
            assert list(await view.erasures.lines(dossier.id, start=PAGE, limit=2)) == lines[PAGE : PAGE + 2]
            assert list(await view.erasures.lines("none", start=0, limit=9)) == []

    async def test_what_opens_the_dossier_is_gone_and_what_proves_it_stays(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        for one in (dossier, other):
            for make in (add_grant, add_template, add_depositor):
                await change(records, make, one.id)
            await publish(records, deposit_of(one.id))
        async with records.read() as view:
            (granted,) = (await view.grants.list(dossier.id)).items
            (template,) = (await view.templates.list(dossier.id)).items
        made = await publish(records, deposit_of(dossier.id))
        upload = await begin(records, dossier)
        theirs = await begin(records, other)
        await change(records, close, dossier.id)
        async with records.read() as view:
            assert await view.erasures.accesses(dossier.id) == Accesses(1, 1, 1)
        ended = await change(records, erase, dossier)
        assert ended == (UploadObjects(upload.id, upload.trailer_key, upload.staged),)
        async with records.read() as view:
            assert await view.erasures.accesses(dossier.id) == Accesses(0, 0, 0)
            assert await view.erasures.accesses(other.id) == Accesses(1, 1, 1)
            # Gone, with the bytes that were wrapped.
            assert (await view.grants.list(dossier.id)).items == ()
            assert await view.statements.get(granted.statement_id) is None
            assert await view.templates.parts(template.id) is None
            assert await view.evidence.head(made.seal_id) is None
            assert await view.uploads.get(upload.id, now=NOW) is None
            # Kept.
            assert (await view.templates.get(template.id)).withdrawn_at == NOW
            assert len((await view.depositors.list(dossier.id)).items) == 1
            assert await view.evidence.seal(made.seal_id) is not None
            assert await view.evidence.receipt(made.seal_id) is not None
            assert await view.evidence.by_seal(made.seal_id) == made._replace(erased_at=NOW)
            # Another dossier lost nothing.
            assert await counted(view, schema.heads) == 1
            assert await counted(view, schema.statements, kind="grant") == 1
            assert await counted(view, schema.template_parts) == 1
            assert await view.uploads.get(theirs.id, now=NOW) == theirs
            assert len((await view.evidence.list(dossier.id, state="active")).items) == 2

    async def test_answers_that_carry_a_grant_are_forgotten(self, records) -> None:
        dossier = await change(records, add_dossier)
        await change(records, close, dossier.id)

        def said(name):
            return json.dumps({"dossier": name, "statement": {}}).encode()

        gone = await change(records, keep_answer, "add_grant", said(dossier.id), "ada")
        stays = [
            await change(records, keep_answer, "add_grant", said("another"), "ada"),
            await change(records, keep_answer, "add_grant", None, "ben"),
            await change(records, keep_answer, "create_dossier", said(dossier.id), "ada"),
        ]
        await change(records, erase, dossier)
        async with records.read() as view:
            assert await view.answers.find(gone, now=NOW) is None
            for key in stays:
                assert await view.answers.find(key, now=NOW) is not None

    async def test_the_organisation_gets_back_what_it_was_charged(self, records) -> None:
        organisation = await change(records, add_organisation)
        dossier = await change(records, add_dossier, organisation_id=organisation.id)
        other = await change(records, add_dossier, organisation_id=organisation.id)
        for one in (dossier, dossier, other):
            await publish(records, deposit_of(one.id))
        assert await used(records, organisation.id) == 3000
        await change(records, close, dossier.id)
        await change(records, erase, dossier)
        assert await used(records, organisation.id) == 1000

    async def test_a_count_that_went_wrong_keeps_nothing(self, records) -> None:
        dossier = await change(records, add_dossier)
        await publish(records, deposit_of(dossier.id))

        async def miscount(tx) -> None:
            await tx.organisations.charge(dossier.organisation_id, -999)

        await change(records, miscount)
        await change(records, close, dossier.id)
        await change(records, erase, dossier)
        assert await used(records, dossier.organisation_id) == 0

    async def test_its_objects_are_condemned_and_named_by_nobody(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        made = [await publish(records, deposit_of(dossier.id)) for _ in range(PAGE + 2)]
        stays = await publish(records, deposit_of(other.id))
        upload = await begin(records, dossier)
        await change(records, close, dossier.id)
        await change(records, erase, dossier)
        keys = {row.body_key for row in made} | {upload.trailer_key, upload.staged.partition(".")[0]}
        async with records.read() as view:
            assert await view.naming.named({made[0].body_key, stays.body_key}) == {stays.body_key}
            condemned = await view.evidence._handle.values(select(schema.condemned.c.key))
            assert set(condemned) == keys

    async def test_a_service_of_erased_dossiers_names_no_object(self, records) -> None:
        dossier = await change(records, add_dossier)
        async with records.read() as view:
            assert not await view.naming.anything()
        await publish(records, deposit_of(dossier.id))
        async with records.read() as view:
            assert await view.naming.anything()
        await change(records, close, dossier.id)
        await change(records, erase, dossier)
        async with records.read() as view:
            assert not await view.naming.anything()

    async def test_versions_are_read_in_the_order_of_their_deposits(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        deposits = [deposit_of(dossier.id) for _ in range(PAGE + 1)]
        made = [await publish(records, deposit) for deposit in deposits]
        await publish(records, deposit_of(other.id))
        async with records.bookkeeping() as books:
            await books.locks.keep([DueLock(made[1].seal_id, made[1].proof_id, 1, made[1].body_key, NOW + 7)])
            where = schema.seals.c.seal_id == made[2].seal_id
            await books.uploads._handle.execute(schema.seals.delete().where(where))
        async with records.read() as view:
            first = await view.erasures.kept(dossier.id)
            assert [one.version for one in first] == made[:PAGE]
            assert [one.seal for one in first[:3]] == [deposits[0].seal, deposits[1].seal, None]
            assert [one.until for one in first[:3]] == [0, NOW + 7, 0]
            rest = await view.erasures.kept(dossier.id, after=first[-1].version.position)
            assert [one.version for one in rest] == made[PAGE:]
            assert await view.erasures.kept(dossier.id, after=made[-1].position) == ()

    async def test_what_nothing_keeps_is_to_be_removed_until_it_is(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        made = [await publish(records, deposit_of(one.id)) for one in (dossier, dossier, dossier, other)]
        held, over = made[0], made[1]
        async with records.bookkeeping() as books:
            await books.locks.keep(
                [
                    DueLock(held.seal_id, held.proof_id, 1, held.body_key, NOW + 50),
                    DueLock(over.seal_id, over.proof_id, 1, over.body_key, NOW),
                ]
            )
        async with records.read() as view:
            assert await view.erasures.removals(now=NOW) == ()
            assert await view.erasures.remains(dossier.id, now=NOW) == Remains(0, 0, 0, 0)
        for one in (dossier, other):
            await change(records, close, one.id)
            await change(records, erase, one)
        expected = sorted(row.seal_id for row in made[1:])
        async with records.read() as view:
            assert [one.seal_id for one in await view.erasures.removals(now=NOW)] == expected
            (first,) = await view.erasures.removals(now=NOW, limit=1)
            assert first.seal_id == expected[0]
            rest = await view.erasures.removals(now=NOW, after=first.seal_id)
            assert [one.seal_id for one in rest] == expected[1:]
            found = await view.erasures.removals(now=NOW, dossier_id=other.id)
            assert [(one.seal_id, one.body_key, one.body_size) for one in found] == [
                (made[3].seal_id, made[3].body_key, 600)
            ]
            assert await view.erasures.remains(dossier.id, now=NOW) == Remains(2, 1, 600, NOW + 50)
            assert await view.erasures.remains(dossier.id, now=NOW + 50) == Remains(3, 0, 0, 0)
        async with records.bookkeeping() as books:
            await books.erasures.removed([over.seal_id], at=NOW + 1)
        async with records.read() as view:
            assert await view.erasures.remains(dossier.id, now=NOW) == Remains(1, 1, 600, NOW + 50)
            assert over.seal_id not in {one.seal_id for one in await view.erasures.removals(now=NOW)}
            assert (await view.evidence.by_seal(over.seal_id)).removed_at == NOW + 1

    async def test_what_is_not_erased_is_never_said_to_be_removed(self, records) -> None:
        dossier = await change(records, add_dossier)
        made = await publish(records, deposit_of(dossier.id))
        async with records.bookkeeping() as books:
            await books.erasures.removed([made.seal_id], at=NOW)
        async with records.read() as view:
            assert await view.evidence.by_seal(made.seal_id) == made

    async def test_an_erased_version_is_not_locked_and_takes_no_envelope(self, records) -> None:
        dossier = await change(records, add_dossier)
        made = await publish(records, deposit_of(dossier.id))
        await change(records, archive, made)
        async with records.read() as view:
            assert (await view.locks.page(seconds=99, now=NOW)).examined == 1
            assert await view.evidence.total(dossier_id=dossier.id) == (1, 600)
        await change(records, close, dossier.id)
        await change(records, erase, dossier)
        async with records.read() as view:
            assert (await view.locks.page(seconds=99, now=NOW)).examined == 0
            assert await view.evidence.total(dossier_id=dossier.id) == (1, 0)

        async def rewrite(tx):
            fields = {"head": b"new", "envelope_digest": digest(), "dossier_generation": 1}
            await tx.evidence.rewrite_head(made.seal_id, expected=1, **fields)

        with pytest.raises(OutdatedError):
            await change(records, rewrite)

    async def test_an_erasure_that_fails_destroys_nothing(self, records) -> None:
        dossier = await change(records, add_dossier)
        await change(records, add_grant, dossier.id)
        made = await publish(records, deposit_of(dossier.id))
        await change(records, close, dossier.id)

        async def fail(tx):
            await erase(tx, dossier)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await change(records, fail)
        async with records.read() as view:
            assert await view.evidence.head(made.seal_id) is not None
            assert await view.erasures.accesses(dossier.id) == Accesses(1, 0, 0)
            assert (await view.dossiers.get(dossier.id)).erased_at is None
