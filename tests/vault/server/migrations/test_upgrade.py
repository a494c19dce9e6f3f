import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from vault.server.migrations.upgrade import downgrade, expected_revision, is_current, revisions, upgrade
from vault.server.ports import RecordsUnavailableError
from vault.server.stores.records.schema import METADATA

OBJECTS = """
SELECT 'column', table_name || '.' || column_name,
    concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
"""


async def described(engine) -> set[tuple[str, ...]]:
    """Return all that a schema consists of, as the database keeps it, but for alembic's own mark."""
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            rows = (await connection.execute(text(OBJECTS))).all()
            return {tuple(row) for row in rows if "alembic_version" not in row[1]}
        rows = await connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'")
        )
        # White space, quotes and the order of parts are nobody's business.
        return {(name, *sorted(normal(sql))) for name, sql in rows}


def normal(sql: str) -> list[str]:
    """Return the parts of a statement; a column that was added later stands in the middle of a line."""
    if not sql.startswith("CREATE TABLE"):
        return [" ".join(sql.split())]
    head, _, rest = " ".join(sql.replace('"', "").split()).partition("(")
    parts, depth = [""], 0
    for character in rest.rpartition(")")[0]:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [head.strip(), *(part.strip() for part in parts)]


async def test_migrating_makes_exactly_the_tables_that_the_code_knows(open_database) -> None:
    migrated, made = open_database("migrated"), open_database("made")
    await upgrade(migrated)
    async with made.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    assert await described(migrated) == await described(made)
    assert len(await described(migrated)) > len(METADATA.tables)
    async with migrated.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), METADATA)
        )
        assert differences == []
        assert await connection.run_sync(is_current)


async def test_an_older_schema_is_not_taken_for_the_expected_one(open_database) -> None:
    engine = open_database()
    for revision, current in (("0001", False), (expected_revision(), True)):
        await upgrade(engine, revision)
        async with engine.connect() as connection:
            assert await connection.run_sync(is_current) is current


async def test_every_step_can_be_taken_back_and_again(open_database) -> None:
    engine = open_database()
    states = [await described(engine)]
    assert revisions()[-1] == expected_revision()
    for revision in revisions():
        await upgrade(engine, revision)
        states.append(await described(engine))
    for revision, state in zip([*revisions()[-2::-1], "base"], states[-2::-1], strict=True):
        await downgrade(engine, revision)
        assert await described(engine) == state
    await upgrade(engine)
    assert await described(engine) == states[-1]


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(open_database) -> None:
    engine = open_database()
    await upgrade(engine, "0001")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE openings (in_the_way INTEGER)"))
    before = await described(engine)
    with pytest.raises(Exception, match=r'openings"? already exists'):
        await upgrade(engine)
    assert await described(engine) == before


async def test_servers_that_start_together_migrate_once(open_database) -> None:
    engines = [open_database() for _ in range(4)]
    await asyncio.gather(*(upgrade(engine) for engine in engines))
    async with engines[0].connect() as connection:
        assert await connection.run_sync(is_current)


async def test_a_schema_of_a_later_version_is_left_alone(open_database) -> None:
    engine = open_database()
    await upgrade(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RecordsUnavailableError, match="does not know"):
        await upgrade(engine)
    async with engine.connect() as connection:
        assert not await connection.run_sync(is_current)
