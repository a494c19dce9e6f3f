"""Signed statements, stored and found."""

import pytest

from tests.suites.samples import NOW, add_dossier, add_statement, change, digest
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
