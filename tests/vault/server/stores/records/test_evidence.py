import pytest
from sqlalchemy import event

from tests.suites.records_evidence import EvidenceListSuite, EvidenceSuite
from tests.suites.samples import add_dossier, change, deposit_of, publish
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords


class TestEvidence(EvidenceSuite):
    pass


class TestEvidenceList(EvidenceListSuite):
    @pytest.mark.parametrize(
        ("conditions", "index"),
        [
            ({"evidence_type": "aipd"}, "ix_versions_listed "),
            ({}, "ix_versions_listed_all "),
            ({"signers": {bytes(32)}}, "ix_versions_signed "),
        ],
    )
    async def test_an_index_serves_every_page_without_sorting(
        self, database, clock, conditions, index
    ) -> None:
        engine = open_engine(sqlite_url(database))
        records = SqlRecords(engine, clock)
        dossier = await change(records, add_dossier)
        for _ in range(2):
            await publish(records, deposit_of(dossier.id, signer=bytes(32)))
        async with records.read() as view:
            cursor = (await view.evidence.list(dossier.id, state="active", limit=1)).next
        assert cursor is not None
        sent = []
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: sent.append(call[2:4]))
        async with records.read() as view:
            await view.evidence.list(dossier.id, state="active", cursor=cursor, **conditions)
        ((statement, values),) = [one for one in sent if one[0].startswith("SELECT")]
        async with engine.connect() as connection:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plan = " | ".join(row.detail for row in rows)
        assert index in plan, plan
        # Positions are unique, so sorting by the last term of the order never has more than one row to sort.
        assert "TEMP B-TREE FOR ORDER BY" not in plan, plan
        await records.close()
