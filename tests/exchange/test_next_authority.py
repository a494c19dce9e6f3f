"""The authority hands over: the new key speaks, the old one says nothing new, what it said stays said."""

import asyncio

import pytest

from client.distrust import Distrusted
from client.records import Pin
from client.remote.inheriting import say_succession
from client.remote.trust import renew
from client.trust import Anchor
from keys.canonical import encode_binary
from keys.errors import Refusal
from keys.keyfile import Use, encode_public
from keys.keyring import Identity
from keys.statements import Habilitation, Signed, Succession, lasting, momentary, sign_statement
from tests.exchange.acts_of_people import carry
from tests.exchange.anchors import pin_of
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.api.models.signin import Challenge

pytestmark = pytest.mark.asyncio


class Throne:
    """A service whose authority hands over to ``new``; ``person`` was habilitated by the first one."""

    def __init__(self, world, admin, person) -> None:
        self.world, self.admin, self.person = world, admin, person
        self.first, self.new = world.authority, Identity.generate(Use.AUTHORITY)

    async def hand_over(self, *, old=None, new=None, at=None, forged=False):
        world, old, new = self.world, old or self.first, new or self.new
        body = {"identity": encode_public(new.public)}
        challenge = Challenge(**await world.ok("create_challenge", json=body))
        when = world.clock.now() if at is None else at
        said = say_succession(old, new, challenge, origin=world.origin, at=when)
        if forged:
            said = said.model_copy(update={"signature": encode_binary(bytes(3373))})
        return await world.ask("succeed_authority", token=self.admin.token, json=said.model_dump(mode="json"))

    async def pin(self) -> Pin:
        return await pin_of(self.world)

    def anchor(self, pin) -> Anchor:
        return Anchor(pin, clock=self.world.clock.now)

    def renew(self, trusted, learned) -> Pin:
        return renew(trusted, learned, clock=self.world.clock.now)

    def habilitation(self, identity, by, *, at=None) -> Signed:
        now = self.world.clock.now() if at is None else at
        said = Habilitation(
            by.public.signing,
            **lasting(now, 0),
            subject=identity.public,
            role="reviewer",
            organisation="GIE",
            scope=(),
        )
        return sign_statement(said, by.signing)

    async def habilitate(self, by, **options):
        account, code = await self.world.account("reviewer")
        identity = Identity.generate(Use.PERSON)
        assert (await self.world.enrol(code, identity)).status == 201
        body = {"statement": carry(self.habilitation(identity, by, **options))}
        return await self.world.ask(
            "habilitate", {"account": account}, token=self.admin.token, json=body
        ), identity


@pytest.fixture
async def throne(world):
    admin, person = await world.person("admin"), await world.person("reviewer")
    world.clock.time += 1
    return Throne(world, admin, person)


async def test_the_new_key_speaks_and_what_the_old_one_said_stays(throne):
    world = throne.world
    before = await throne.pin()
    size = await world.journal_size()
    done = await throne.hand_over()
    assert done.status == 200, done.body
    assert await world.journal_size() == size + 1
    assert (await world.last_entry())["action"] == "authority.succeeded"
    after = await throne.pin()
    # Who trusts the first key follows; the pin, recovery key and service stay as they were.
    followed = throne.renew(before, after)
    assert followed.authority == before.authority == after.authority == throne.first.public
    assert throne.anchor(followed).authority == throne.new.public
    assert throne.anchor(followed).recovery_key() == world.recovery.public.kem
    assert throne.anchor(followed).server() == before.server
    assert (await world.ok("get_me", token=await world.session(throne.person.identity)))["habilitated"]
    refused, _ = await throne.habilitate(throne.first)
    assert (refused.status, refused.code) == (422, "statement_invalid")
    assert refused.json["extra"] == {"reason": "superseded"}
    # Nor dated back.
    refused, _ = await throne.habilitate(throne.first, at=world.clock.now() - 1)
    assert refused.json["extra"] == {"reason": "superseded"}
    taken, identity = await throne.habilitate(throne.new)
    assert taken.status == 200, taken.body
    assert (await world.ok("get_me", token=await world.session(identity)))["habilitated"]
    said = throne.habilitation(identity, throne.new)
    assert throne.anchor(followed).person(identity.public, [said], roles=("reviewer",))
    with pytest.raises(Distrusted):
        throne.anchor(before).person(identity.public, [said], roles=("reviewer",))


async def test_the_new_key_withdraws_what_the_old_one_said(throne):
    world = throne.world
    assert (await throne.hand_over()).status == 200
    world.clock.time += 1
    await world.withdraw(throne.person, throne.new)
    assert not (await world.ok("get_me", token=await world.session(throne.person.identity)))["habilitated"]


async def test_it_is_followed_twice_and_never_goes_back(throne):
    world, third = throne.world, Identity.generate(Use.AUTHORITY)
    before = await throne.pin()
    assert (await throne.hand_over()).status == 200
    middle = throne.renew(before, await throne.pin())
    world.clock.time += 1
    assert (await throne.hand_over(old=throne.new, new=third)).status == 200
    assert throne.anchor(throne.renew(before, await throne.pin())).authority == third.public
    # A service that hides a succession is not believed to have had none.
    with pytest.raises(Distrusted):
        throne.renew(middle, before)
    world.clock.time += 1
    back = await throne.hand_over(old=third, new=throne.first)
    assert (back.status, back.code) == (422, "statement_invalid")


async def test_dossiers_and_templates_name_the_one_that_speaks(throne):
    world = throne.world
    organisation = await world.organisation()
    portal = await world.person("portal", organisation=organisation)
    old = await world.dossier(portal, [throne.admin.identity], organisation=organisation)
    editor = await world.depositor(portal, old)
    world.clock.time += 1
    assert (await throne.hand_over()).status == 200
    body = world.dossier_request(portal.identity, [throne.admin.identity])
    refused = await world.ask("create_dossier", token=portal.token, json=body)
    assert (refused.status, refused.code) == (422, "statement_invalid")
    path = {"dossier": old.id}
    template = world.template(old, editor)
    refused = await world.ask("create_template", path, token=portal.token, data=template)
    assert refused.code == "writer_missing"
    first, now = throne.first.public.signing_key_id, throne.new.public.signing_key_id
    template = world.template(old, editor, writers=(now, first))
    await world.ok("create_template", path, token=portal.token, data=template)
    # What is sealed lists the one that there was: deposits and the next key go on listing it.
    await world.kept(await world.session(editor), old, world.seal(editor.signing, old))
    turned = await world.rotated(throne.admin, old, [throne.admin.identity])
    container = world.seal(editor.signing, turned, generation=2)
    await world.kept(await world.session(editor), turned, container)
    world.authority = throne.new
    await world.dossier(portal, [throne.admin.identity], organisation=organisation)


async def test_forged_and_branching_chains_are_refused(throne):
    world, thief = throne.world, Identity.generate(Use.AUTHORITY)
    before = await throne.pin()
    state = await world.state()
    for options, code in (
        ({"old": thief}, "statement_invalid"),
        ({"forged": True}, "possession_unproven"),
        ({"at": world.clock.now() + 1}, "statement_invalid"),
        ({"at": world.clock.now() - 1}, "statement_invalid"),
    ):
        refused = await throne.hand_over(**options)
        assert refused.code == code, refused.body
    assert await world.state() == state
    assert (await throne.hand_over()).status == 200
    branch = await throne.hand_over(new=thief)
    assert (branch.status, branch.code) == (422, "statement_invalid")
    after = await throne.pin()
    key = throne.first.signing
    said = Succession(
        key.public_key, **momentary(world.clock.now()), old=throne.first.public, new=thief.public
    )
    branching = after._replace(successions=(*after.successions, sign_statement(said, key)))
    with pytest.raises(Distrusted) as caught:
        throne.renew(before, branching)
    assert caught.value.reason is Refusal.DISPUTED
    broken = Signed(after.successions[0].statement, bytes(3373))
    with pytest.raises(Distrusted):
        throne.renew(before, after._replace(successions=(broken,)))
    # Anybody can name the authority as its own successor: that makes nobody the authority.
    claim = Succession(
        thief.public.signing, **momentary(world.clock.now()), old=thief.public, new=throne.new.public
    )
    theirs = after._replace(
        authority=thief.public, successions=(*after.successions, sign_statement(claim, thief.signing))
    )
    with pytest.raises(Distrusted):
        throne.renew(before, theirs._replace(habilitation=None))


async def test_two_at_once_have_one_successor(throne):
    heirs = [Identity.generate(Use.AUTHORITY) for _ in range(3)]
    answers = await asyncio.gather(*(throne.hand_over(new=heir) for heir in heirs))
    assert sum(answer.status == 200 for answer in answers) == 1, [answer.body for answer in answers]
    winner = heirs[[answer.status for answer in answers].index(200)]
    assert throne.anchor(await throne.pin()).authority == winner.public
