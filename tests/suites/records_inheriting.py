"""What goes from a key to the next one: an account, its habilitations, its grants."""

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.suites.samples import NOW, add_account, add_dossier, add_grant, add_statement, change, digest
from vault.server.ports import AlreadyExistsError, OutdatedError


async def enrolled(tx, role="reviewer"):
    keys, code = Identity.generate(Use.PERSON).public, digest()
    account = await add_account(tx, role, enrolment_hash=code, enrolment_until=NOW + 10)
    await tx.accounts.enrol(account.id, enrolment_hash=code, identity=keys)
    return account.id, keys


async def succeed(tx, account_id, former, identity) -> None:
    await tx.accounts.succeed(account_id, former, identity)


async def hand_over_grants(tx, former, grantee) -> int:
    return await tx.grants.hand_over(former, grantee)


async def hand_over_statements(tx, former, key) -> int:
    return await tx.statements.hand_over(former, key)


async def rewrap(tx, grant_id, expected, statement_id) -> None:
    await tx.grants.rewrap(grant_id, expected=expected, statement_id=statement_id)


class InheritingSuite:
    async def test_an_account_has_the_next_key_once(self, records) -> None:
        account, keys = await change(records, enrolled)
        other, taken = await change(records, enrolled)
        new = Identity.generate(Use.PERSON).public
        for name, former in (
            (account, taken.signing_key_id),
            (other, keys.signing_key_id),
            ("0" * 32, digest()),
        ):
            with pytest.raises(OutdatedError):
                await change(records, succeed, name, former, new)
        with pytest.raises(AlreadyExistsError):
            await change(records, succeed, account, keys.signing_key_id, taken)
        await change(records, succeed, account, keys.signing_key_id, new)
        with pytest.raises(OutdatedError):
            await change(records, succeed, account, keys.signing_key_id, Identity.generate(Use.PERSON).public)
        async with records.read() as view:
            assert await view.accounts.by_signing_key(keys.signing_key_id) is None
            found = await view.accounts.by_signing_key(new.signing_key_id)
            assert found == await view.accounts.by_kem_key(new.kem_key_id)
            assert (found.id, found.kem_public, found.signing_public) == (account, new.kem, new.signing)

    async def test_a_disabled_account_hands_over_to_nobody(self, records) -> None:
        account, keys = await change(records, enrolled)

        async def disable(tx) -> None:
            await tx.accounts.disable(account)

        await change(records, disable)
        with pytest.raises(OutdatedError):
            await change(records, succeed, account, keys.signing_key_id, Identity.generate(Use.PERSON).public)

    async def test_grants_that_stand_go_over_and_those_that_ended_do_not(self, records) -> None:
        dossier, other = await change(records, add_dossier), await change(records, add_dossier)
        old, new, stranger = digest(), digest(), digest()
        kept = [
            await change(records, add_grant, dossier.id, old, generation=1),
            await change(records, add_grant, dossier.id, old, generation=2),
            await change(records, add_grant, other.id, old),
        ]
        ended = await change(records, add_grant, other.id, old, generation=2)
        await change(records, add_grant, dossier.id, stranger)

        async def revoke(tx) -> None:
            await tx.grants.revoke(ended.id)

        await change(records, revoke)
        assert await change(records, hand_over_grants, old, new) == 3
        assert await change(records, hand_over_grants, old, new) == 0
        async with records.read() as view:
            assert not await view.grants.is_granted(dossier.id, old)
            assert [row.id for row in await view.grants.standing(dossier.id, new)] == [
                kept[0].id,
                kept[1].id,
            ]
            assert [row.id for row in await view.grants.standing(other.id, new)] == [kept[2].id]
            assert (await view.grants.get(ended.id)).grantee == old
            assert await view.grants.is_granted(dossier.id, stranger)

    async def test_a_grant_is_wrapped_anew_by_who_saw_it_last(self, records) -> None:
        dossier = await change(records, add_dossier)
        grant = await change(records, add_grant, dossier.id, digest())
        one, two = [await change(records, add_statement, kind="grant") for _ in range(2)]
        await change(records, rewrap, grant.id, grant.statement_id, one.id)
        for expected in (grant.statement_id, two.id, digest()):
            with pytest.raises(OutdatedError):
                await change(records, rewrap, grant.id, expected, two.id)
        async with records.read() as view:
            assert await view.grants.get(grant.id) == grant._replace(statement_id=one.id)

        async def revoke(tx) -> None:
            await tx.grants.revoke(grant.id)

        await change(records, revoke)
        with pytest.raises(OutdatedError):
            await change(records, rewrap, grant.id, one.id, two.id)

    async def test_habilitations_are_found_by_the_next_key(self, records) -> None:
        old, new = digest(), digest()
        one = await change(records, add_statement, kind="habilitation", subject=old)
        apart = await change(records, add_statement, kind="succession", subject=old)
        assert await change(records, hand_over_statements, old, new) == 1
        async with records.read() as view:
            assert await view.statements.find("habilitation", subject=old) == ()
            assert await view.statements.find("habilitation", subject=new) == (one._replace(subject=new),)
            assert await view.statements.find("succession", subject=old) == (apart,)

    async def test_what_a_key_said_last_is_known(self, records) -> None:
        issuer = digest()
        for issued in (NOW - 5, NOW - 1, NOW - 9):
            await change(records, add_statement, issuer=issuer, issued_at=issued)
        await change(records, add_statement, issued_at=NOW)
        async with records.read() as view:
            assert await view.statements.last_issued(issuer) == NOW - 1
            assert await view.statements.last_issued(digest()) is None
