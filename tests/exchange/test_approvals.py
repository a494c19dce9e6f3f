"""A dossier is erased where two admins agree to exactly that, and not otherwise."""

import asyncio

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import Signed
from tests.exchange.acts_of_people import carry, unpack
from tests.exchange.approving import DAY, approval, approve, hand_over, listed, send, withdraw
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.estate import an_estate
from tests.exchange.world import open_world


@pytest.fixture
async def world(tmp_path, settings):
    async with open_world(tmp_path / "service", approvals="erase", **settings) as opened:
        yield opened


@pytest.fixture
async def estate(world, part):
    """A dossier that may be erased at once, as soon as two admins agree."""
    estate = await an_estate(world, part)
    await estate.retain(0)
    await estate.close()
    return estate


@pytest.fixture
async def other(world):
    return await world.person("admin")


async def root_of(estate):
    return bytes.fromhex((await estate.look())["root"])


async def refused(estate, given, *, root=None, person=None):
    """Ask for the erasure, and see that it is refused and nothing changed."""
    root = root or await root_of(estate)
    before = await estate.world.state()
    answer = await estate.ask(root.hex(), token=(person or estate.admin).token)
    assert (answer.status, answer.code) == (409, "approvals_missing"), answer.body
    assert answer.json["extra"] == {
        "act": "erase",
        "subject": estate.sender.dossier.id,
        "digest": root.hex(),
        "needed": 2,
        "given": given,
    }
    assert await estate.world.state() == before
    assert (await estate.look())["approvals"] == {"needed": 2, "given": given}


async def test_two_admins_agree_and_the_journal_names_both(estate, other):
    world, dossier = estate.world, estate.sender.dossier.id
    assert (await world.ok("version"))["approvals"] == ["erase"]
    root = await root_of(estate)
    await refused(estate, 0)
    one = await approve(world, estate.admin, "erase", dossier, root)
    assert (one["act"], one["subject"], one["digest"]) == ("erase", dossier, root.hex())
    assert (one["account"], one["state"]) == (estate.admin.account, "standing")
    entry = await world.last_entry()
    assert (entry["action"], entry["actor"]["id"]) == ("approval.given", estate.admin.account)
    assert {"kind": "approval", "id": one["id"]} in entry["subjects"]
    assert {"kind": "dossier", "id": dossier} in entry["subjects"]
    await refused(estate, 1)
    two = await approve(world, other, "erase", dossier, root)
    assert (await estate.look())["approvals"] == {"needed": 2, "given": 2}
    # A third admin, who agreed to nothing, may do what two agreed to.
    done = await estate.ask(root.hex())
    assert (done.status, done.json["state"]) == (200, "erased")
    entry = await world.last_entry()
    assert entry["action"] == "dossier.erased"
    named = [subject["id"] for subject in entry["subjects"] if subject["kind"] == "approval"]
    assert named == [one["id"], two["id"]]
    assert await listed(world) == [(other.account, "done"), (estate.admin.account, "done")]
    # Going on with what it left needs no approval again.
    assert (await estate.ask(root.hex())).status == 200


async def test_who_does_it_may_be_one_of_the_two(estate, other):
    root, dossier = await root_of(estate), estate.sender.dossier.id
    await approve(estate.world, other, "erase", dossier, root)
    await approve(estate.world, estate.admin, "erase", dossier, root)
    assert (await estate.ask(root.hex(), token=estate.admin.token)).status == 200


async def test_nobody_agrees_twice(estate, other):
    world, root, dossier = estate.world, await root_of(estate), estate.sender.dossier.id
    await approve(world, estate.admin, "erase", dossier, root)
    world.clock.time += 5
    again = approval(world, estate.admin.identity, "erase", dossier, root)
    answer = await send(world, estate.admin, again)
    assert (answer.status, answer.code) == (409, "already_exists")
    # Nor does somebody else hand in one's own, or one's own under a second account.
    answer = await send(world, other, again)
    assert (answer.status, answer.code) == (422, "statement_invalid")
    account, code = await world.account("admin")
    answer = await world.enrol(code, estate.admin.identity)
    assert (answer.status, answer.code) == (409, "already_exists")
    assert account not in {who for who, _ in await listed(world)}
    await refused(estate, 1)


async def test_a_new_key_of_the_same_admin_is_no_second_admin(estate):
    world, admin, dossier = estate.world, estate.admin, estate.sender.dossier.id
    root = await root_of(estate)
    await approve(world, admin, "erase", dossier, root)
    world.clock.time += 5
    heir = Identity.generate(Use.PERSON)
    await hand_over(world, admin, heir)
    world.clock.time += 5
    answer = await send(world, admin, approval(world, heir, "erase", dossier, root))
    assert (answer.status, answer.code) == (409, "already_exists")
    # What it said with the key before still stands; with that key it says nothing new.
    await refused(estate, 1)
    old = approval(world, admin.identity, "erase", dossier, root)
    answer = await send(world, admin, old)
    assert (answer.status, answer.code) == (422, "statement_invalid")


FOREIGN = {
    "of another dossier": lambda estate: {"subject": estate.other.id},
    "of another root": lambda _estate: {"digest": bytes(32)},
    "of a dossier that is not there": lambda _estate: {"subject": "D-nowhere"},
    "of another act": lambda _estate: {"act": "reencrypt"},
    "of another authority": lambda _estate: {"act": "authority", "subject": "0f" * 32},
    "of the next authority's key": lambda estate: {
        "act": "authority",
        "subject": estate.world.authority.public.signing_key_id.hex(),
    },
    "for another service": lambda _estate: {"service": "https://elsewhere.example"},
    "of yesterday": lambda estate: {
        "issued": estate.world.clock.now() - DAY,
        "valid_from": estate.world.clock.now() - DAY,
        "valid_until": estate.world.clock.now() - 1,
    },
    "of tomorrow": lambda estate: {"issued": estate.world.clock.now() + DAY},
}
CODES = {
    "of another dossier": (409, "approval_unfit"),
    "of another root": (409, "approval_unfit"),
    "of a dossier that is not there": (404, "not_found"),
    "of another act": (409, "approval_unfit"),
    "of another authority": (409, "approval_unfit"),
    "of the next authority's key": (201, None),
}


@pytest.mark.parametrize("which", FOREIGN)
async def test_an_approval_is_of_this_and_nothing_else(estate, other, which):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    await approve(world, other, "erase", dossier, root)
    said = {"act": "erase", "subject": dossier, "digest": root} | FOREIGN[which](estate)
    signed = approval(
        world, estate.admin.identity, said.pop("act"), said.pop("subject"), said.pop("digest"), **said
    )
    before = await world.state()
    answer = await send(world, estate.admin, signed)
    assert (answer.status, answer.code) == CODES.get(which, (422, "statement_invalid")), answer.body
    if answer.status != 201:
        assert await world.state() == before
    await refused(estate, 1)


async def test_only_admins_of_now_approve(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    good = approval(world, other.identity, "erase", dossier, root)
    forged = Signed(good.statement, bytes(len(good.signature)))
    answer = await send(world, other, forged)
    assert (answer.status, answer.code) == (422, "statement_invalid")
    mine = approval(world, estate.reviewer.identity, "erase", dossier, root)
    for person, signed in ((estate.reviewer, mine), (estate.sender.portal, mine)):
        answer = await send(world, person, signed)
        assert (answer.status, answer.code) == (403, "forbidden")
    # An admin cannot hand a reviewer's in, nor what the authority signed.
    for identity in (estate.reviewer.identity, world.authority):
        answer = await send(world, other, approval(world, identity, "erase", dossier, root))
        assert (answer.status, answer.code) == (422, "statement_invalid")
    # The first admin of a service was never habilitated.
    answer = await world.ask("approve", token=world.root, json={"statement": carry(good)})
    assert (answer.status, answer.code) == (403, "not_habilitated")
    await refused(estate, 0)


async def test_of_an_admin_who_left_none_counts(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    third = await world.person("admin")
    for person in (estate.admin, other, third):
        await approve(world, person, "erase", dossier, root)
    assert (await estate.look())["approvals"]["given"] == 3
    world.clock.time += 5
    await world.withdraw(other)
    body = {"disabled": True}
    await world.ok("change_account", {"account": third.account}, token=world.root, json=body)
    await refused(estate, 1)
    assert sorted(state for _, state in await listed(world)) == ["standing", "void", "void"]
    await world.ok("change_account", {"account": third.account}, token=world.root, json={"disabled": False})
    assert (await estate.ask(root.hex())).status == 200


async def test_approvals_run_out(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    for person in (estate.admin, other):
        await approve(world, person, "erase", dossier, root)
    world.clock.time += 3 * DAY
    assert (await estate.look())["approvals"]["given"] == 2
    world.clock.time += 1
    await refused(estate, 0)
    assert {state for _, state in await listed(world)} == {"expired"}
    # Who agreed then may agree again.
    for person in (estate.admin, other):
        await approve(world, person, "erase", dossier, root)
    assert (await estate.ask(root.hex())).status == 200


async def test_after_a_change_of_the_plan_none_counts(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    for person in (estate.admin, other):
        await approve(world, person, "erase", dossier, root)
    version, container = estate.versions["better"], estate.containers["better"]
    await world.ok(
        "rewrite_envelope",
        {"evidence": version["evidence"], "number": 2},
        token=estate.sender.session,
        data=world.rewrap(container, estate.sender.dossier, estate.sender.editor),
        headers={"If-Match": '"1"'},
    )
    assert (await estate.ask(root.hex())).status == 412
    changed = await root_of(estate)
    assert changed != root
    await refused(estate, 0)
    assert {state for _, state in await listed(world)} == {"outdated"}
    answer = await send(world, other, approval(world, other.identity, "erase", dossier, root))
    assert (answer.code, answer.json["extra"]) == ("approval_unfit", {"digest": changed.hex()})


async def test_an_approval_is_withdrawn_before_it_is_used(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    signed = approval(world, other.identity, "erase", dossier, root)
    given = (await send(world, other, signed)).json
    mine = await approve(world, estate.admin, "erase", dossier, root)
    nothing = await withdraw(world, other, mine["id"], world.withdrawal(signed, other.identity))
    assert (nothing.status, nothing.code) == (422, "statement_invalid")
    stranger = world.withdrawal(signed, estate.reviewer.identity)
    assert (await withdraw(world, other, given["id"], stranger)).code == "statement_invalid"
    nowhere = world.withdrawal(estate.admin.habilitation, other.identity)
    missing = await withdraw(world, other, estate.admin.habilitation.id.hex(), nowhere)
    assert (missing.status, missing.code) == (404, "not_found")
    assert (await estate.look())["approvals"]["given"] == 2
    # A clock that is ahead withdraws at once all the same.
    world.clock.time += 200
    ahead = world.withdrawal(signed, other.identity)
    world.clock.time -= 100
    answer = await withdraw(world, other, given["id"], ahead)
    assert (answer.status, answer.json["state"]) == (200, "withdrawn")
    entry = await world.last_entry()
    assert (entry["action"], entry["actor"]["id"]) == ("approval.withdrawn", other.account)
    await refused(estate, 1)
    again = await withdraw(world, other, given["id"], world.withdrawal(signed, other.identity))
    assert again.code == "already_exists"
    # What was withdrawn is not handed in once more, by nobody; whoever agrees again signs again.
    replayed = await send(world, other, signed)
    assert (replayed.status, replayed.code) == (409, "already_exists")
    await refused(estate, 1)
    world.clock.time += 5
    await approve(world, other, "erase", dossier, root)
    assert (await estate.ask(root.hex())).status == 200
    used = await withdraw(
        world, other, mine["id"], world.withdrawal(unpack(mine["statement"]), other.identity)
    )
    assert (used.status, used.code) == (409, "approval_unfit")
    late = await send(world, other, approval(world, other.identity, "erase", dossier, root))
    assert (late.status, late.code) == (410, "dossier_erased")


async def test_many_at_once_erase_once_and_agree_once(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    now = world.clock.now()
    mine = [
        approval(world, other.identity, "erase", dossier, root, issued=now - seconds) for seconds in range(4)
    ]
    answers = await asyncio.gather(*(send(world, other, signed) for signed in mine))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    size = await world.journal_size()
    tried = await asyncio.gather(
        approve(world, estate.admin, "erase", dossier, root), *(estate.ask(root.hex()) for _ in range(4))
    )
    assert {answer.status for answer in tried[1:]} <= {200, 409}
    done = await asyncio.gather(*(estate.ask(root.hex()) for _ in range(4)))
    assert {answer.status for answer in done} == {200}
    assert await world.journal_size() == size + 2


async def test_the_list_has_pages_and_is_an_admins(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    for person in (estate.admin, other):
        await approve(world, person, "erase", dossier, root)
    first = await world.ok("list_approvals", token=world.root, params={"limit": 1})
    assert [one["account"] for one in first["items"]] == [other.account]
    params = {"limit": 1, "cursor": first["next"]}
    second = await world.ok("list_approvals", token=world.root, params=params)
    assert [one["account"] for one in second["items"]] == [estate.admin.account]
    assert second.get("next") is None
    assert await listed(world, dossier=estate.other.id) == []
    assert len(await listed(world, dossier=dossier)) == 2
    assert (await world.ask("list_approvals", token=estate.reviewer.token)).code == "forbidden"


async def test_an_approval_is_given_once_under_its_key(estate, other):
    world, dossier, root = estate.world, estate.sender.dossier.id, await root_of(estate)
    signed = approval(world, other.identity, "erase", dossier, root)
    headers = {"Idempotency-Key": "approve-it-once"}
    first = await send(world, other, signed, headers=headers)
    again = await send(world, other, signed, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json


async def test_a_service_that_asks_for_none_keeps_them_all_the_same(tmp_path, settings, part):
    async with open_world(tmp_path / "other", **settings) as world:
        estate = await an_estate(world, part)
        await estate.retain(0)
        await estate.close()
        seen = await estate.look()
        assert seen["approvals"] is None
        assert (await world.ok("version"))["approvals"] == []
        root = bytes.fromhex(seen["root"])
        await approve(world, estate.admin, "erase", estate.sender.dossier.id, root)
        assert (await estate.ask(seen["root"])).status == 200
        entry = await world.last_entry()
        assert entry["action"] == "dossier.erased"
        assert "approval" not in {subject["kind"] for subject in entry["subjects"]}
