"""Two real server processes over one PostgreSQL and one bucket, which have to behave as one."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from copy import copy

import aiohttp
import pytest
import pytest_asyncio

from keys.keyfile import Use
from keys.keyring import Identity
from keys.serverkey import create_server_key
from keys.statements import Receipt, read_unjudged
from tests.exchange.acts_of_people import unpack
from tests.exchange.approving import approval, send, withdraw
from tests.exchange.world import World
from tests.vault.server.commands.host import Host
from vault.journal import Actor, verify_entries
from vault.merkle import verify_consistency
from vault.server.commands.objects import open_store
from vault.server.ports import Origin
from vault.server.services.nextkey import NextKey
from vault.server.services.serverkeys import next_path, read_held
from vault.server.settings import Settings
from vault.server.stores.clock import SystemClock
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.store import SqlRecords

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = "https://vault.example.org"
WRITERS, ROUNDS = 32, 3


class Replicas(World):
    """Everybody, at a service of several servers.

    Attributes:
        servers: the processes.
        at: where they listen.
    """

    servers: list
    at: list[str]

    def through(self, number):
        """Return the same service, reached at one of its servers."""
        other = copy(self)
        other.address = self.at[number % len(self.at)]
        return other

    def alternately(self, requests):
        """Send requests at once, each to the next server; ``requests`` take where."""
        return asyncio.gather(*(ask(self.at[n % len(self.at)]) for n, ask in enumerate(requests)))


@pytest.fixture(scope="module")
def servers(tmp_path_factory, postgres, seaweed):
    """Two servers on two hosts that are started at once, on an empty database and an empty bucket."""
    folder, database = tmp_path_factory.mktemp("replicas"), postgres.new_database(migrated=False)
    settings = {
        **seaweed.settings(seaweed.new_bucket()),
        "database_url": postgres.url(database, tcp=True),
        "origin": ORIGIN,
        "approvals": "erase",
        "server_key_file": str(folder / "server.key"),
    }
    hosts = [Host(folder / name) for name in ("one", "other")]
    for host in hosts:
        host.folder.mkdir()

    def start(host):
        variables = {f"SCELLE_{name.upper()}": value for name, value in settings.items()}
        return host.serve(**variables, SCELLE_DATA=str(host.data))

    try:
        with ThreadPoolExecutor(2) as threads:
            started = list(threads.map(start, hosts))
        yield started, Settings(data=folder, **settings | {"database_url": postgres.url(database)})
    finally:
        for host in hosts:
            host.close()
        postgres.drop(database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(servers):
    started, settings = servers
    async with AsyncExitStack() as stack:
        records = SqlRecords(open_engine(settings.records_url), SystemClock())
        stack.push_async_callback(records.close)
        store = await stack.enter_async_context(open_store(settings))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        opened = Replicas(
            origin=ORIGIN,
            http=http,
            clock=SystemClock(),
            services=None,
            records=records,
            store=store,
            folder=settings.data,
            log=None,
            metrics="",
        )
        opened.servers, opened.at = started, [server.url for server in started]
        opened.address = opened.at[0]
        await opened.first_admin()
        await opened.publish_authority()
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(world):
    """Whoever is needed, made at one server."""
    organisation = await world.organisation()
    portal = await world.person("portal", organisation=organisation)
    reviewer, auditor = await world.person("reviewer"), await world.person("auditor")
    admin = await world.person("admin")
    dossier = await world.dossier(portal, [admin.identity, reviewer.identity], organisation=organisation)
    editor = await world.depositor(portal, dossier)
    return {
        "dossier": dossier,
        "editor": editor,
        "session": await world.session(editor),
        "reviewer": reviewer,
        "auditor": auditor,
        "admin": admin,
        "portal": portal,
    }


async def test_servers_that_start_together_are_one_service(world):
    one, other = (server.announced for server in world.servers)
    assert one["fingerprint"] == other["fingerprint"]
    assert one["origin"] == other["origin"] == ORIGIN
    kept = sorted(str(path.relative_to(world.folder)) for path in world.folder.rglob("*"))
    # Nothing stands on either host: no lock, no database, no objects, and no key but the one that they share.
    assert kept == ["one", "one/data", "other", "other/data", "server.key", "server.key.pub"]
    entries = await world.ok("list_journal", token=world.root, at=world.at[1])
    assert entries["size"] >= 2, "each start has its entry"


async def test_both_sign_with_the_next_key_from_the_announced_second_on(world, cast):
    path, session, dossier = world.folder / "server.key", cast["session"], cast["dossier"]
    create_server_key(next_path(path))
    own, new = read_held(path), read_held(next_path(path)).identity
    origin = Origin(Actor("host", "uid:0"), "")
    said = await NextKey(world.records, world.clock).announce(own, new, seconds=3, origin=origin)
    receipts = []

    async def deposit(at):
        container = world.seal(cast["editor"].signing, dossier)
        made = await world.ask("deposit", {"dossier": dossier.id}, token=session, data=container, at=at)
        assert made.status == 201, made.body
        receipts.append(read_unjudged(unpack(made.json["receipt"]), Receipt))

    while not receipts or receipts[-1].issued <= said.issued:
        await world.alternately([deposit] * 4)
    for receipt in receipts:
        signer = new if receipt.issued >= said.issued else own.identity
        assert receipt.issuer == signer.signing
    assert len({receipt.issuer for receipt in receipts}) == 2
    for at in world.at:
        assert (await world.ok("get_trust", at=at))["server_key_id"] == new.signing_key_id.hex()


async def test_of_many_who_replace_one_proof_at_once_one_does(world, cast):
    session, dossier, editor = cast["session"], cast["dossier"], cast["editor"]
    version = await world.kept(session, dossier, world.seal(editor.signing, dossier))
    path = {"evidence": version["evidence"]}
    before = await world.ok("get_checkpoint", token=cast["auditor"].token)
    history = [version["seal_id"]]
    for number in range(ROUNDS):
        active = history[-1]
        sealed = [
            world.seal(
                editor.signing, dossier, supersedes=bytes.fromhex(active), content=b"%d %d" % (number, n)
            )
            for n in range(WRITERS)
        ]
        headers = {"If-Match": f'"{active}"'}

        def replacing(container, headers=headers):
            return lambda at: world.ask(
                "replace_evidence", path, token=session, data=container, headers=headers, at=at
            )

        answers = await world.alternately(map(replacing, sealed))
        won = [answer for answer in answers if answer.status == 200]
        assert len(won) == 1, [answer.status for answer in answers]
        lost = [answer for answer in answers if answer.status != 200]
        assert {(answer.status, answer.code) for answer in lost} <= {
            (412, "precondition_failed"),
            (409, "conflict"),
        }
        assert won[0].json["version"]["number"] == number + 2
        history.append(won[0].json["version"]["seal_id"])
    for at in world.at:
        shown = await world.ok("get_evidence", path, token=session, at=at)
        assert [one["seal_id"] for one in shown["versions"]] == history
        assert [one["number"] for one in shown["versions"]] == list(range(1, ROUNDS + 2))
        assert [one["state"] for one in shown["versions"]] == ["archived"] * ROUNDS + ["active"]
    await verify_journal(world, cast["auditor"].token, before)


async def verify_journal(world, token, before):
    """Read the whole journal from one server and check it against what both say."""
    entries, start, at = [], 0, world.at[1]
    while start is not None:
        page = await world.ok(
            "list_journal", token=token, params={"start": start, "limit": 200}, at=world.at[1]
        )
        entries += [item["position"] for item in page["items"]]
        start = page["next"]
    assert entries == list(range(len(entries))), "dense, and in order"
    async with world.records.read() as view:
        stored = [row.entry for row in await view.journal.entries(0, 10_000)]
        checkpoint = await view.journal.checkpoint()
    assert verify_entries(stored, [checkpoint]) == checkpoint
    replaced = [json.loads(entry)["action"] for entry in stored].count("evidence.replaced")
    assert replaced == ROUNDS
    sizes = {"first": before["size"], "second": checkpoint.size}
    for at in world.at:
        proof = await world.ok("get_consistency", token=token, params=sizes, at=at)
        verify_consistency(
            old_size=before["size"],
            old_root=bytes.fromhex(before["root"]),
            new_size=checkpoint.size,
            new_root=checkpoint.root,
            proof=[bytes.fromhex(digest) for digest in proof["proof"]],
        )


async def test_one_key_sent_to_all_at_once_has_one_effect(world, cast):
    headers = {"Idempotency-Key": "one-key-for-both"}
    size = await world.journal_size()
    body = {"name": "Une seule"}

    def making(at):
        return world.ask("create_organisation", token=world.root, json=body, headers=headers, at=at)

    answers = await world.alternately([making] * 8)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert await world.journal_size() == size + 1


async def test_one_deposit_sent_to_all_at_once_is_one(world, cast):
    session, dossier = cast["session"], cast["dossier"]
    headers = {"Idempotency-Key": "one-deposit-for-both"}
    container = world.seal(cast["editor"].signing, dossier, content=b"une fois")
    size = await world.journal_size()

    def depositing(at):
        return world.deposit(session, dossier, container, headers=headers, at=at)

    answers = await world.alternately([depositing] * 4)
    assert {answer.status for answer in answers} == {201}, [answer.body for answer in answers]
    assert len({answer.json["version"]["evidence"] for answer in answers}) == 1
    assert len({answer.json["receipt"]["statement"] for answer in answers}) == 1
    assert await world.journal_size() == size + 1
    kept = [item.key async for item in world.store.list()]
    async with world.records.read() as view:
        listed = [
            version.body_key
            for state in ("active", "archived")
            for version in (await view.evidence.list(dossier.id, state=state, limit=200)).items
        ]
    assert sorted(kept) == sorted(listed), "no body is left that no row names"


async def test_an_approval_is_used_at_one_or_taken_back_at_the_other(world, cast):
    """Whichever comes first, the other one is refused, and what is erased had its two approvals."""
    admins = [cast["admin"], await world.person("admin")]
    await world.ok("set_retention", token=world.root, json={"procedure": "guidé", "days": 0})
    won = []
    for _ in range(ROUNDS):
        made = await world.dossier(
            cast["portal"], [cast["admin"].identity], organisation=cast["dossier"].organisation
        )
        path = {"dossier": made.id}
        await world.ok("close_dossier", path, token=world.root)
        root = (await world.ok("get_erasure", path, token=world.root))["root"]
        signed = [approval(world, one.identity, "erase", made.id, bytes.fromhex(root)) for one in admins]
        sent = [send(world, *each, at=at) for *each, at in zip(admins, signed, world.at, strict=True)]
        given = await asyncio.gather(*sent)
        assert [answer.status for answer in given] == [201, 201]
        back, match = world.withdrawal(signed[1], admins[1].identity), {"If-Match": f'"{root}"'}
        erased, again, withdrawn = await asyncio.gather(
            world.ask("erase_dossier", path, token=world.root, headers=match, at=world.at[0]),
            world.ask("erase_dossier", path, token=world.root, headers=match, at=world.at[1]),
            withdraw(world, admins[1], given[1].json["id"], back, at=world.at[1]),
        )
        if withdrawn.status == 200:
            assert {erased.code, again.code} == {"approvals_missing"}
        else:
            assert (withdrawn.code, {erased.status, again.status}) == ("approval_unfit", {200})
        won.append(erased.status == 200)
    async with world.records.read() as view:
        stored = [json.loads(row.entry)["action"] for row in await view.journal.entries(0, 10_000)]
    assert stored.count("dossier.erased") == won.count(True)
    assert stored.count("approval.withdrawn") == won.count(False)


async def test_what_one_hands_out_the_other_knows(world, cast):
    one, other = world.at
    identity = cast["editor"]
    session = await world.through(1).session(identity)
    for at in world.at:
        assert (await world.ask("get_me", token=session, at=at)).status == 200
    await world.ok("delete_session", token=session, at=one)
    assert (await world.ask("get_me", token=session, at=other)).status == 401


async def test_an_enrolment_code_is_good_once_at_one_of_them(world, cast):
    _account, code = await world.account("reviewer")
    identities = [Identity.generate(Use.PERSON) for _ in range(4)]

    async def enrol(number, identity):
        return (await world.through(number).enrol(code, identity)).status

    answers = await asyncio.gather(*(enrol(*one) for one in enumerate(identities)))
    assert sum(status == 201 for status in answers) == 1


async def test_what_one_stored_the_other_serves(world, cast):
    container = world.seal(cast["editor"].signing, cast["dossier"], content=b"de l'autre")
    version = await world.kept(cast["session"], cast["dossier"], container, at=world.at[0])
    where = {"evidence": version["evidence"], "number": 1}
    fetched = await world.ask("fetch_container", where, token=cast["reviewer"].token, at=world.at[1])
    assert fetched.body == container


async def test_when_one_is_killed_the_other_goes_on(world, cast):
    session, dossier, editor = cast["session"], cast["dossier"], cast["editor"]
    sealed = [world.seal(editor.signing, dossier, content=b"k%d" % n) for n in range(12)]

    async def deposit(container, at):
        try:
            return (await world.deposit(session, dossier, container, at=at)).status
        except aiohttp.ClientError:
            return None

    async def kill():
        await asyncio.sleep(0.02)
        world.servers[1].process.kill()

    answers = await asyncio.gather(*(deposit(one, world.at[n % 2]) for n, one in enumerate(sealed)), kill())
    assert answers[:12:2] == [201] * 6
    # Whoever heard nothing asks again, elsewhere: it was kept whole, or not at all.
    for container, status in zip(sealed[1::2], answers[1:12:2], strict=True):
        again = await world.deposit(session, dossier, container, at=world.at[0])
        assert (again.status, status) in {(201, None), (409, None), (409, 201)}, again.body
    async with world.records.read() as view:
        assert verify_entries(
            [row.entry for row in await view.journal.entries(0, 10_000)], [await view.journal.checkpoint()]
        )
