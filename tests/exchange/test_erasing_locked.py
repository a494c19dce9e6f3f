"""Erasing what the bucket holds: nothing opens it from then on, and the bytes stay until their day."""

import pytest

from keys.canonical import decode_binary
from tests.exchange.test_locks import DAY, DAYS, archived, database, settings, vault  # noqa: F401 - fixtures
from vault.certificates import ERASED_VERSION, LineTree
from vault.server.services.janitor import Janitor


async def erase(vault):  # noqa: F811 - the fixture's value
    world, path = vault.world, {"dossier": vault.sender.dossier.id}
    plan = await world.ok("get_erasure", path, token=world.root)
    headers = {"If-Match": f'"{plan["root"]}"'}
    return plan, await world.ok("erase_dossier", path, token=world.root, headers=headers)


@pytest.fixture
async def closed(vault, archived):  # noqa: F811 - fixtures
    """A dossier that may be erased: two of its versions are archived and locked; return one that is not."""
    assert (await (await vault.janitor()).run()).locks == 2
    active = await vault.deposit()
    world = vault.world
    await world.ok("set_retention", token=world.root, json={"procedure": "guidé", "days": 0})
    await world.ok("close_dossier", {"dossier": vault.sender.dossier.id}, token=world.root)
    return active


async def test_what_a_lock_holds_stays_and_everything_says_until_when(vault, archived, closed):  # noqa: F811
    world, path = vault.world, {"dossier": vault.sender.dossier.id}
    until = (await vault.row(archived[0])).archived_at + DAYS * DAY
    size = sum([(await vault.row(version)).body_size for version in archived])
    plan, done = await erase(vault)
    for state in (plan, done):
        assert (state["held"], state["held_size"], state["held_until"]) == (2, size, until)
    # The one that was deposited last, and the one that replaced another.
    assert (plan["waiting"], done["waiting"], done["state"]) == (2, 0, "erased")
    assert await vault.retention(archived[0]) == ("COMPLIANCE", until)
    assert {one.key async for one in world.store.list()} == {
        (await vault.row(version)).body_key for version in archived
    }
    page = await world.ok("list_erased", path, token=world.root)
    lines = [LineTree(ERASED_VERSION).read(decode_binary(item, len(item) * 3 // 4)) for item in page["items"]]
    held = {version["seal_id"] for version in archived}
    assert {line.seal_id.hex(): line.held for line in lines} == {
        line.seal_id.hex(): until if line.seal_id.hex() in held else 0 for line in lines
    }
    # Nobody is told any more to keep them, and a janitor that comes to them leaves them.
    cleaning = await (await vault.janitor()).run()
    assert (cleaning.archived, cleaning.locks, cleaning.locked, cleaning.objects) == (0, 0, 2, 0)
    refused = await world.ask(
        "fetch_body", {"evidence": archived[0]["evidence"], "number": 1}, token=vault.sender.session
    )
    assert (refused.status, refused.code) == (410, "dossier_erased")
    assert (await world.ok("get_erasure", path, token=world.root)) == done


async def test_a_bucket_that_still_refuses_is_asked_again_by_the_next_janitor(vault, archived, closed):  # noqa: F811
    await erase(vault)
    # By the service's clock their day has come, by the bucket's it has not.
    vault.world.clock.time += DAYS * DAY
    for _ in range(2):
        _, again = await erase(vault)
        assert (again["waiting"], again["held"]) == (2, 0)
    cleaning = await Janitor(vault.world.records, vault.world.store, vault.world.clock).run()
    assert (cleaning.locked, cleaning.outcome) == (2, "done")
