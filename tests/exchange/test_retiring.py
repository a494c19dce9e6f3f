"""What the service certifies when a dossier's key ends: every container, none with a slot for that key."""

import json
from contextlib import aclosing

import pytest

from keys.canonical import decode_binary
from keys.derivation import key_id
from keys.serverkey import read_server_identity
from keys.statements import Rotation, read_unjudged
from tests.exchange.acts_of_people import unpack
from tests.exchange.spoiling import changed_row, flipped, missing_rows
from tests.exchange.turning import a_home
from vault.certificates import ROTATED_CONTAINER, CertificateError, LineTree
from vault.container.heads import parse_head
from vault.container.manifest import CarriedRecipient
from vault.journal import Action
from vault.merkle import leaf_hash
from vault.server.services.damage import Kind
from vault.server.services.retirementcheck import check_retirements
from vault.server.services.scrub import Scrub
from vault.server.stores.records import retiring, schema
from vault.server.stores.records.statements import Statements


@pytest.fixture
async def home(sender):
    return await a_home(sender)


async def turned(home):
    """Rotate all the way, and return the dossier with its next key."""
    following = await home.rotate()
    await home.rewrap_all(following)
    assert (await home.retire()).status == 200
    return following


async def certified(home, **query):
    """Return the newest statement and its lines, every one of which counts."""
    (newest, *_) = (await home.ask("list_retirements")).json["items"]
    said = read_unjudged(unpack(newest["certificate"]), Rotation)
    tree, lines, start = LineTree(ROTATED_CONTAINER), [], 0
    while start is not None:
        path = {"position": newest["position"]}
        page = await home.ask("list_retired", path=path, params={"start": str(start), **query})
        assert page.status == 200, page.body
        lines += [tree.read(decode_binary(item, len(item) * 3 // 4)) for item in page.json["items"]]
        start = page.json["next"]
    tree.require(count=said.containers, root=said.root)
    assert (newest["generation"], newest["position"]) == (said.ended, said.journal_position)
    return said, lines


async def envelopes(home):
    """Return what today's envelopes and seals say, by seal id."""
    found = {}
    for text in home.containers:
        seal_id = bytes.fromhex(text)
        async with home.world.records.read() as view:
            row, head = await view.evidence.by_seal(seal_id), await view.evidence.head(seal_id)
        found[seal_id] = (row, parse_head(head)[1])
    return found


async def test_every_container_is_listed_archived_ones_too(home):
    version = (await home.ask("list_evidence")).json["items"][0]
    path, headers = {"evidence": version["evidence"]}, {"If-Match": f'"{version["seal_id"]}"'}
    archived = await home.world.ask("archive_evidence", path, token=home.sender.session, headers=headers)
    assert archived.status == 200
    following = await turned(home)
    said, lines = await certified(home)
    there = await envelopes(home)
    assert [line.seal_id for line in lines] == sorted(there)
    for line in lines:
        row, envelope = there[line.seal_id]
        assert (line.envelope, line.generation, line.key) == (envelope.digest, 2, 2)
        assert (line.proof, line.evidence_type) == (row.proof_id, row.evidence_type)
        assert line.recovery == (home.world.recovery.public.kem_key_id,)
        slots = {slot.key for slot in envelope.envelope.recipient_slots}
        assert key_id(home.dossier.key.public.kem) not in slots
    assert said.keys == (key_id(home.dossier.key.public.kem),)
    assert (said.ended, said.generation, said.key) == (1, 2, key_id(following.key.public.kem))
    assert (said.dossier, said.organisation) == (home.dossier.id, home.dossier.organisation)
    assert said.actor == f"account:{home.admin.account}"
    assert said.issuer == read_server_identity(home.world.folder / "server.key").signing


async def test_it_stands_in_the_journal_where_it_says(home):
    await turned(home)
    said, _ = await certified(home)
    async with home.world.records.read() as view:
        (row,) = await view.journal.entries(said.journal_position, 1)
    entry = json.loads(row.entry)
    assert leaf_hash(row.entry) == said.journal_leaf
    assert (entry["action"], entry["time"]) == (Action.DOSSIER_KEY_RETIRED.value, said.issued)
    root = next(item["value"] for item in entry["details"] if item["name"] == "root")
    assert decode_binary(root, 32) == said.root


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_lines_come_in_pages(home, limit):
    await turned(home)
    _, lines = await certified(home, limit=str(limit))
    assert len(lines) == 3


async def test_more_containers_than_are_read_at_once(home, monkeypatch):
    monkeypatch.setattr(retiring, "PAGE", 2)
    await turned(home)
    _, lines = await certified(home)
    assert len(lines) == 3


async def test_asked_again_it_is_the_same_certificate(home):
    await turned(home)
    before = await home.ask("list_retirements")
    size = await home.world.journal_size()
    assert (await home.retire()).status == 200
    assert (await home.ask("list_retirements")).body == before.body
    assert await home.world.journal_size() == size


async def test_what_comes_afterwards_is_in_the_next_one(home):
    second = await turned(home)
    assert (await home.deposit(second, 2)).status == 201
    _, lines = await certified(home)
    assert len(lines) == 3, "it speaks of the moment at which it was signed"
    third = await home.world.rotated(
        home.admin, second, [home.admin.identity, home.reviewer.identity], generation=3
    )
    await home.refresh()
    for item in (await home.left())[0]:
        head = home.rewrapped(item, third, 3, opens=second)
        assert (await home.put(item, head)).status == 200
    assert (await home.retire(2)).status == 200
    said, lines = await certified(home)
    assert (said.ended, said.containers, {line.key for line in lines}) == (2, 4, {3})
    assert said.keys == tuple(key_id(one.key.public.kem) for one in (second, home.dossier))
    listed = (await home.ask("list_retirements")).json["items"]
    assert [item["generation"] for item in listed] == [2, 1]


async def test_a_dossier_that_holds_nothing_has_one_too(home):
    empty = await home.world.dossier(
        home.sender.portal, [home.admin.identity], organisation=home.dossier.organisation
    )
    home.dossier, home.containers = empty, {}
    await home.rotate([home.admin.identity])
    assert (await home.retire()).status == 200
    said, lines = await certified(home)
    assert (said.containers, lines) == (0, [])


async def test_what_was_written_since_it_was_read_is_read_again(home, monkeypatch):
    following = await home.rotate()
    await home.rewrap_all(following)
    service = home.world.services.retiring
    survey = service._survey

    async def late(dossier_id):
        seen = await survey(dossier_id)
        (item, *_) = (await home.ask("list_evidence")).json["items"]
        await home.refresh()
        container = home.containers[item["seal_id"]]
        renewed = home.world.rewrap(container, following, home.admin.identity)
        assert (await home.put({"version": item}, renewed)).status == 200
        assert (await home.deposit(following, 2)).status == 201
        return seen

    monkeypatch.setattr(service, "_survey", late)
    assert (await home.retire()).status == 200
    _, lines = await certified(home)
    there = await envelopes(home)
    assert {line.seal_id: line.envelope for line in lines} == {
        seal_id: envelope.digest for seal_id, (_, envelope) in there.items()
    }
    assert sorted(line.generation for line in lines) == [1, 2, 2, 3]


async def test_no_slot_for_an_older_key_is_taken_whatever_its_label(home):
    following = await home.rotate()
    item = (await home.left())[0][0]
    older = CarriedRecipient("reader", 0, home.dossier.key.public.kem)
    head = home.rewrapped(item, following, recipients=[older])
    assert (await home.put(item, head)).code == "dossier_key_outdated"
    accesses = (
        older,
        CarriedRecipient("dossier", 2, following.key.public.kem),
        CarriedRecipient("recovery", 0, home.world.recovery.public.kem),
    )
    sealed = home.world.seal(home.sender.editor.signing, following, recipients=accesses)
    refused = await home.world.deposit(home.sender.session, home.dossier, sealed)
    assert refused.code == "dossier_key_outdated"


async def test_no_seal_has_a_slot_for_a_key_that_will_end(home):
    accesses = (
        CarriedRecipient("dossier", 1, home.dossier.key.public.kem),
        CarriedRecipient("recovery", 0, home.world.recovery.public.kem),
        CarriedRecipient("recovery", 0, home.dossier.key.public.kem),
    )
    sealed = home.world.seal(home.sender.editor.signing, home.dossier, recipients=accesses)
    refused = await home.world.deposit(home.sender.session, home.dossier, sealed)
    assert (refused.code, "recovery slot" in refused.json["detail"]) == ("conflict", True)


@pytest.mark.parametrize("where", ["envelope", "seal"])
async def test_nothing_is_certified_while_something_has_a_slot_for_it(home, monkeypatch, where):
    """As it may have been taken before such slots were refused."""

    async def none(_statements, _dossier_id):
        return {}

    following = await home.rotate()
    with monkeypatch.context() as patched:
        patched.setattr(Statements, "dossier_keys", none)
        older = CarriedRecipient(
            "reader" if where == "envelope" else "recovery", 0, home.dossier.key.public.kem
        )
        sealed = home.world.seal(
            home.sender.editor.signing,
            following,
            recipients=(
                older,
                CarriedRecipient("dossier", 2, following.key.public.kem),
                CarriedRecipient("recovery", 0, home.world.recovery.public.kem),
            ),
        )
        answer = await home.world.deposit(home.sender.session, home.dossier, sealed)
        assert answer.status == 201
    await home.rewrap_all(following)
    before = await home.world.state()
    refused = await home.retire()
    assert (refused.code, refused.json["extra"]) == ("conflict", {"carrying": 1})
    assert await home.world.state() == before


async def test_nothing_is_certified_of_what_is_damaged(home):
    following = await home.rotate()
    await home.rewrap_all(following)
    seal_id = bytes.fromhex(next(iter(home.containers)))
    for table, column, where in (
        (schema.heads, "head", schema.heads.c.seal_id == seal_id),
        (schema.seals, "seal", schema.seals.c.seal_id == seal_id),
    ):
        for at in (10, 1000):
            change = {column: lambda data, at=at: flipped(data, at)}
            async with changed_row(home.world.records, table, where, **change):
                refused = await home.retire()
                assert (refused.code, refused.json["extra"]) == ("conflict", {"damaged": seal_id.hex()})
    async with missing_rows(home.world.records, (schema.heads, schema.heads.c.seal_id == seal_id)):
        assert (await home.retire()).code == "conflict"
    assert (await home.ask("list_retirements")).json["items"] == []
    assert (await home.retire()).status == 200


async def test_a_certificate_is_asked_for_by_its_own_dossier_and_place(home):
    await turned(home)
    said, _ = await certified(home)
    other = await home.world.dossier(
        home.sender.portal, [home.admin.identity], organisation=home.dossier.organisation
    )
    for path in (
        {"position": said.journal_position + 1},
        {"position": 0},
        {"dossier": other.id, "position": said.journal_position},
        {"position": "01"},
    ):
        assert (await home.ask("list_retired", path=path)).code == "not_found"
    assert (await home.ask("list_retirements", path={"dossier": other.id})).json["items"] == []
    for who in (home.reviewer, home.sender.portal):
        assert (await home.ask("list_retirements", token=who.token)).code == "forbidden"


async def damages(home, dossier_id=None):
    async with aclosing(check_retirements(home.world.records, dossier_id=dossier_id)) as found:
        return [(one.kind, one.dossier) async for one in found]


async def test_a_scrub_names_a_certificate_that_was_changed(home):
    await turned(home)
    records, dossier = home.world.records, home.dossier.id
    assert await damages(home) == []
    own = schema.retirements.c.dossier_id == dossier
    first = schema.retirement_lines.c.number == 0
    expected = [(Kind.CERTIFICATE_DAMAGED, dossier)]
    for table, where, changes in (
        (schema.retirements, own, {"statement": lambda data: flipped(data, 50)}),
        (schema.retirements, own, {"signature": lambda data: flipped(data, 50)}),
        (schema.retirements, own, {"generation": 2}),
        (schema.retirement_lines, first, {"line": lambda data: flipped(data, 50)}),
    ):
        async with changed_row(records, table, where, **changes):
            assert await damages(home) == expected
            assert await damages(home, dossier) == expected
            assert await damages(home, "D-none") == []
    async with missing_rows(records, (schema.retirement_lines, first)):
        assert await damages(home) == expected
        with pytest.raises(CertificateError):
            await certified(home)


async def test_a_scrub_misses_a_certificate_that_the_journal_tells_of(home):
    await turned(home)
    world, dossier = home.world, home.dossier.id

    async def found():
        kinds = []
        ended = await Scrub(world.records, world.store, world.clock, found=kinds.append).run()
        assert ended.outcome == "done"
        return [(one.kind, one.dossier, one.position) for one in kinds]

    assert await found() == []
    async with world.records.read() as view:
        (kept,) = await view.retirements.after(-1, dossier_id=dossier, limit=2)
    own = schema.retirements.c.dossier_id == dossier
    lines = schema.retirement_lines.c.position == kept.position
    gone = [(Kind.CERTIFICATE_MISSING, dossier, kept.position)]
    async with missing_rows(world.records, (schema.retirement_lines, lines), (schema.retirements, own)):
        assert await damages(home) == [], "nothing is there that could be wrong"
        assert await found() == gone
    assert await found() == []
