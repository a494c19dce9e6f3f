"""Every migration, up and down, on a database that holds something in every table and column."""

from tests.vault.server.migrations.rows import fill, rows, tables_of
from vault.server.migrations.upgrade import downgrade, revisions, upgrade
from vault.server.stores.records.schema import METADATA


def shared(before, after):
    """Return both for the tables and columns that both have."""
    columns = {name: before[name][0].keys() & after[name][0].keys() for name in before.keys() & after.keys()}

    def part(kept):
        return {
            name: sorted(str([row[key] for key in sorted(keys)]) for row in kept[name])
            for name, keys in columns.items()
        }

    return part(before), part(after)


async def test_no_row_is_lost_or_changed_on_the_way_up_down_and_up_again(open_database):
    engine = open_database()
    filled, states = [], []
    for revision in revisions():
        await upgrade(engine, revision)
        if states:
            # What was there before the step is there after it.
            before, after = shared(states[-1], await rows(engine))
            assert before == after, revision
        filled += await fill(engine, but=filled)
        states.append(await rows(engine))
    assert set(filled) == set(METADATA.tables)
    assert all(states[-1].values()), "a table without a row would show nothing"
    for revision, state in zip(revisions()[-2::-1], states[-2::-1], strict=True):
        await downgrade(engine, revision)
        assert await rows(engine) == state, revision
    await upgrade(engine)
    before, after = shared(states[0], {name: kept for name, kept in (await rows(engine)).items() if kept})
    assert before == after
    await downgrade(engine, "base")
    assert (await tables_of(engine)).tables == {}


async def test_a_second_upgrade_changes_nothing(open_database):
    engine = open_database()
    await upgrade(engine)
    await fill(engine)
    before = await rows(engine)
    await upgrade(engine)
    assert await rows(engine) == before
