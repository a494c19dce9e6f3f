"""The next key of a dossier: who gives it, what is sealed to it, and when the one before ends."""

import asyncio
from base64 import urlsafe_b64decode

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.cutting import cut
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.turning import a_home
from vault.container.examine import Expectations
from vault.container.heads import read_outline
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError
from vault.container.unlocking import unlock
from vault.server.services import rotating


@pytest.fixture
async def home(sender):
    return await a_home(sender)


async def test_deposits_are_sealed_to_the_next_key_from_now_on(home):
    key = Identity.generate(Use.DOSSIER)
    answer = await home.ask("rotate_dossier_key", json=home.request(key))
    heads = [cut(container)[0] for container in home.containers.values()]
    assert answer.status == 201
    assert answer.json == {
        "dossier": home.dossier.id,
        "generation": 2,
        "versions": 3,
        "envelope_bytes": sum(map(len, heads)),
        "body_bytes": sum(map(len, home.containers.values())) - sum(map(len, heads)),
        "outdated": 3,
        "grants": 2,
    }
    entry = await home.world.last_entry()
    assert entry["action"] == "dossier.key_rotated"
    assert [item["name"] for item in entry["details"]] == ["count", "generation", "key"]
    assert (await home.ask("get_rotation")).json == answer.json
    assert (await home.ask("get_dossier")).json["generation"] == 2
    refused = await home.deposit()
    assert (refused.code, refused.json["extra"]) == ("dossier_key_outdated", {"generation": 2})
    assert (await home.deposit(home.dossier._replace(key=key), 2)).status == 201
    assert (await home.granted(home.reviewer)) == 2


async def test_what_is_no_next_key_changes_nothing(home):
    other = Identity.generate(Use.PERSON)
    cases = [
        ("statement_invalid", {"dossier": "D-other"}),
        ("conflict", {"generation": 3}),
        ("statement_invalid", {"previous": bytes(32)}),
        ("statement_invalid", {"writers": (other.public.signing_key_id,)}),
        ("statement_invalid", {"issuer": home.sender.portal.identity}),
        ("statement_invalid", {"issuer": home.reviewer.identity}),
        ("statement_invalid", {"issuer": other}),
        ("statement_invalid", {"granted": 1}),
        ("statement_invalid", {"grantees": [home.reviewer.identity]}),
        ("statement_invalid", {"grantees": [home.admin.identity, other]}),
        ("already_exists", {"grantees": [home.admin.identity, home.admin.identity]}),
    ]
    before = await home.world.state()
    for code, broken in cases:
        answer = await home.ask("rotate_dossier_key", json=home.request(**broken))
        assert answer.code == code, (broken, answer.body)
    none = home.request() | {"grants": []}
    assert (await home.ask("rotate_dossier_key", json=none)).code == "invalid_request"
    forged = home.request()
    forged["key"]["signature"] = home.request()["key"]["signature"]
    assert (await home.ask("rotate_dossier_key", json=forged)).code == "statement_invalid"
    assert await home.world.state() == before
    assert (await home.ask("rotate_dossier_key", json=home.request())).status == 201


async def test_of_two_at_once_one_gives_the_next_key(home):
    answers = await asyncio.gather(*(home.ask("rotate_dossier_key", json=home.request()) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    assert {answer.code for answer in answers} == {None, "conflict"}
    assert (await home.ask("get_rotation")).json["generation"] == 2


async def test_asked_again_under_the_same_key_it_is_rotated_once(home):
    body, headers = home.request(), {"Idempotency-Key": "rotate-it-once"}
    first = await home.ask("rotate_dossier_key", json=body, headers=headers)
    second = await home.ask("rotate_dossier_key", json=body, headers=headers)
    assert (first.status, first.body) == (second.status, second.body)
    assert (await home.ask("get_rotation")).json["generation"] == 2


async def test_envelopes_are_handed_out_with_their_seals(home):
    assert await home.left() == ([], None)
    await home.rotate()
    items, following = await home.left()
    assert following is None
    assert {item["version"]["seal_id"] for item in items} == home.containers.keys()
    for item in items:
        container = home.containers[item["version"]["seal_id"]]
        head, seal = (urlsafe_b64decode(item[name] + "==") for name in ("head", "seal"))
        outline = read_outline(head, seal, Expectations(dossier=home.dossier.id))
        assert outline.size == len(container)
        assert container.startswith(head)
        assert container.endswith(seal)
        unlock(outline, home.dossier.key.decapsulation)
    entry = await home.world.last_entry()
    assert entry["action"] == "envelopes.fetched"
    assert entry["details"] == [{"name": "count", "value": "3"}]


@pytest.mark.parametrize("budget", [None, 1])
async def test_they_come_in_pages(home, monkeypatch, budget):
    if budget:
        monkeypatch.setattr(rotating, "PAGE_BYTES", budget)
    await home.rotate()
    seen, cursor = [], {}
    while True:
        items, following = await home.left(limit="1" if budget is None else "50", **cursor)
        assert len(items) == 1
        seen += [item["version"]["seal_id"] for item in items]
        if following is None:
            break
        cursor = {"cursor": following}
    assert len(seen) == 3
    assert set(seen) == home.containers.keys()
    assert (await home.ask("list_outdated", params={"cursor": "AAAA"})).code == "invalid_request"
    assert (await home.ask("list_outdated", params={"limit": "51"})).code == "invalid_request"


async def test_an_envelope_keeps_no_access_for_an_older_key(home):
    following = await home.rotate()
    item = (await home.left())[0][0]
    container = home.containers[item["version"]["seal_id"]]
    both = home.world.rewrap(
        container,
        home.dossier,
        home.admin.identity,
        recipients=[CarriedRecipient("dossier", 2, following.key.public.kem)],
    )
    assert (await home.put(item, both)).code == "dossier_key_outdated"
    assert (await home.put(item, home.rewrapped(item, following))).status == 200
    beside = home.world.seal(
        home.sender.editor.signing,
        following,
        recipients=(
            CarriedRecipient("dossier", 1, home.dossier.key.public.kem),
            CarriedRecipient("dossier", 2, following.key.public.kem),
            CarriedRecipient("recovery", 0, home.world.recovery.public.kem),
        ),
    )
    assert (await home.world.deposit(home.sender.session, home.dossier, beside)).code == (
        "dossier_key_outdated"
    )


async def test_the_older_key_ends_when_nothing_is_sealed_to_it(home):
    following = await home.rotate()
    refused = await home.retire()
    assert (refused.code, refused.json["extra"]) == ("conflict", {"outdated": 3})
    assert (await home.retire(2)).code == "conflict"
    assert (await home.retire(3)).code == "conflict"
    await home.rewrap_all(following)
    assert await home.left() == ([], None)
    done = await home.retire()
    assert (done.status, done.json["outdated"], done.json["grants"]) == (200, 0, 0)
    entry = await home.world.last_entry()
    assert entry["action"] == "dossier.key_retired"
    details = {item["name"]: item["value"] for item in entry["details"]}
    assert details.keys() == {"generation", "count", "root"}
    assert (details["generation"], details["count"]) == ("1", "2")
    assert await home.granted(home.reviewer) == 1
    assert (await home.retire()).status == 200, "what has ended stays so"
    for seal_id, container in home.containers.items():
        async with home.world.records.read() as view:
            row = await view.evidence.by_seal(bytes.fromhex(seal_id))
            head, seal = await view.evidence.head(row.seal_id), await view.evidence.seal(row.seal_id)
        now = read_outline(head, seal)
        unlock(now, following.key.decapsulation)
        with pytest.raises(ContainerError, match="does not open"):
            unlock(now, home.dossier.key.decapsulation)
        stored = [chunk async for chunk in home.world.store.get(row.body_key)]
        assert b"".join(stored) == b"".join(cut(container)[1:])


async def test_whoever_is_left_out_gets_nothing_from_the_end_on(home):
    following = await home.rotate([home.admin.identity])
    assert await home.granted(home.reviewer) == 1, "while it runs, all who may open can"
    await home.rewrap_all(following)
    await home.retire()
    assert await home.granted(home.reviewer) == "not_found"
    version = (await home.ask("list_evidence")).json["items"][0]
    path = {"evidence": version["evidence"], "number": version["number"]}
    for name in ("fetch_container", "fetch_envelope", "fetch_body"):
        answer = await home.world.ask(name, path, token=home.reviewer.token)
        assert answer.code == "not_found"


async def test_a_closed_dossier_is_rotated_too(home):
    assert (await home.ask("close_dossier")).status == 200
    await home.rewrap_all(await home.rotate())
    assert (await home.retire()).status == 200


async def test_an_erased_dossier_is_not_rotated(home):
    assert (await home.ask("close_dossier")).status == 200
    retention = {"procedure": "guidé", "days": 0}
    await home.world.ok("set_retention", token=home.world.root, json=retention)
    root = (await home.ask("get_erasure")).json["root"]
    headers = {"If-Match": f'"{root}"'}
    erased = await home.ask("erase_dossier", token=home.world.root, headers=headers)
    assert erased.status == 200, erased.body
    before = await home.world.state()
    assert (await home.ask("rotate_dossier_key", json=home.request())).code == "dossier_erased"
    assert (await home.ask("list_outdated")).code == "dossier_erased"
    assert (await home.retire()).code == "dossier_erased"
    assert await home.world.state() == before


async def test_what_is_deposited_meanwhile_is_there_afterwards(home):
    following = await home.rotate()

    async def deposits():
        answers = [await home.deposit(following, 2) for _ in range(5)]
        assert {answer.status for answer in answers} == {201}

    await asyncio.gather(deposits(), home.rewrap_all(following))
    assert (await home.retire()).status == 200
    assert (await home.ask("get_rotation")).json["versions"] == 8
    listed = (await home.ask("list_evidence")).json["items"]
    assert {item["seal_id"] for item in listed} == home.containers.keys()
    assert {item["dossier_generation"] for item in listed} == {2}
