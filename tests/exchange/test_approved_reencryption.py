"""Contents are re-encrypted where two admins agreed to the key that they go to, however the bytes come."""

import pytest

from tests.exchange.approving import DAY, approve, listed
from tests.exchange.cutting import cut
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.reencrypted import Home
from tests.exchange.world import open_world


@pytest.fixture
async def world(tmp_path, settings):
    async with open_world(tmp_path / "service", approvals="reencrypt", **settings) as opened:
        yield opened


@pytest.fixture
async def home(sender):
    home = Home(sender)
    await home.fill()
    return home


@pytest.fixture
async def other(world):
    return await world.person("admin")


async def agree(home, *admins, key=None, subject=None):
    key = key or home.dossier.key
    subject, digest = subject or home.dossier.id, key.public.kem_key_id
    return [(await approve(home.world, one, "reencrypt", subject, digest))["id"] for one in admins]


async def refused(home, answer, given, before):
    assert (answer.status, answer.code) == (409, "approvals_missing"), answer.body
    assert (answer.json["extra"]["act"], answer.json["extra"]["given"]) == ("reencrypt", given)
    assert answer.json["extra"]["subject"] == home.dossier.id
    assert await home.world.state() == before


async def planned(home):
    path = {"dossier": home.dossier.id}
    return (await home.world.ok("get_reencryption", path, token=home.admin.token))["approvals"]


async def named(home):
    entry = await home.world.last_entry()
    return entry["action"], [one["id"] for one in entry["subjects"] if one["kind"] == "approval"]


async def test_two_admins_let_contents_be_sealed_anew_and_originals_be_erased(home, other):
    world = home.world
    assert await planned(home) == {"needed": 2, "given": 0}
    container = home.again(home.containers[home.second["seal_id"]])
    head, _part, trailer = cut(container)
    first = await agree(home, home.admin)
    before = await world.state()
    await refused(home, await home.send(home.second, container), 1, before)
    begun = await home.send(home.second, head + trailer, route="begin_reencryption")
    await refused(home, begun, 1, before)
    second = await agree(home, other)
    assert await planned(home) == {"needed": 2, "given": 2}
    assert (await home.send(home.second, container)).status == 201
    assert await named(home) == ("evidence.reencrypted", first + second)
    made = (await home.versions())[1]
    # For all of the dossier, one after the other.
    await home.reencrypted(home.first)
    assert (await home.erase(made)).status == 200
    assert await named(home) == ("originals.erased", first + second)
    # Depositors never need any.
    deposited = await world.deposit(home.sender.session, home.dossier, home.seal(content=b"more"))
    assert deposited.status == 201


async def test_what_runs_out_on_the_way_stops_it_before_anything_is_replaced(home, other):
    world = home.world
    await agree(home, home.admin, other)
    container = home.again(home.containers[home.second["seal_id"]])
    head, part, trailer = cut(container)
    begun = await home.send(home.second, head + trailer, route="begin_reencryption")
    assert begun.status == 200, begun.body
    home.sender.parts[begun.json["id"]] = [part]
    assert (await home.sender.put(begun.json, 1, token=home.admin.token)).status == 200
    made = await home.reencrypted(home.first)
    world.clock.time += 3 * DAY + 1
    completed = await home.sender.ask("complete_upload", begun.json, token=home.admin.token)
    assert (completed.status, completed.code) == (409, "approvals_missing")
    before = await world.state()
    await refused(home, await home.erase(made), 0, before)
    assert [version["seal_id"] for version in await home.versions()] == [
        made["seal_id"],
        home.second["seal_id"],
    ]
    await agree(home, home.admin, other)
    assert (await home.erase(made)).status == 200
    completed = await home.sender.ask("complete_upload", begun.json, token=home.admin.token)
    assert completed.status == 201, completed.body


async def test_an_approval_is_of_one_key_of_one_dossier(home, other):
    world = home.world
    elsewhere = await world.dossier(
        home.sender.portal, [home.admin.identity], organisation=home.dossier.organisation
    )
    await agree(home, home.admin, other, key=elsewhere.key, subject=elsewhere.id)
    await agree(home, home.admin)
    third = await world.person("admin")
    for key, subject in ((elsewhere.key, home.dossier.id), (home.dossier.key, elsewhere.id)):
        with pytest.raises(AssertionError, match="approval_unfit"):
            await agree(home, other, third, key=key, subject=subject)
    container = home.again(home.containers[home.second["seal_id"]])
    await refused(home, await home.send(home.second, container), 1, await world.state())
    await agree(home, other)
    assert (await planned(home))["given"] == 2
    # With the next key of the dossier what was agreed on is nothing any more.
    turned = await world.rotated(home.admin, home.dossier, [home.admin.identity])
    container = home.again(home.containers[home.second["seal_id"]], to=turned, generation=2)
    await refused(home, await home.send(home.second, container), 0, await world.state())
    states = await listed(world, dossier=home.dossier.id)
    assert {state for _, state in states} == {"outdated"}
    await agree(home, home.admin, third, key=turned.key)
    assert (await home.send(home.second, container)).status == 201
