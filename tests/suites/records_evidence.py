"""Proofs: published whole, one active version each, replaced, archived, rewrapped and listed."""

import pytest

from tests.suites.records_law import attempt, journal
from tests.suites.samples import (
    NOW,
    add_account,
    add_dossier,
    add_organisation,
    add_statement,
    change,
    deposit_of,
    digest,
    publish,
)
from vault.journal import Action
from vault.server.ports import (
    AlreadyExistsError,
    OutdatedError,
    QuotaExceededError,
    SealKnownError,
    StoredObject,
    UnrecordedChangeError,
    new_id,
)
from vault.server.stores.records.rows import SignedBytes


async def archive(tx, proof_id, expected):
    return await tx.evidence.archive(proof_id, expected=expected)


async def rewrite(tx, seal_id, expected=1, head=b"new head", envelope_digest=None):
    return await tx.evidence.rewrite_head(
        seal_id,
        expected=expected,
        head=head,
        envelope_digest=envelope_digest or digest(),
        dossier_generation=2,
    )


async def seals(records, dossier_id, **conditions) -> list[bytes]:
    async with records.read() as view:
        return [one.seal_id for one in (await view.evidence.list(dossier_id, **conditions)).items]


async def used(records, dossier) -> int:
    async with records.read() as view:
        return (await view.organisations.get(dossier.organisation_id)).used_bytes


class EvidenceSuite:
    async def test_every_version_in_the_order_of_the_deposits(self, records) -> None:
        one, other = [(await change(records, add_dossier)).id for _ in range(2)]
        first, alien, second = deposit_of(one), deposit_of(other), deposit_of(one)
        for deposit in (first, alien, second):
            await publish(records, deposit)
        async with records.read() as view:
            everything = await view.evidence.after(-1, dossier_id=None, limit=9)
            assert [row.seal_id for row in everything] == [first.seal_id, alien.seal_id, second.seal_id]
            (page,) = await view.evidence.after(everything[0].position, dossier_id=None, limit=1)
            assert page == everything[1]
            of_one = await view.evidence.after(everything[0].position, dossier_id=one, limit=9)
            assert of_one == (everything[2],)
            assert await view.evidence.after(everything[2].position, dossier_id=None, limit=9) == ()
            assert set(await view.evidence.by_seals({first.seal_id, alien.seal_id, bytes(32)})) == {
                everything[0],
                everything[1],
            }
            assert await view.evidence.total(dossier_id=None) == (3, 3 * 600)
            assert await view.evidence.total(dossier_id=other) == (1, 600)
            assert await view.evidence.total(dossier_id="none") == (0, 0)
            assert await view.journal.count() == (await view.journal.checkpoint()).size

    async def test_a_deposit_is_published_with_everything_that_belongs_to_it(self, records, clock) -> None:
        dossier = await change(records, add_dossier)
        clock.time = NOW + 7
        deposit = deposit_of(dossier.id, receipt=SignedBytes(b"said", b"signed"))
        version = await publish(records, deposit)
        async with records.read() as view:
            assert await view.evidence.by_seal(deposit.seal_id) == version
            assert await view.evidence.version(deposit.proof_id, 1) == version
            assert await view.evidence.version(deposit.proof_id, 2) is None
            assert await view.evidence.versions(deposit.proof_id) == (version,)
            assert await view.evidence.head(deposit.seal_id) == deposit.head
            assert await view.evidence.seal(deposit.seal_id) == deposit.seal
            assert await view.evidence.receipt(deposit.seal_id) == (b"said", b"signed")
            proof = await view.evidence.proof(deposit.proof_id)
            for missing in (
                await view.evidence.by_seal(digest()),
                await view.evidence.head(digest()),
                await view.evidence.seal(digest()),
                await view.evidence.receipt(digest()),
                await view.evidence.proof(new_id()),
            ):
                assert missing is None
        assert (version.number, version.state, version.archived_at) == (1, "active", None)
        assert (version.head_size, version.body_key) == (len(deposit.head), deposit.body.key)
        assert (version.created_at, version.position) == (NOW + 7, 1)
        assert (proof.seal_id, proof.version, proof.state) == (deposit.seal_id, 1, "active")
        assert len(await journal(records)) == 2

    async def test_without_an_entry_nothing_is_published(self, records) -> None:
        dossier = await change(records, add_dossier)
        deposit = deposit_of(dossier.id)

        async def act(tx) -> None:
            await tx.evidence.publish(deposit)

        with pytest.raises(UnrecordedChangeError):
            await attempt(records, act)
        async with records.read() as view:
            assert await view.evidence.by_seal(deposit.seal_id) is None
            assert await view.evidence.proof(deposit.proof_id) is None
        assert await used(records, dossier) == 0

    async def test_a_replaced_version_is_archived_and_stays(self, records, clock) -> None:
        dossier = await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        clock.time = NOW + 5
        second = await publish(
            records,
            deposit_of(dossier.id, first.seal_id, proof_id=first.proof_id),
            Action.EVIDENCE_REPLACED,
        )
        assert (second.number, second.supersedes) == (2, first.seal_id)
        async with records.read() as view:
            versions = await view.evidence.versions(first.proof_id)
            assert versions == (first._replace(state="archived", archived_at=NOW + 5), second)
            assert (await view.evidence.proof(first.proof_id)).seal_id == second.seal_id
            assert await view.evidence.head(first.seal_id) is not None
            assert await view.evidence.receipt(first.seal_id) is not None
        assert await seals(records, dossier.id, state="active") == [second.seal_id]
        assert await seals(records, dossier.id, state="archived") == [first.seal_id]

    @pytest.mark.parametrize("spoiled", ["another seal", "another proof", "another type", "another dossier"])
    async def test_only_the_active_seal_of_the_same_proof_is_superseded(self, records, spoiled) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        good = deposit_of(dossier.id, first.seal_id, proof_id=first.proof_id)
        bad = {
            "another seal": good._replace(supersedes=digest()),
            "another proof": good._replace(proof_id=new_id()),
            "another type": good._replace(evidence_type="cgu"),
            "another dossier": good._replace(dossier_id=other.id),
        }[spoiled]
        before = await journal(records)
        with pytest.raises(OutdatedError):
            await publish(records, bad)
        assert await journal(records) == before
        assert await used(records, dossier) == 1000
        assert await used(records, other) == 0
        assert await seals(records, dossier.id, state="active") == [first.seal_id]
        assert (await publish(records, good)).number == 2

    async def test_a_seal_is_taken_once_forever(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        await publish(records, deposit_of(dossier.id, first.seal_id, proof_id=first.proof_id))
        for again in (
            deposit_of(dossier.id, seal_id=first.seal_id),
            deposit_of(other.id, seal_id=first.seal_id),
        ):
            with pytest.raises(SealKnownError):
                await publish(records, again)

    async def test_a_proof_id_and_an_object_serve_once(self, records) -> None:
        dossier = await change(records, add_dossier)
        first = await publish(records, deposit_of(dossier.id))
        for again in (
            deposit_of(dossier.id, proof_id=first.proof_id),
            deposit_of(dossier.id, body=StoredObject(first.body_key, 600)),
        ):
            with pytest.raises(AlreadyExistsError):
                await publish(records, again)

    async def test_a_deposit_needs_its_dossier(self, records) -> None:
        with pytest.raises(OutdatedError):
            await publish(records, deposit_of("MES-none"))

    async def test_whole_containers_count_against_the_quota_archived_ones_too(self, records) -> None:
        organisation = await change(records, add_organisation, quota_bytes=2500)
        dossier = await change(records, add_dossier, organisation_id=organisation.id)
        first = await publish(records, deposit_of(dossier.id))
        await publish(records, deposit_of(dossier.id, first.seal_id, proof_id=first.proof_id))
        assert await used(records, dossier) == 2000
        with pytest.raises(QuotaExceededError):
            await publish(records, deposit_of(dossier.id))
        assert await used(records, dossier) == 2000
        await publish(records, deposit_of(dossier.id, body=StoredObject("f" * 40, 100)))
        assert await used(records, dossier) == 2500

    async def test_a_proof_is_archived_once_and_never_replaced_after(self, records, clock) -> None:
        dossier = await change(records, add_dossier)
        version = await publish(records, deposit_of(dossier.id))
        with pytest.raises(OutdatedError):
            await change(records, archive, version.proof_id, digest())
        clock.time = NOW + 9
        proof = await change(records, archive, version.proof_id, version.seal_id)
        assert (proof.state, proof.seal_id) == ("archived", version.seal_id)
        with pytest.raises(OutdatedError):
            await change(records, archive, version.proof_id, version.seal_id)
        with pytest.raises(OutdatedError):
            await publish(records, deposit_of(dossier.id, version.seal_id, proof_id=version.proof_id))
        async with records.read() as view:
            found = await view.evidence.version(version.proof_id, 1)
        assert found == version._replace(state="archived", archived_at=NOW + 9)

    async def test_a_rewritten_envelope_takes_the_place_of_the_old_one(self, records) -> None:
        dossier = await change(records, add_dossier)
        version = await publish(records, deposit_of(dossier.id))
        new = digest()
        after = await change(records, rewrite, version.seal_id, 1, b"x" * 500, new)
        assert after == version._replace(
            generation=2, envelope_digest=new, dossier_generation=2, head_size=500
        )
        async with records.read() as view:
            assert await view.evidence.head(version.seal_id) == b"x" * 500
            assert await view.evidence.seal(version.seal_id) is not None
            assert await view.evidence.generations(dossier.id) == (2,)
        assert await used(records, dossier) == 1100
        for expected in (1, 3):
            with pytest.raises(OutdatedError):
                await change(records, rewrite, version.seal_id, expected)
        with pytest.raises(OutdatedError):
            await change(records, rewrite, digest())

    async def test_an_archived_version_is_rewrapped_too(self, records) -> None:
        dossier = await change(records, add_dossier)
        version = await publish(records, deposit_of(dossier.id))
        await change(records, archive, version.proof_id, version.seal_id)
        assert (await change(records, rewrite, version.seal_id)).state == "archived"

    async def test_generations_are_those_of_todays_envelopes(self, records) -> None:
        dossier = await change(records, add_dossier)
        for generation in (3, 1, 3):
            await publish(records, deposit_of(dossier.id, dossier_generation=generation))
        async with records.read() as view:
            assert await view.evidence.generations(dossier.id) == (1, 3)
            assert await view.evidence.generations("MES-none") == ()

    async def test_openings_and_complaints_mark_the_version_once_each(self, records, clock) -> None:
        dossier, account = await change(records, add_dossier), await change(records, add_account)
        version = await publish(records, deposit_of(dossier.id))

        async def note(tx, outcome):
            statement = await add_statement(tx, kind="opening")
            return await tx.evidence.note_opening(
                opening_id=new_id(),
                seal_id=version.seal_id,
                account_id=account.id,
                outcome=outcome,
                statement_id=statement.id,
            )

        noted = []
        for moment, outcome in enumerate(["no_access", "opened", "opened", "payload_damaged"]):
            clock.time = NOW + moment
            noted.append(await change(records, note, outcome))
        async with records.read() as view:
            found = await view.evidence.by_seal(version.seal_id)
            assert (found.complained_at, found.opened_at) == (NOW, NOW + 1)
            assert await view.evidence.openings(version.seal_id) == tuple(noted)
            assert await view.evidence.openings(digest()) == ()


class EvidenceListSuite:
    async def test_lists_are_by_type_state_and_signer(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        signer = digest()
        one = await publish(records, deposit_of(dossier.id, evidence_type="aipd", signer=signer))
        two = await publish(records, deposit_of(dossier.id, evidence_type="cgu"))
        three = await publish(records, deposit_of(dossier.id, evidence_type="aipd"))
        await publish(records, deposit_of(other.id, evidence_type="aipd"))
        for conditions, expected in (
            ({}, [three, two, one]),
            ({"evidence_type": "aipd"}, [three, one]),
            ({"evidence_type": "securite"}, []),
            ({"signers": {signer}}, [one]),
            ({"signers": {signer, digest()}, "evidence_type": "cgu"}, []),
        ):
            found = await seals(records, dossier.id, state="active", **conditions)
            assert found == [version.seal_id for version in expected]
            assert await seals(records, dossier.id, state="archived", **conditions) == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 9, 10, 200])
    async def test_pages_tile_the_list(self, records, limit) -> None:
        dossier = await change(records, add_dossier)
        made = [(await publish(records, deposit_of(dossier.id))).seal_id for _ in range(9)]
        seen, cursor = [], None
        while True:
            async with records.read() as view:
                page = await view.evidence.list(dossier.id, state="active", cursor=cursor, limit=limit)
            assert len(page.items) <= limit
            seen += [one.seal_id for one in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert seen == made[::-1]

    async def test_deposits_and_replacements_while_a_list_is_read_shift_nothing(self, records) -> None:
        dossier = await change(records, add_dossier)
        made = [await publish(records, deposit_of(dossier.id)) for _ in range(9)]
        seen, cursor = [], None
        for _ in range(20):
            async with records.read() as view:
                page = await view.evidence.list(dossier.id, state="active", cursor=cursor, limit=2)
            seen += [one.seal_id for one in page.items]
            cursor = page.next
            if cursor is None:
                break
            await publish(records, deposit_of(dossier.id))
            # One that was seen already is replaced: its newer version is newer than the cursor.
            if (known := next((one for one in made if one.seal_id == seen[-1]), None)) is not None:
                await publish(records, deposit_of(dossier.id, known.seal_id, proof_id=known.proof_id))
        assert seen == [one.seal_id for one in made[::-1]]

    async def test_every_version_is_in_exactly_one_list(self, records) -> None:
        dossier = await change(records, add_dossier)
        made = []
        for _ in range(3):
            version = await publish(records, deposit_of(dossier.id))
            made.append(version.seal_id)
            for _ in range(2):
                version = await publish(
                    records, deposit_of(dossier.id, version.seal_id, proof_id=version.proof_id)
                )
                made.append(version.seal_id)
        await change(records, archive, version.proof_id, version.seal_id)
        active = await seals(records, dossier.id, state="active")
        archived = await seals(records, dossier.id, state="archived")
        assert (len(active), len(archived)) == (2, 7)
        assert sorted(active + archived) == sorted(made)
