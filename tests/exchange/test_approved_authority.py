"""The authority hands over to a key that two admins agreed to, and to no other."""

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import unpack
from tests.exchange.approving import DAY, approve, crown, withdraw
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.world import open_world


@pytest.fixture
async def world(tmp_path, settings):
    async with open_world(tmp_path / "service", approvals="authority", **settings) as opened:
        yield opened


class Court:
    """Three admins, the authority's key and the one that shall follow it."""

    def __init__(self, world, admins) -> None:
        self.world, self.admins = world, admins
        self.new = Identity.generate(Use.AUTHORITY)

    @property
    def subject(self):
        return self.world.authority.public.signing_key_id.hex()

    async def agree(self, *admins, new=None, subject=None):
        digest = (new or self.new).public.key_id
        subject = subject or self.subject
        return [await approve(self.world, one, "authority", subject, digest) for one in admins]

    async def refused(self, given, new=None):
        before = await self.world.state()
        answer = await crown(self.world, self.admins[0], new or self.new)
        assert (answer.status, answer.code) == (409, "approvals_missing"), answer.body
        assert answer.json["extra"] == {
            "act": "authority",
            "subject": self.subject,
            "digest": (new or self.new).public.key_id.hex(),
            "needed": 2,
            "given": given,
        }
        after = await self.world.state()
        assert after == before


@pytest.fixture
async def court(world):
    admins = [await world.person("admin") for _ in range(3)]
    world.clock.time += 1
    return Court(world, admins)


async def test_two_admins_let_the_authority_hand_over(court):
    world, (one, two, three) = court.world, court.admins
    assert (await world.ok("version"))["approvals"] == ["authority"]
    await court.refused(0)
    first = await court.agree(two)
    entry = await world.last_entry()
    assert {"kind": "authority", "id": court.subject} in entry["subjects"]
    await court.refused(1)
    second = await court.agree(three)
    # A key that nobody approved is no better for the two that were approved.
    await court.refused(0, new=Identity.generate(Use.AUTHORITY))
    world.clock.time += 1
    answer = await crown(world, one, court.new)
    assert answer.status == 200, answer.body
    entry = await world.last_entry()
    assert entry["action"] == "authority.succeeded"
    named = [subject["id"] for subject in entry["subjects"] if subject["kind"] == "approval"]
    assert named == [first[0]["id"], second[0]["id"]]
    found = await world.ok("list_approvals", token=world.root)
    assert {item["state"] for item in found["items"]} == {"done"}


async def test_what_was_approved_of_one_key_is_nothing_to_the_next(court):
    world, (one, two, _) = court.world, court.admins
    third = Identity.generate(Use.AUTHORITY)
    # Approved of the key of now: it does not last until another one speaks.
    await court.agree(one, two, new=third)
    await court.agree(one, two)
    world.clock.time += 1
    assert (await crown(world, one, court.new)).status == 200
    world.authority, world.clock.time = court.new, world.clock.time + 1
    found = await world.ok("list_approvals", token=world.root)
    assert [item["state"] for item in found["items"]] == ["done", "done", "outdated", "outdated"]
    answer = await crown(world, one, third)
    assert (answer.code, answer.json["extra"]["given"]) == ("approvals_missing", 0)
    await court.agree(one, two, new=third)
    world.clock.time += 1
    assert (await crown(world, one, third)).status == 200


async def test_what_ran_out_was_taken_back_or_is_a_leavers_counts_no_more(court):
    world, (one, two, three) = court.world, court.admins
    (given,) = await court.agree(two)
    await court.agree(one)
    world.clock.time += 1
    said = world.withdrawal(unpack(given["statement"]), two.identity)
    assert (await withdraw(world, two, given["id"], said)).status == 200
    await court.refused(1)
    await court.agree(three)
    await world.withdraw(three)
    world.clock.time += 1
    await court.refused(1)
    world.clock.time += 3 * DAY
    await court.refused(0)
