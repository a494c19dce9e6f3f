import pytest

from vault.server.stores.records.engine import open_engine, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
async def open_database(request, tmp_path):
    """Open databases by name, empty at first: every migration runs on both engines."""
    opened, made = [], {}

    def open_one(name="records"):
        if request.param == "sqlite":
            opened.append(open_engine(sqlite_url(tmp_path / f"{name}.db")))
        else:
            postgres = request.getfixturevalue("postgres")
            if name not in made:
                made[name] = postgres.new_database(migrated=False)
            opened.append(open_engine(postgres.url(made[name])))
        return opened[-1]

    yield open_one
    for engine in opened:
        await engine.dispose()
    for database in made.values():
        request.getfixturevalue("postgres").drop(database)
