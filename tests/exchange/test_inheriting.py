"""An account hands over to a new key: the old one is nobody, grants go along and are wrapped anew."""

import asyncio

import pytest

from client.distrust import Distrusted
from client.dossiers import KnownDossier
from client.records import Dossier
from client.remote.inheriting import say_succession
from keys.canonical import encode_binary
from keys.errors import Refusal
from keys.keyfile import Use, encode_public
from keys.keyring import Identity
from keys.statements import Grant, momentary, read_unjudged, sign_statement
from keys.statements import Succession as Said
from tests.exchange.acts_of_people import carry, unpack
from tests.exchange.acts_on_dossiers import signer_id
from tests.exchange.anchors import anchor_of
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.api.models.signin import Challenge

pytestmark = pytest.mark.asyncio


class Cast:
    """A dossier that a reviewer was granted, and the key that the reviewer hands over to."""

    def __init__(self, world, people, dossier) -> None:
        self.world, self.dossier = world, dossier
        self.portal, self.admin, self.reviewer = people
        self.new = Identity.generate(Use.PERSON)

    @property
    def path(self):
        return {"dossier": self.dossier.id}

    async def request(self, old, new, *, at=None, forged=False):
        world = self.world
        from_ = {"identity": encode_public(new.public)}
        challenge = Challenge(**await world.ok("create_challenge", json=from_))
        when = world.clock.now() if at is None else at
        said = say_succession(old, new, challenge, origin=world.origin, at=when)
        if forged:
            said = said.model_copy(update={"signature": encode_binary(bytes(3373))})
        return said.model_dump(mode="json")

    async def hand_over(self, token=None, *, old=None, new=None, **options):
        old = old or self.reviewer.identity
        body = await self.request(old, new or self.new, **options)
        token = token or await self.world.session(old)
        return await self.world.ask("succeed_account", token=token, json=body)

    def rewrapped(self, key=None, *, to=None, generation=1, dossier=None, seed=None):
        key = key or self.new
        return self.world.grant(
            key, dossier or self.dossier.id, seed or self.dossier.key, to or key, generation
        )

    async def rewrap(self, token, signed, generation=1):
        path = self.path | {"generation": generation}
        return await self.world.ask("rewrap_grant", path, token=token, json={"statement": carry(signed)})

    async def mine(self, token):
        return await self.world.ask("get_my_grants", self.path, token=token)


@pytest.fixture
async def cast(world):
    organisation = await world.organisation()
    portal = await world.person("portal", organisation=organisation)
    admin, reviewer = await world.person("admin"), await world.person("reviewer")
    dossier = await world.dossier(portal, [admin.identity, reviewer.identity], organisation=organisation)
    world.clock.time += 1
    return Cast(world, (portal, admin, reviewer), dossier)


async def test_the_new_key_is_the_account_and_the_old_one_nobody(cast):
    world = cast.world
    session = await world.session(cast.reviewer.identity)
    size = await world.journal_size()
    done = await cast.hand_over(session)
    assert done.status == 200, done.body
    assert done.json == {
        "account": cast.reviewer.account,
        "former": signer_id(cast.reviewer.identity),
        "key_id": signer_id(cast.new),
        "grants": 1,
        "since": world.clock.now(),
    }
    assert await world.journal_size() == size + 1
    entry = await world.last_entry()
    assert entry["action"] == "account.succeeded"
    # The session that was open is over, and there is no other.
    assert (await world.ask("get_me", token=session)).code == "unauthenticated"
    assert (await world.sign_in(cast.reviewer.identity)).code == "sign_in_failed"
    token = await world.session(cast.new)
    me = await world.ok("get_me", token=token)
    assert (me["account"], me["habilitated"]) == (cast.reviewer.account, True)
    listed = await world.ok("list_dossiers", token=token)
    assert [item["id"] for item in listed["items"]] == [cast.dossier.id]


async def test_a_grant_opens_with_one_of_the_two_keys_at_every_moment(cast):
    world = cast.world
    assert (await cast.hand_over()).status == 200
    token = await world.session(cast.new)
    (before,) = (await cast.mine(token)).json["grants"]
    assert read_unjudged(unpack(before), Grant).grantee == cast.reviewer.identity.public.kem_key_id
    size = await world.journal_size()
    answer = await cast.rewrap(token, cast.rewrapped())
    assert answer.status == 200, answer.body
    assert answer.json["made"] == before
    assert await world.journal_size() == size + 1
    assert (await world.last_entry())["action"] == "grant.rewrapped"
    (after,) = (await cast.mine(token)).json["grants"]
    assert read_unjudged(unpack(after), Grant).grantee == cast.new.public.kem_key_id
    # Again changes nothing.
    size = await world.journal_size()
    again = await cast.rewrap(token, cast.rewrapped())
    assert again.json == answer.json
    assert await world.journal_size() == size


async def _known(cast, token):
    mine = (await cast.mine(token)).json
    kept = Dossier(
        cast.dossier.id,
        keys=tuple(map(unpack, mine["keys"])),
        grants=tuple(map(unpack, mine["grants"])),
        issuers=tuple(map(unpack, mine["issuers"])),
    )
    return KnownDossier(anchor_of(cast.world), kept)


async def test_the_grantee_and_an_admin_believe_it(cast):
    world = cast.world
    assert (await cast.hand_over()).status == 200
    token = await world.session(cast.new)
    assert list((await _known(cast, token)).opened_by(cast.reviewer.identity)) == [1]
    assert (await cast.rewrap(token, cast.rewrapped())).status == 200
    opened = (await _known(cast, token)).opened_by(cast.new)
    assert opened[1].public.kem == cast.dossier.key.public.kem
    listed = (await world.ok("list_reviewers", token=cast.admin.token))["items"]
    (entry,) = [item for item in listed if item["account"] == cast.reviewer.account]
    assert entry["signing_key_id"] == signer_id(cast.new)
    assert entry["valid"]
    said = [entry["habilitation"], *entry["successions"]]
    person = anchor_of(world).person(cast.new.public, list(map(unpack, said)), roles=("reviewer",))
    assert person.identity == cast.new.public
    (granted,) = [
        item
        for item in (await world.ok("list_grants", cast.path, token=cast.admin.token))["items"]
        if item["account"] == cast.reviewer.account
    ]
    known = await _known(cast, cast.admin.token)
    made = known.granted(unpack(granted["made"]))
    assert made.grantee == cast.reviewer.identity.public.kem_key_id
    assert not known.is_grantee(made, Identity.generate(Use.PERSON).public)


async def test_it_is_followed_twice(cast):
    world = cast.world
    assert (await cast.hand_over()).status == 200
    token = await world.session(cast.new)
    assert (await cast.rewrap(token, cast.rewrapped())).status == 200
    world.clock.time += 1
    third = Identity.generate(Use.PERSON)
    assert (await cast.hand_over(token, old=cast.new, new=third)).status == 200
    token = await world.session(third)
    assert (await world.ok("get_me", token=token))["habilitated"]
    answer = await cast.rewrap(token, cast.rewrapped(third))
    assert answer.status == 200, answer.body
    made = read_unjudged(unpack(answer.json["made"]), Grant)
    assert made.grantee == cast.reviewer.identity.public.kem_key_id
    assert list((await _known(cast, token)).opened_by(third)) == [1]


async def test_what_is_wrapped_is_not_something_else(cast):
    world = cast.world
    assert (await cast.hand_over()).status == 200
    token = await world.session(cast.new)
    before = await world.state()
    for signed in (
        cast.rewrapped(to=cast.admin.identity),
        cast.rewrapped(cast.reviewer.identity, to=cast.new),
        cast.rewrapped(cast.admin.identity, to=cast.new),
        cast.rewrapped(generation=2),
        cast.rewrapped(dossier="D-other"),
    ):
        refused = await cast.rewrap(token, signed)
        assert (refused.status, refused.code) == (422, "statement_invalid"), refused.body
    assert (await cast.rewrap(token, cast.rewrapped(generation=2), 2)).status == 404
    assert await world.state() == before
    # A key that opens nothing of the dossier is noticed by who opens, here as in every grant.
    assert (await cast.rewrap(token, cast.rewrapped(seed=Identity.generate(Use.DOSSIER)))).status == 200
    known = await _known(cast, token)
    with pytest.raises(Distrusted) as caught:
        known.opened_by(cast.new)
    assert caught.value.reason is Refusal.MISMATCH


async def test_whoever_ended_gets_nothing_by_a_new_key(cast):
    world = cast.world
    listed = await world.ok("list_grants", cast.path, token=cast.admin.token)
    (grant,) = [item["id"] for item in listed["items"] if item["account"] == cast.reviewer.account]
    await world.ok("revoke_grant", cast.path | {"grant": grant}, token=cast.admin.token)
    done = await cast.hand_over()
    assert (done.status, done.json["grants"]) == (200, 0)
    token = await world.session(cast.new)
    assert (await cast.mine(token)).status == 404
    assert (await cast.rewrap(token, cast.rewrapped())).status == 404


async def test_a_withdrawal_ends_whoever_followed(cast):
    world = cast.world
    assert (await cast.hand_over()).status == 200
    world.clock.time += 1
    await world.withdraw(cast.reviewer)
    token = await world.session(cast.new)
    assert not (await world.ok("get_me", token=token))["habilitated"]
    again = await cast.hand_over(token, old=cast.new, new=Identity.generate(Use.PERSON))
    assert (again.status, again.code) == (403, "not_habilitated")


async def test_it_is_dated_between_the_last_word_and_now(cast):
    world = cast.world
    admin, last = cast.admin.identity, world.clock.now()
    other = await world.person("reviewer")
    grant = world.grant(admin, cast.dossier.id, cast.dossier.key, other.identity)
    await world.ok("add_grant", cast.path, token=cast.admin.token, json={"statement": carry(grant)})
    world.clock.time += 5
    now, new = world.clock.now(), Identity.generate(Use.PERSON)
    for when, reason in ((last, "mismatch"), (last - 100, "mismatch"), (now + 1, "early")):
        refused = await cast.hand_over(old=admin, new=new, at=when)
        assert (refused.status, refused.code) == (422, "statement_invalid")
        assert refused.json["extra"] == {"reason": reason, "now": now, "after": last}
    assert (await cast.hand_over(old=admin, new=new, at=last + 1)).status == 200
    # What the old key granted stays granted; it grants nothing any more, and the new one does.
    late = world.grant(admin, cast.dossier.id, cast.dossier.key, (await world.person("reviewer")).identity)
    refused = await world.ask("add_grant", cast.path, token=cast.admin.token, json={"statement": carry(late)})
    assert (refused.status, refused.code) == (422, "statement_invalid")
    fresh = world.grant(new, cast.dossier.id, cast.dossier.key, (await world.person("reviewer")).identity)
    await world.ok("add_grant", cast.path, token=cast.admin.token, json={"statement": carry(fresh)})
    assert (
        await world.ask("get_my_grants", cast.path, token=await world.session(other.identity))
    ).status == 200


async def test_a_portal_hands_over_and_its_dossiers_stay_its_own(cast):
    world = cast.world
    new = Identity.generate(Use.SERVICE)
    assert (await cast.hand_over(cast.portal.token, old=cast.portal.identity, new=new)).status == 200
    portal = cast.portal._replace(identity=new)
    editor = await world.depositor(portal, cast.dossier)
    token = await world.session(editor)
    await world.kept(token, cast.dossier, world.seal(editor.signing, cast.dossier))
    later = Identity.generate(Use.PERSON)
    body = world.mandate_request(cast.portal.identity, cast.dossier.id, later)
    refused = await world.ask("add_depositor", cast.path, token=cast.portal.token, json=body)
    assert (refused.status, refused.code) == (422, "statement_invalid")


async def test_what_is_refused(cast):
    world = cast.world
    old = cast.reviewer.identity
    session = await world.session(old)
    editor = await world.depositor(cast.portal, cast.dossier)
    foreign = Said(
        cast.admin.identity.public.signing,
        **momentary(world.clock.now()),
        old=cast.admin.identity.public,
        new=cast.new.public,
    )
    before = await world.state()
    for options, code in (
        ({"new": cast.admin.identity}, "already_exists"),
        ({"new": editor}, "already_exists"),
        ({"forged": True}, "possession_unproven"),
    ):
        refused = await cast.hand_over(session, **options)
        assert refused.code == code, refused.body
    body = await cast.request(old, cast.new)
    theirs = body | {"statement": carry(sign_statement(foreign, cast.admin.identity.signing))}
    refused = await world.ask("succeed_account", token=session, json=theirs)
    assert (refused.status, refused.code) == (422, "statement_invalid")
    # The challenge was used by that.
    refused = await world.ask("succeed_account", token=session, json=body)
    assert refused.code == "possession_unproven"
    assert await world.state() == before
    lines = world.log.getvalue().splitlines()
    assert [line for line in lines if '"undeclared"' in line or '"failure"' in line] == []


async def test_a_key_that_handed_over_comes_back_nowhere(cast):
    world = cast.world
    old = cast.reviewer.identity
    assert (await cast.hand_over()).status == 200
    _, code = await world.account("reviewer")
    again = await world.enrol(code, old)
    assert (again.status, again.code) == (409, "already_exists")
    world.clock.time += 1
    back = await cast.hand_over(await world.session(cast.new), old=cast.new, new=old)
    assert (back.status, back.code) == (409, "already_exists")


async def test_two_at_once_have_one_successor(cast):
    world = cast.world
    session = await world.session(cast.reviewer.identity)
    heirs = [Identity.generate(Use.PERSON) for _ in range(4)]
    answers = await asyncio.gather(*(cast.hand_over(session, new=heir) for heir in heirs))
    assert sum(answer.status == 200 for answer in answers) == 1, [answer.body for answer in answers]
    known = [(await world.sign_in(heir)).status for heir in heirs]
    assert known == [201 if answer.status == 200 else 401 for answer in answers]
