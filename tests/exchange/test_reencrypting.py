"""What was deposited is sealed anew by an admin: the same files, in the same place, under keys of now."""

import asyncio

import pytest
from sqlalchemy import update

from keys.canonical import decode_binary
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import Receipt, read_unjudged
from tests.exchange.acts_of_people import carry, unpack
from tests.exchange.acts_on_dossiers import examine_whole
from tests.exchange.cutting import cut, without_payload
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.estate import scrubbed
from tests.exchange.reencrypted import Home
from tests.suites.samples import ORIGIN
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError
from vault.container.seal import parse_stored_seal
from vault.container.unlocking import unlock
from vault.journal import Action
from vault.server.stores.records import schema


@pytest.fixture
async def home(sender):
    home = Home(sender)
    await home.fill()
    return home


async def test_what_reencrypts_a_version_has_its_place_and_its_state(home):
    before = {version["number"]: version for version in await home.versions()}
    for version in (home.first, home.second):
        made = await home.reencrypted(version)
        old = before[version["number"]]
        same = ("evidence", "number", "dossier", "evidence_type", "state")
        assert [made[name] for name in same] == [old[name] for name in same]
        assert (made["supersedes"], made["depositor"]) == (old["seal_id"], old["signer"])
        assert made["signer"] == home.admin.identity.public.signing_key_id.hex()
        assert made["seal_id"] != old["seal_id"]
        entry = await home.world.last_entry()
        assert entry["action"] == "evidence.reencrypted"
        assert [item["name"] for item in entry["details"]] == [
            "envelope_digest",
            "evidence_type",
            "generation",
            "seal",
            "signer",
            "size",
            "supersedes",
        ]
    proof = await home.world.ok(
        "get_evidence", {"evidence": home.first["evidence"]}, token=home.sender.session
    )
    assert proof["state"] == "active"
    assert proof["seal_id"] == proof["versions"][1]["seal_id"]
    assert [version["state"] for version in proof["versions"]] == ["archived", "active"]
    assert (await scrubbed(home))[0] == []


async def test_the_depositor_keeps_its_access_and_the_kept_key_opens_nothing_new(home):
    container = home.containers[home.second["seal_id"]]
    kept = unlock(examine_whole(container), home.dossier.key.decapsulation)
    made = await home.reencrypted(home.second)
    answer = await home.fetch(made, home.sender.session)
    assert answer.status == 200
    now = examine_whole(answer.body)
    assert unlock(now, home.reader.decapsulation).container_key != kept.container_key
    assert now.seal.seal.content == examine_whole(container).seal.seal.content
    assert not any(slot.wrapped in answer.body for slot in examine_whole(container).envelope.envelope.slots)
    with pytest.raises(ContainerError):
        unlock(now, Identity.generate(Use.PERSON).decapsulation)


async def test_the_first_seal_goes_on_proving_who_sealed(home):
    made = await home.reencrypted(home.second)
    home.world.clock.time += 5
    made = await home.reencrypted(made)
    answer = await home.receipt(made)
    receipt = read_unjudged(unpack(answer["receipt"]), Receipt)
    assert receipt.seal_id.hex() == made["seal_id"]
    assert receipt.supersedes.hex() == made["supersedes"]
    assert len(answer["originals"]) == 2
    content = examine_whole(home.containers[made["seal_id"]]).seal.seal.content
    for one, container in zip(answer["originals"], list(home.containers.values())[1:], strict=False):
        stored = decode_binary(one["seal"], len(one["seal"]) * 3 // 4)
        assert container.endswith(stored)
        seal = parse_stored_seal(stored)
        assert seal.seal_id.hex() == one["seal_id"]
        assert seal.seal.content == content
        assert read_unjudged(unpack(one["receipt"]), Receipt).seal_id == seal.seal_id
    assert home.admin.habilitation is not None
    assert carry(home.admin.habilitation) in answer["issuers"]
    assert (await home.receipt(home.first))["originals"] == []


async def test_what_is_no_reencryption_of_it_is_refused_and_leaves_nothing(home):
    container = home.containers[home.second["seal_id"]]
    other = Identity.generate(Use.PERSON)
    dossier, reader, recovery = (
        CarriedRecipient("dossier", 1, home.dossier.key.public.kem),
        CarriedRecipient("reader", 0, home.reader.public.kem),
        CarriedRecipient("recovery", 0, home.world.recovery.public.kem),
    )
    cases = [
        ("conflict", home.again(container, fresh=True)),
        ("conflict", home.again(container, supersedes=b"")),
        ("conflict", home.again(container, supersedes=bytes.fromhex(home.first["seal_id"]))),
        ("conflict", home.again(home.containers[home.first["seal_id"]])),
        ("conflict", home.again(container, evidence_type="cgu")),
        ("wrong_dossier", home.again(container, dossier="D-other")),
        ("unknown_signer", home.again(container, signer=other.signing)),
        ("unknown_signer", home.again(container, signer=home.sender.editor.signing)),
        ("dossier_key_outdated", home.again(container, recipients=(reader, recovery))),
        ("recovery_slot_missing", home.again(container, recipients=(reader, dossier))),
        ("writer_missing", home.again(container, writers=())),
        ("malformed", home.again(container)[:-1]),
    ]
    before = await home.world.state()
    for code, broken in cases:
        answer = await home.send(home.second, broken)
        assert answer.code == code, answer.body
        refused = await home.send(home.second, without_payload(broken), route="begin_reencryption")
        assert refused.code == code, refused.body
    assert await home.world.state() == before


async def test_it_takes_an_admin_with_a_grant(home):
    world = home.world
    stranger, reviewer = await world.person("admin"), await world.person("reviewer")
    path = {"dossier": home.dossier.id}
    container = home.again(home.containers[home.second["seal_id"]], signer=stranger.identity.signing)
    for who, code in ((stranger, "not_found"), (reviewer, "forbidden"), (home.sender.portal, "forbidden")):
        assert (await home.send(home.second, container, token=who.token)).code == code
        assert (await home.erase(home.second, token=who.token)).code == code
    assert (await home.fetch(home.second, stranger.token)).code == "not_found"
    granted = world.grant(home.admin.identity, home.dossier.id, home.dossier.key, stranger.identity)
    await world.ok("add_grant", path, token=home.admin.token, json={"statement": carry(granted)})
    assert (await home.fetch(home.second, stranger.token)).status == 200
    await world.withdraw(stranger)
    assert (await home.fetch(home.second, stranger.token)).code == "not_habilitated"
    assert (await home.send(home.second, container, token=stranger.token)).code == "not_habilitated"


async def test_of_several_at_once_one_takes_the_place(home):
    containers = [home.again(home.containers[home.second["seal_id"]]) for _ in range(4)]
    answers = await asyncio.gather(*(home.send(home.second, one) for one in containers))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    (made,) = [answer.json["version"] for answer in answers if answer.status == 201]
    for answer in answers:
        if answer.status != 201:
            assert (answer.code, answer.json["extra"]) == ("conflict", {"seal": made["seal_id"]})
    assert len(await home.objects()) == 3, "nothing is left of those that lost"
    again = await home.send(home.second, containers[[one.status for one in answers].index(201)])
    assert (again.code, again.json["extra"]["number"]) == ("already_deposited", 2)


async def test_asked_again_under_the_same_key_it_is_done_once(home):
    container = home.again(home.containers[home.second["seal_id"]])
    headers = {"Idempotency-Key": "reencrypt-it-once"}
    first = await home.send(home.second, container, headers=headers)
    second = await home.send(home.second, container, headers=headers)
    assert (first.status, first.body) == (second.status, second.body)


async def test_a_replacement_sealed_meanwhile_is_not_lost(home):
    better = home.seal(content=b"best", supersedes=bytes.fromhex(home.second["seal_id"]))
    made = await home.reencrypted(home.second)
    answer = await home.replace(better, home.second["seal_id"])
    assert answer.status == 200, answer.body
    assert answer.json["version"]["number"] == 3
    states = [(version["seal_id"], version["state"]) for version in await home.versions()][1:]
    assert states == [(made["seal_id"], "archived"), (answer.json["version"]["seal_id"], "active")]
    late = home.again(better, supersedes=bytes.fromhex(made["seal_id"]))
    assert (await home.send(made, late)).code == "conflict"
    archived = await home.reencrypted(made)
    assert (archived["number"], archived["state"]) == (2, "archived")
    assert (await scrubbed(home))[0] == []


async def test_a_proof_is_archived_by_whoever_knew_the_seal_before(home):
    await home.reencrypted(home.second)
    answer = await home.world.ask(
        "archive_evidence",
        {"evidence": home.first["evidence"]},
        token=home.sender.session,
        headers={"If-Match": f'"{home.second["seal_id"]}"'},
    )
    assert (answer.status, answer.json["state"]) == (200, "archived")


async def test_it_goes_in_parts_too(home):
    world = home.world
    container = home.again(home.containers[home.second["seal_id"]])
    head, part, trailer = cut(container)
    begun = await home.send(home.second, head + trailer, route="begin_reencryption")
    assert begun.status == 200, begun.body
    upload = begun.json
    assert (upload["replaces"], upload["reencrypts"]) == (
        home.first["evidence"],
        home.second["seal_id"],
    )
    home.sender.parts[upload["id"]] = [part]
    stranger = await world.person("admin")
    for token, code in ((stranger.token, "not_found"), (home.sender.session, "not_found")):
        assert (await home.sender.ask("get_upload", upload, token=token)).code == code
    assert (await home.sender.put(upload, 1, token=home.admin.token)).status == 200
    again = await home.send(home.second, head + trailer, route="begin_reencryption")
    assert (again.json["id"], again.json["received"]) == (upload["id"], [1])
    done = await home.sender.ask("complete_upload", upload, token=home.admin.token)
    assert done.status == 201, done.body
    assert (done.json["version"]["number"], done.json["version"]["state"]) == (2, "active")
    assert done.json["version"]["supersedes"] == home.second["seal_id"]
    same = await home.sender.ask("complete_upload", upload, token=home.admin.token)
    assert same.json == done.json


async def test_an_upload_that_was_overtaken_takes_no_place(home):
    first, second = (home.again(home.containers[home.second["seal_id"]]) for _ in range(2))
    head, part, trailer = cut(first)
    upload = (await home.send(home.second, head + trailer, route="begin_reencryption")).json
    home.sender.parts[upload["id"]] = [part]
    assert (await home.sender.put(upload, 1, token=home.admin.token)).status == 200
    assert (await home.send(home.second, second)).status == 201
    done = await home.sender.ask("complete_upload", upload, token=home.admin.token)
    assert done.code == "conflict"
    assert (await home.sender.ask("abandon_upload", upload, token=home.admin.token)).status == 204


async def test_originals_are_erased_by_an_act_of_their_own(home):
    async def used():
        listed = (await home.world.ok("list_organisations", token=home.world.root))["items"]
        return {one["id"]: one["used_bytes"] for one in listed}[home.dossier.organisation]

    before, objects = await used(), await home.objects()
    made = await home.reencrypted(home.second)
    assert len(await home.objects()) == len(objects) + 1
    assert (await home.erase(made, home.second["seal_id"])).code == "precondition_failed"
    answer = await home.erase(made)
    assert answer.status == 200, answer.body
    entry = await home.world.last_entry()
    assert entry["action"] == "originals.erased"
    assert {item["name"] for item in entry["details"]} == {
        "count",
        "seal",
        "size",
        "supersedes",
        "version",
    }
    assert len(await home.objects()) == len(objects)
    assert len(await home.objects() - objects) == 1
    assert await used() == before + made["size"] - home.second["size"]
    size = await home.world.journal_size()
    assert (await home.erase(made)).json == answer.json, "what is erased stays so"
    assert (await home.erase(made, home.second["seal_id"])).code == "precondition_failed"
    assert await home.world.journal_size() == size
    (original,) = (await home.receipt(made))["originals"]
    assert original["erased"] == home.world.clock.time
    container = home.containers[home.second["seal_id"]]
    again = await home.world.deposit(home.sender.session, home.dossier, container)
    assert (again.code, again.json["extra"]["number"]) == ("already_deposited", 2)
    assert (await scrubbed(home))[0] == []


async def test_what_is_left_shrinks_to_nothing(home):
    assert await home.progress() == (0, 0)
    assert await home.left() == [], "everything was sealed after the present key"
    grantees = [home.admin.identity]
    following = await home.world.rotated(home.admin, home.dossier, grantees)
    late = home.world.seal(home.sender.editor.signing, following, generation=2)
    assert (await home.world.deposit(home.sender.session, home.dossier, late)).status == 201
    assert await home.progress() == (2, 0)
    assert await home.left() == [(2, True, 0), (1, True, 0)]
    made = await home.reencrypted(home.first, to=following, generation=2)
    assert await home.progress() == (1, 1)
    assert await home.left() == [(2, True, 0), (1, False, 1)]
    assert (await home.erase(made)).status == 200
    assert await home.progress() == (1, 0)
    last = await home.reencrypted(home.second, to=following, generation=2)
    assert (await home.erase(last)).status == 200
    assert await home.progress() == (0, 0)
    assert await home.left() == []
    kept = home.dossier.key.decapsulation
    for version in await home.versions():
        answer = await home.fetch(version, home.admin.token)
        with pytest.raises(ContainerError):
            unlock(examine_whole(answer.body), kept)


async def test_a_closed_dossier_is_reencrypted_and_an_erased_one_is_not(home):
    path = {"dossier": home.dossier.id}
    await home.world.ok("close_dossier", path, token=home.admin.token)
    made = await home.reencrypted(home.second)
    container = home.again(home.containers[home.first["seal_id"]])
    await home.world.ok("set_retention", token=home.world.root, json={"procedure": "guidé", "days": 0})
    plan = await home.world.ok("get_erasure", path, token=home.world.root)
    assert plan["versions"] == 3, "the original is there until it is erased"
    headers = {"If-Match": f'"{plan["root"]}"'}
    erased = await home.world.ok("erase_dossier", path, token=home.world.root, headers=headers)
    assert (erased["versions"], erased["size"], erased["waiting"]) == (3, plan["size"], 0)
    assert (await home.send(home.first, container)).code == "not_found", "its grants are gone"
    assert (await home.erase(made)).code == "not_found"
    assert (await home.world.ask("list_left", path, token=home.admin.token)).code == "dossier_erased"
    assert await home.objects() == set()
    assert (await scrubbed(home))[0] == []


async def test_the_next_rotation_wraps_what_stands_and_asks_nothing_of_originals(home):
    made = await home.reencrypted(home.second)
    following = await home.world.rotated(home.admin, home.dossier, [home.admin.identity])
    path = {"dossier": home.dossier.id}
    left = await home.world.ok("list_outdated", path, token=home.admin.token)
    assert {one["version"]["seal_id"] for one in left["items"]} == {
        home.first["seal_id"],
        made["seal_id"],
    }
    for one in left["items"]:
        version = one["version"]
        head = home.world.rewrap(
            home.containers[version["seal_id"]],
            home.dossier,
            home.world.authority,
            keys=(2, following.key.public.kem),
            recipients=[],
        )
        answer = await home.world.ask(
            "rewrite_envelope",
            {"evidence": version["evidence"], "number": version["number"]},
            token=home.admin.token,
            data=head,
            headers={"If-Match": '"1"'},
        )
        assert answer.status == 200, answer.body
    retire = ("retire_dossier_key", path | {"generation": 1})
    refused = await home.world.ask(*retire, token=home.admin.token)
    assert (refused.code, refused.json["extra"]) == ("conflict", {"carrying": 1}), "the original has one"
    assert (await home.erase(made)).status == 200
    retired = await home.world.ask(*retire, token=home.admin.token)
    assert retired.status == 200, retired.body
    assert (await scrubbed(home))[0] == []


@pytest.mark.parametrize(("name", "code"), [("first", "row_differs"), ("second", "proof_differs")])
async def test_a_scrub_sees_what_stands_in_a_place_that_is_not_its_own(home, name, code):
    made = await home.reencrypted(home.second)
    seal_id = {"first": home.first, "second": made}[name]["seal_id"]
    table = schema.versions
    async with home.world.records.change(ORIGIN) as tx:
        await tx.evidence._change.execute(
            update(table).where(table.c.seal_id == bytes.fromhex(seal_id)).values(place=1)
        )
        await tx.record(Action.SERVER_STARTED)
    found = [one.document() for one in (await scrubbed(home))[0]]
    assert (code, seal_id) in {(one["code"], one["seal"]) for one in found}
