"""Signed statements, stored and found."""

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.suites.samples import NOW, add_account, add_dossier, add_statement, change, digest
from vault.server.ports import AlreadyExistsError, OutdatedError


class StatementSuite:
    async def test_statements_are_found_by_what_they_speak_of(self, records) -> None:
        dossier = await change(records, add_dossier)
        subject = digest()
        one = await change(records, add_statement, kind="habilitation", subject=subject)
        two = await change(records, add_statement, kind="habilitation", subject=subject)
        key = await change(records, add_statement, kind="dossier key", dossier_id=dossier.id, generation=1)
        async with records.read() as view:
            assert await view.statements.get(one.id) == one
            assert await view.statements.get(digest()) is None
            assert await view.statements.find("habilitation", subject=subject) == (one, two)
            assert await view.statements.find("habilitation", subject=digest()) == ()
            assert await view.statements.find("grant", subject=subject) == ()
            assert await view.statements.find("dossier key", dossier_id=dossier.id) == (key,)
            assert await view.statements.find("dossier key", dossier_id=dossier.id, generation=2) == ()

    async def test_keys_are_counted_whose_last_habilitation_ends_soon(self, records) -> None:
        async def enrolled(tx, *ends, disabled=False):
            keys, code = Identity.generate(Use.PERSON).public, digest()
            account = await add_account(tx, "reviewer", enrolment_hash=code, enrolment_until=NOW + 10)
            await tx.accounts.enrol(account.id, enrolment_hash=code, identity=keys)
            if disabled:
                await tx.accounts.disable(account.id)
            options = {"kind": "habilitation", "subject": keys.signing_key_id}
            return [await add_statement(tx, **options, valid_until=end) for end in ends]

        async def ending(by) -> int:
            async with records.read() as view:
                return await view.statements.ending(now=NOW, by=by)

        (one,) = await change(records, enrolled, NOW + 100)
        for ends in ((NOW + 100, NOW + 300), (NOW + 100, 0), (0,), (NOW,), ()):
            await change(records, enrolled, *ends)
        await change(records, enrolled, NOW + 100, disabled=True)
        await change(records, add_statement, kind="habilitation", subject=digest(), valid_until=NOW + 100)
        assert [await ending(NOW + seconds) for seconds in (99, 100, 299, 300)] == [0, 1, 1, 2]
        withdrawal = await change(records, add_statement, kind="withdrawal")

        async def withdraw(tx) -> None:
            await tx.statements.withdraw(one.id, by=withdrawal.id, at=NOW)

        await change(records, withdraw)
        assert [await ending(NOW + seconds) for seconds in (100, 300)] == [0, 1]

    async def test_a_statement_is_stored_once(self, records) -> None:
        async def twice(tx) -> None:
            stored = await add_statement(tx)
            await tx.statements.add(
                type("Same", (), {"id": stored.id, "statement": b"", "signature": b""})(),
                kind="mandate",
                issuer=digest(),
                issued_at=0,
                valid_from=0,
                valid_until=0,
            )

        with pytest.raises(AlreadyExistsError):
            await change(records, twice)
        with pytest.raises(AlreadyExistsError):
            await change(records, add_statement, dossier_id="no-such-dossier")

    async def test_a_statement_is_withdrawn_once_by_one_that_is_stored(self, records) -> None:
        stored = await change(records, add_statement)
        withdrawal = await change(records, add_statement, kind="withdrawal")

        async def withdraw(tx, by) -> None:
            await tx.statements.withdraw(stored.id, by=by, at=NOW + 5)

        with pytest.raises(AlreadyExistsError):
            await change(records, withdraw, digest())
        await change(records, withdraw, withdrawal.id)
        with pytest.raises(OutdatedError):
            await change(records, withdraw, withdrawal.id)
        async with records.read() as view:
            found = await view.statements.get(stored.id)
        assert found == stored._replace(withdrawn_by=withdrawal.id, withdrawn_at=NOW + 5)
