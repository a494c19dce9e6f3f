"""A depositor hands over to a new key: the old one is nobody, and what it sealed stays valid."""

import asyncio

import pytest

from client.dossiers import KnownDossier
from client.records import Dossier
from client.remote.handover import hand_over
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import Receipt, read_unjudged
from tests.exchange.acts_of_people import carry, unpack
from tests.exchange.acts_on_dossiers import examine_whole, signer_id
from tests.exchange.anchors import anchor_of
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.container.outcomes import ContainerError, Outcome

pytestmark = pytest.mark.asyncio


class Cast:
    """A dossier with an editor that deposited a proof, and the key that it hands over to."""

    def __init__(self, world, people, dossier, editor) -> None:
        self.world, (self.portal, self.admin, self.reviewer) = world, people
        self.dossier, self.old, self.new = dossier, editor, Identity.generate(Use.PERSON)

    @property
    def path(self):
        return {"dossier": self.dossier.id}

    def request(self, *, old=None, new=None, origin=None, dossier=None, now=None):
        request = hand_over(
            old or self.old,
            new or self.new,
            dossier or self.dossier.id,
            origin or self.world.origin,
            now=self.world.clock.now() if now is None else now,
        )
        return request.model_dump(mode="json")

    async def hand_over(self, token=None, **options):
        token = token or await self.world.session(self.old)
        return await self.world.ask("succeed_depositor", self.path, token=token, json=self.request(**options))


@pytest.fixture
async def cast(world):
    organisation = await world.organisation()
    portal = await world.person("portal", organisation=organisation)
    admin, reviewer = await world.person("admin"), await world.person("reviewer")
    granted = [admin.identity, reviewer.identity]
    dossier = await world.dossier(portal, granted, organisation=organisation)
    return Cast(world, (portal, admin, reviewer), dossier, await world.depositor(portal, dossier))


async def deposit(cast, identity, **options):
    """Deposit a proof, and let a second go by."""
    world = cast.world
    container = world.seal(identity.signing, cast.dossier, **options)
    version = await world.kept(await world.session(identity), cast.dossier, container)
    world.clock.time += 1
    return version, container


async def test_the_new_key_is_the_depositor_and_the_old_one_nobody(cast):
    world = cast.world
    session = await world.session(cast.old)
    size = await world.journal_size()
    done = await cast.hand_over(session)
    assert done.status == 200, done.body
    now = world.clock.now()
    assert done.json == {
        "former": signer_id(cast.old),
        "key_id": signer_id(cast.new),
        "mandates": 1,
        "since": now,
    }
    assert await world.journal_size() == size + 1
    entry = await world.last_entry()
    assert entry["action"] == "depositor.succeeded"
    assert [subject["id"] for subject in entry["subjects"]] == [
        cast.dossier.id,
        signer_id(cast.old),
        signer_id(cast.new),
    ]
    # The session that was open is over, and there is no other.
    assert (await world.ask("get_me", token=session)).code == "unauthenticated"
    assert (await world.sign_in(cast.old)).code == "sign_in_failed"
    fresh, _ = await deposit(cast, cast.new)
    assert fresh["signer"] == signer_id(cast.new)
    late = world.seal(cast.old.signing, cast.dossier)
    for token, acting_for in (
        (await world.session(cast.new), None),
        (cast.portal.token, None),
        (cast.portal.token, signer_id(cast.new)),
    ):
        refused = await world.deposit(token, cast.dossier, late, acting_for=acting_for)
        assert (refused.status, refused.code) == (403, "unknown_signer")
    gone = await world.ask("get_dossier", cast.path, token=cast.portal.token, acting_for=signer_id(cast.old))
    assert gone.status == 404


async def test_what_the_old_key_sealed_is_the_new_ones(cast):
    world = cast.world
    version, container = await deposit(cast, cast.old)
    assert (await cast.hand_over()).status == 200
    token = await world.session(cast.new)
    where = {"evidence": version["evidence"], "number": 1}
    assert (await world.ask("fetch_container", where, token=token)).body == container
    listed = await world.ok("list_evidence", cast.path, token=token)
    assert [item["seal_id"] for item in listed["items"]] == [version["seal_id"]]
    shown = await world.ok("get_evidence", {"evidence": version["evidence"]}, token=token)
    assert [item["signer"] for item in shown["versions"]] == [signer_id(cast.old)]
    # Only the seal's signer and the writers that it lists write a new envelope, whoever sends it.
    for writer, status in ((cast.new, 422), (cast.old, 200)):
        head = world.rewrap(container, cast.dossier, writer, successors=[writer.public.signing_key_id])
        sent = await world.ask("rewrite_envelope", where, token=token, data=head, headers={"If-Match": '"1"'})
        assert sent.status == status, sent.body
    better = world.seal(cast.new.signing, cast.dossier, supersedes=bytes.fromhex(version["seal_id"]))
    replaced = await world.ask(
        "replace_evidence",
        {"evidence": version["evidence"]},
        token=token,
        data=better,
        headers={"If-Match": f'"{version["seal_id"]}"'},
    )
    assert replaced.status == 200, replaced.body
    world.clock.time += 1
    third = Identity.generate(Use.PERSON)
    assert (await cast.hand_over(token, old=cast.new, new=third)).status == 200
    shown = await world.ok(
        "get_evidence", {"evidence": version["evidence"]}, token=await world.session(third)
    )
    assert [item["signer"] for item in shown["versions"]] == [signer_id(cast.old), signer_id(cast.new)]
    archived = await world.ask(
        "archive_evidence",
        {"evidence": version["evidence"]},
        token=await world.session(third),
        headers={"If-Match": f'"{shown["seal_id"]}"'},
    )
    assert archived.status == 200


async def test_the_colleague_sees_nothing_of_it(cast):
    world = cast.world
    version, _ = await deposit(cast, cast.old)
    colleague = await world.depositor(cast.portal, cast.dossier)
    assert (await cast.hand_over()).status == 200
    token = await world.session(colleague)
    assert (await world.ok("list_evidence", cast.path, token=token))["items"] == []
    hidden = await world.ask("get_evidence", {"evidence": version["evidence"]}, token=token)
    assert hidden.status == 404


async def known_to_a_reviewer(cast):
    """Return what a reviewer knows of the dossier, by what the service hands out."""
    world = cast.world
    trust = await world.ok("get_trust")
    assert trust["successions"] == []
    mine = await world.ok("get_my_grants", cast.path, token=cast.reviewer.token)
    kept = Dossier(
        cast.dossier.id,
        keys=tuple(map(unpack, mine["keys"])),
        grants=tuple(map(unpack, mine["grants"])),
        mandates=tuple(map(unpack, mine["mandates"])),
        issuers=tuple(map(unpack, mine["issuers"])),
    )
    return KnownDossier(anchor_of(world), kept)


async def test_reviewers_follow_the_chain(cast):
    world = cast.world
    before, old = await deposit(cast, cast.old)
    assert (await cast.hand_over()).status == 200
    after, new = await deposit(cast, cast.new)
    known = await known_to_a_reviewer(cast)

    async def at(version):
        where = {"evidence": version["evidence"], "number": 1}
        receipt = unpack((await world.ok("get_receipt", where, token=cast.reviewer.token))["receipt"])
        return read_unjudged(receipt, Receipt).issued

    known.require_signer(examine_whole(old), at=await at(before))
    known.require_signer(examine_whole(new), at=await at(after))
    for container, when in ((old, await at(after)), (new, await at(before))):
        with pytest.raises(ContainerError) as refused:
            known.require_signer(examine_whole(container), at=when)
        assert refused.value.outcome is Outcome.UNKNOWN_SIGNER


async def test_it_is_dated_between_the_last_deposit_and_now(cast):
    world = cast.world
    version, _ = await deposit(cast, cast.old)
    last, now = version["deposited"], world.clock.now()
    for when, reason in ((last, "mismatch"), (last - 100, "mismatch"), (now + 1, "early")):
        refused = await cast.hand_over(now=when)
        assert (refused.status, refused.code) == (422, "statement_invalid")
        assert refused.json["extra"] == {"reason": reason, "now": now, "after": last}
    far = await cast.hand_over(now=now + 3600)
    assert (far.status, far.code) == (422, "statement_invalid")
    assert (await cast.hand_over(now=last + 1)).status == 200


async def test_it_follows_in_every_dossier(cast):
    world = cast.world
    other = await world.dossier(cast.portal, [cast.admin.identity], organisation=cast.dossier.organisation)
    await world.depositor(cast.portal, other, cast.old)
    assert (await cast.hand_over()).json["mandates"] == 2
    token = await world.session(cast.new)
    listed = await world.ok("list_dossiers", token=token)
    assert {item["id"] for item in listed["items"]} == {cast.dossier.id, other.id}
    await world.kept(token, other, world.seal(cast.new.signing, other))


async def test_what_is_refused(cast):
    world = cast.world
    stranger = Identity.generate(Use.PERSON)
    session = await world.session(cast.old)
    before = await world.state()
    for options, code in (
        ({"old": stranger}, "statement_invalid"),
        ({"new": cast.admin.identity}, "already_exists"),
        ({"origin": "https://elsewhere.example"}, "possession_unproven"),
        ({"dossier": "D-other"}, "possession_unproven"),
    ):
        refused = await cast.hand_over(session, **options)
        assert refused.code == code, refused.body
    assert await world.state() == before
    # Nobody else hands a mandate over: not who gave it, and not who has another one.
    for token in (cast.portal.token, cast.admin.token, cast.reviewer.token):
        assert (await cast.hand_over(token)).code == "forbidden"
    assert await world.state() == before


async def test_a_key_that_handed_over_is_never_a_depositor_again(cast):
    world = cast.world
    assert (await cast.hand_over()).status == 200
    again = world.mandate_request(cast.portal.identity, cast.dossier.id, cast.old)
    refused = await world.ask("add_depositor", cast.path, token=cast.portal.token, json=again)
    assert (refused.status, refused.code) == (422, "statement_invalid")
    back = await cast.hand_over(await world.session(cast.new), old=cast.new, new=cast.old)
    assert (back.status, back.code) == (422, "statement_invalid")


async def test_two_at_once_have_one_successor(cast):
    world = cast.world
    session = await world.session(cast.old)
    heirs = [Identity.generate(Use.PERSON) for _ in range(4)]
    answers = await asyncio.gather(*(cast.hand_over(session, new=heir) for heir in heirs))
    assert min(answer.status for answer in answers) == 200
    assert sum(answer.status == 200 for answer in answers) == 1
    known = [(await world.sign_in(heir)).status for heir in heirs]
    assert known == [201 if answer.status == 200 else 401 for answer in answers]


async def test_ending_the_mandate_ends_that_of_whoever_followed(cast):
    world = cast.world
    assert (await cast.hand_over()).status == 200
    token = await world.session(cast.new)
    path = cast.path | {"key": signer_id(cast.old)}
    await world.ok("remove_depositor", path, token=cast.portal.token)
    assert (await world.ask("get_me", token=token)).status == 401
    assert (await world.sign_in(cast.new)).status == 401


async def test_a_new_mandate_for_the_new_key_keeps_what_the_old_one_sealed(cast):
    world = cast.world
    version, _ = await deposit(cast, cast.old)
    assert (await cast.hand_over()).status == 200
    path = cast.path | {"key": signer_id(cast.new)}
    await world.ok("remove_depositor", path, token=cast.portal.token)
    await world.depositor(cast.portal, cast.dossier, cast.new)
    shown = await world.ok(
        "get_evidence", {"evidence": version["evidence"]}, token=await world.session(cast.new)
    )
    assert len(shown["versions"]) == 1


async def test_a_withdrawn_mandate_is_not_handed_over(cast):
    world = cast.world
    session = await world.session(cast.old)
    await world.ok("remove_depositor", cast.path | {"key": signer_id(cast.old)}, token=cast.portal.token)
    assert (await cast.hand_over(session)).code == "unauthenticated"


async def test_every_problem_above_is_declared_for_its_route(cast):
    await test_what_is_refused(cast)
    lines = cast.world.log.getvalue().splitlines()
    assert [line for line in lines if '"undeclared"' in line or '"failure"' in line] == []


async def test_the_statement_is_stored_as_it_was_signed(cast):
    body = cast.request()
    session = await cast.world.session(cast.old)
    await cast.world.ok("succeed_depositor", cast.path, token=session, json=body)
    async with cast.world.records.read() as view:
        (row,) = await view.statements.find("succession", subject=cast.old.public.signing_key_id)
        assert carry(unpack(body["statement"])) == body["statement"]
        assert row.id == unpack(body["statement"]).id
    assert (await cast.world.ok("get_trust"))["successions"] == []
