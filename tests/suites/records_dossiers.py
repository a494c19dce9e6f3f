"""Dossiers, depositors, grants and templates."""

import pytest

from tests.suites.records_people import walk
from tests.suites.samples import (
    NOW,
    add_account,
    add_depositor,
    add_dossier,
    add_grant,
    add_organisation,
    add_statement,
    add_template,
    change,
    digest,
)
from vault.server.ports import AlreadyExistsError, OutdatedError, new_id


async def listed(records, **conditions) -> list[str]:
    async with records.read() as view:
        return [one.id for one in (await view.dossiers.list(**conditions)).items]


async def remove(tx, dossier_id, key):
    return await tx.depositors.remove(dossier_id, key)


async def withdraw(tx, statement_id, at) -> None:
    by = await add_statement(tx, kind="withdrawal")
    await tx.statements.withdraw(statement_id, by=by.id, at=at)


class DossierSuite:
    async def test_a_dossier_is_opened_once_and_closed_once(self, records, clock) -> None:
        made = await change(records, add_dossier, dossier_id="MES-2801")
        assert made.generation == 1
        with pytest.raises(AlreadyExistsError):
            await change(records, add_dossier, dossier_id="MES-2801")
        with pytest.raises(AlreadyExistsError):
            await change(records, add_dossier, organisation_id=new_id())

        async def close(tx) -> None:
            await tx.dossiers.close("MES-2801")

        clock.time = NOW + 3
        await change(records, close)
        with pytest.raises(OutdatedError):
            await change(records, close)
        async with records.read() as view:
            assert await view.dossiers.get("MES-2801") == made._replace(closed_at=NOW + 3)
            assert await view.dossiers.get("MES-0") is None

    async def test_dossiers_are_listed_by_tenant_and_state(self, records) -> None:
        organisation = await change(records, add_organisation)
        other = await change(records, add_dossier)
        mine = [(await change(records, add_dossier, organisation_id=organisation.id)).id for _ in range(3)]

        async def close(tx) -> None:
            await tx.dossiers.close(mine[1])

        await change(records, close)
        assert await listed(records) == [*mine[::-1], other.id]
        assert await listed(records, organisation_id=organisation.id) == mine[::-1]
        assert await listed(records, organisation_id=organisation.id, closed=True) == [mine[1]]
        assert await listed(records, closed=False) == [mine[2], mine[0], other.id]
        async with records.read() as view:
            assert [one.id for one in await walk(view.dossiers.list, 1)] == [*mine[::-1], other.id]

    async def test_a_key_sees_the_dossiers_that_it_has_a_mandate_for_at_that_time(self, records) -> None:
        key = digest()
        names = [(await change(records, add_dossier)).id for _ in range(5)]
        await change(records, add_depositor, names[0], key)
        await change(records, add_depositor, names[1], key, valid_from=NOW + 10, valid_until=NOW + 20)
        await change(records, add_depositor, names[2], key)
        await change(records, remove, names[2], key)
        withdrawn = await change(records, add_depositor, names[3], key)
        await change(records, withdraw, withdrawn.mandate_id, NOW + 5)
        await change(records, add_depositor, names[4])
        for moment, expected in (
            (NOW - 1, set()),
            (NOW, {0, 3}),
            (NOW + 4, {0, 3}),
            (NOW + 5, {0}),
            (NOW + 10, {0, 1}),
            (NOW + 19, {0, 1}),
            (NOW + 20, {0}),
        ):
            found = await listed(records, mandated=(key, moment))
            assert found == [names[number] for number in sorted(expected, reverse=True)], moment

    async def test_a_grantee_sees_the_dossiers_that_were_granted_and_not_revoked(self, records) -> None:
        grantee = digest()
        names = [(await change(records, add_dossier)).id for _ in range(3)]
        await change(records, add_grant, names[0], grantee)
        revoked = await change(records, add_grant, names[1], grantee)

        async def revoke(tx) -> None:
            await tx.grants.revoke(revoked.id)

        assert await listed(records, grantee=grantee) == [names[1], names[0]]
        await change(records, revoke)
        with pytest.raises(OutdatedError):
            await change(records, revoke)
        assert await listed(records, grantee=grantee) == [names[0]]
        async with records.read() as view:
            assert await view.grants.is_granted(names[0], grantee)
            assert not await view.grants.is_granted(names[1], grantee)
            assert not await view.grants.is_granted(names[0], digest())
            assert await view.grants.standing(names[1], grantee) == ()
            assert (await view.grants.get(revoked.id)).revoked_at == NOW

    async def test_a_generation_is_granted_to_a_key_once_until_revoked(self, records) -> None:
        dossier, grantee = await change(records, add_dossier), digest()
        first = await change(records, add_grant, dossier.id, grantee, generation=1)
        with pytest.raises(AlreadyExistsError):
            await change(records, add_grant, dossier.id, grantee, generation=1)
        second = await change(records, add_grant, dossier.id, grantee, generation=2)
        async with records.read() as view:
            assert await view.grants.standing(dossier.id, grantee) == (first, second)

        async def revoke(tx) -> None:
            await tx.grants.revoke(first.id)

        await change(records, revoke)
        again = await change(records, add_grant, dossier.id, grantee, generation=1)
        async with records.read() as view:
            assert await view.grants.standing(dossier.id, grantee) == (again, second)
            page = await view.grants.list(dossier.id)
            assert [one.id for one in page.items] == [again.id, second.id, first.id]

    async def test_a_depositors_mandates_are_found_until_it_is_removed(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        key = digest()
        first = await change(records, add_depositor, dossier.id, key)
        second = await change(records, add_depositor, dossier.id, key)
        elsewhere = await change(records, add_depositor, other.id, key)
        async with records.read() as view:
            assert await view.depositors.get(first.id) == first
            assert await view.depositors.standing(key) == (first, second, elsewhere)
            assert await view.depositors.standing(key, dossier.id) == (first, second)
            mandates = await view.depositors.mandates(dossier.id, key)
            assert [one.id for one in mandates] == [first.mandate_id, second.mandate_id]
            page = await view.depositors.list(dossier.id)
            assert page.items == (second, first)
        assert await change(records, remove, dossier.id, key) == 2
        with pytest.raises(OutdatedError):
            await change(records, remove, dossier.id, key)
        async with records.read() as view:
            assert await view.depositors.standing(key) == (elsewhere,)
            assert await view.depositors.mandates(dossier.id, key) == ()
            assert (await view.depositors.list(dossier.id)).items == ()

    async def test_a_mandate_serves_one_depositor(self, records) -> None:
        dossier = await change(records, add_dossier)
        depositor = await change(records, add_depositor, dossier.id)

        async def add(tx, mandate_id) -> None:
            fields = depositor._asdict() | {"depositor_id": new_id(), "mandate_id": mandate_id}
            for name in ("id", "removed_at", "position", "created_at"):
                del fields[name]
            await tx.depositors.add(**fields)

        for mandate_id in (depositor.mandate_id, digest()):
            with pytest.raises(AlreadyExistsError):
                await change(records, add, mandate_id)

    async def test_a_template_is_found_by_its_code_until_it_is_withdrawn(self, records) -> None:
        dossier = await change(records, add_dossier)
        made = await change(records, add_template, dossier.id, head=b"head", body=b"body!")
        async with records.read() as view:
            assert made.size == 9
            assert await view.templates.by_code(made.code_hash) == await view.templates.get(made.id) == made
            assert await view.templates.by_code(digest()) is None
            assert await view.templates.by_signer(dossier.id, made.signer) == (made,)
            assert (await view.templates.parts(made.id))[1:] == (b"head", b"body!")

        async def end(tx) -> None:
            await tx.templates.withdraw(made.id)

        await change(records, end)
        with pytest.raises(OutdatedError):
            await change(records, end)
        async with records.read() as view:
            assert (await view.templates.by_code(made.code_hash)).withdrawn_at == NOW
            assert await view.templates.parts(made.id) is None
            assert await view.templates.by_signer(dossier.id, made.signer) == ()
            assert [one.id for one in (await view.templates.list(dossier.id)).items] == [made.id]
            (kept,) = await view.templates.after("", dossier_id=dossier.id, limit=9)
            assert kept.id == made.id
            assert kept in await view.templates.after("", dossier_id=None, limit=9)
            assert await view.templates.after(made.id, dossier_id=dossier.id, limit=9) == ()
            assert await view.templates.after("", dossier_id="none", limit=9) == ()
        with pytest.raises(AlreadyExistsError):
            await change(records, add_template, dossier.id, seal_id=made.seal_id)

    async def test_what_belongs_to_a_dossier_is_not_listed_in_another(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        for add in (add_grant, add_depositor, add_template):
            await change(records, add, dossier.id)
        async with records.read() as view:
            for area in (view.grants, view.depositors, view.templates):
                assert len((await area.list(dossier.id)).items) == 1
                assert (await area.list(other.id)).items == ()

    async def test_an_account_is_named_by_its_dossiers(self, records) -> None:
        account = await change(records, add_account)
        made = await change(records, add_dossier, opened_by=account.id)
        assert made.opened_by == account.id
