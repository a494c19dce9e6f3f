import time

import pytest

from tests.suites.samples import ManualClock, add_dossier, change
from tests.vault.server.services.sites import Site
from vault.server.migrations.upgrade import upgrade
from vault.server.services.janitor import GRACE
from vault.server.stores.records.engine import open_engine, sqlite_url
from vault.server.stores.records.store import SqlRecords


@pytest.fixture
async def site(tmp_path):
    clock = ManualClock(int(time.time()) + GRACE + 10)
    engine = open_engine(sqlite_url(tmp_path / "records.db"))
    await upgrade(engine)
    records = SqlRecords(engine, clock)
    made = Site(tmp_path, records, clock)
    made.dossier = (await change(records, add_dossier)).id
    yield made
    await records.close()
