"""The next key of a dossier: who gives it, what is sealed to it, and when the one before ends."""

import asyncio
from base64 import urlsafe_b64decode

import pytest

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import carry
from tests.exchange.acts_on_dossiers import DossierAt
from tests.exchange.cutting import cut
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.container.examine import Expectations
from vault.container.heads import read_outline
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError
from vault.container.unlocking import unlock
from vault.server.services import rotating


class Home:
    """A dossier, its admin and reviewer, and what was deposited in it."""

    def __init__(self, sender, reviewer) -> None:
        self.sender, self.reviewer = sender, reviewer
        self.world, self.dossier, self.admin = sender.world, sender.dossier, sender.admin
        self.containers: dict[str, bytes] = {}

    async def deposit(self, dossier=None, generation=1):
        authority = self.world.authority.public.signing_key_id
        container = self.world.seal(
            self.sender.editor.signing,
            dossier or self.dossier,
            generation=generation,
            writers=(authority, self.admin.identity.public.signing_key_id),
        )
        answer = await self.world.deposit(self.sender.session, self.dossier, container)
        if answer.status == 201:
            self.containers[answer.json["version"]["seal_id"]] = container
        return answer

    async def ask(self, name, *, token=None, path=(), **options):
        found = {"dossier": self.dossier.id} | dict(path)
        return await self.world.ask(name, found, token=token or self.admin.token, **options)

    def request(self, key=None, *, issuer=None, grantees=None, **fields):
        issuer = issuer or self.admin.identity
        grantees = [self.admin.identity, self.reviewer.identity] if grantees is None else grantees
        key = key or Identity.generate(Use.DOSSIER)
        return self.world.rotation_request(issuer, self.dossier, key, grantees, **fields)

    async def rotate(self, grantees=None) -> DossierAt:
        """Return the dossier with its second key."""
        grantees = grantees or [self.admin.identity, self.reviewer.identity]
        return await self.world.rotated(self.admin, self.dossier, grantees)

    def rewrapped(self, item, dossier, generation=2, **options):
        """Return the next head of one of the containers."""
        keys = (generation, dossier.key.public.kem)
        container = self.containers[item["version"]["seal_id"]]
        options = {"recipients": []} | options
        return self.world.rewrap(container, self.dossier, self.admin.identity, keys=keys, **options)

    async def put(self, item, head):
        version = item["version"]
        return await self.world.ask(
            "rewrite_envelope",
            {"evidence": version["evidence"], "number": version["number"]},
            token=self.admin.token,
            data=head,
            headers={"If-Match": f'"{version["generation"]}"'},
        )

    async def left(self, **query):
        answer = await self.ask("list_outdated", params=query)
        assert answer.status == 200, answer.body
        return answer.json["items"], answer.json["next"]

    async def rewrap_all(self, dossier):
        for item in (await self.left())[0]:
            answer = await self.put(item, self.rewrapped(item, dossier))
            assert (answer.status, answer.json["dossier_generation"]) == (200, 2), answer.body

    async def retire(self, generation=1):
        return await self.ask("retire_dossier_key", path={"generation": generation})

    async def granted(self, who):
        """Return the generations that one is handed, or why none."""
        answer = await self.ask("get_my_grants", token=who.token)
        return len(answer.json["grants"]) if answer.status == 200 else answer.code


@pytest.fixture
async def home(sender):
    """A dossier with three deposits, granted to an admin and a reviewer."""
    world = sender.world
    home = Home(sender, await world.person("reviewer"))
    signed = world.grant(sender.admin.identity, sender.dossier.id, sender.dossier.key, home.reviewer.identity)
    assert (await home.ask("add_grant", json={"statement": carry(signed)})).status == 201
    for _ in range(3):
        assert (await home.deposit()).status == 201
    return home


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
    assert {item["name"]: item["value"] for item in entry["details"]} == {"generation": "1", "count": "2"}
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
