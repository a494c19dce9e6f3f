"""A backup that was never restored is none: from a used service into an empty place, to a clean scrub."""

import asyncio
import json

import pytest
import pytest_asyncio

from keys.canonical import decode_binary
from tests.crash.audit import contents_of
from tests.crash.town import Prepared, asking, parted, put_part, seal_id_of, settle
from tests.exchange.restoring import OfFolder, OfInstitution
from tests.vault.server.commands.host import Host
from vault.journal import Checkpoint, verify_entries

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
SIZES = {"small": 1000, "large": 2 * MIB + 4321, "replaced": 500, "archived": 1, "rewritten": 70_000}


@pytest.fixture(scope="module", params=[OfFolder, OfInstitution], ids=["embedded", "institution"])
def backups(request, tmp_path_factory):
    engines = [request.getfixturevalue(name) for name in request.param.engines]
    return request.param(tmp_path_factory.mktemp("backups"), *engines)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    made = Host(tmp_path_factory.mktemp("host"))
    yield made
    made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http():
    async with asking() as session:
        yield session


class Story:
    """A service that is used, what was kept of it outside, and its backups.

    Attributes:
        early: the backup that was made before the last deposit.
        late: the one after it.
        known: versions by seal id, as they were acknowledged, with number and generation.
        receipts: of every version, as its depositor keeps it.
        last: what was deposited between the two.
        checkpoint: what an auditor kept before both.
    """

    def __init__(self, backups, host, folder) -> None:
        self.backups, self.host = backups, host
        self.early, self.late = folder / "early", folder / "late"
        self.known: dict[str, dict] = {}
        self.receipts: dict[str, dict] = {}
        self.last = b""

    async def serve(self, site, **variables):
        return await asyncio.to_thread(self.host.serve, *site.words, **{**site.variables, **variables})

    async def scrub(self, site):
        """Return the exit code, and what was found."""
        done = await asyncio.to_thread(self.host.run, "scrub", *site.words, "--json", **site.variables)
        assert done.returncode in {0, 5}, done.stderr
        *found, counts = map(json.loads, done.stdout.splitlines())
        assert counts["outcome"] == "done"
        return done.returncode, found, counts

    async def janitor(self, site, *words):
        done = await asyncio.to_thread(
            self.host.run, "janitor", *site.words, "--offline", "--json", *words, **site.variables
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    async def restored(self, backup, objects=None):
        return await asyncio.to_thread(self.backups.restore, backup, objects)


async def people(town) -> Prepared:
    organisation = await town.organisation(quota_bytes=10**12)
    portal = await town.person("portal", organisation=organisation)
    admin, reviewer = await town.person("admin"), await town.person("reviewer")
    dossier = await town.dossier(portal, [admin.identity, reviewer.identity], organisation=organisation)
    editor = await town.depositor(portal, dossier)
    return Prepared(town, dossier, editor, await town.session(editor), admin, reviewer, portal)


async def use(story, made) -> None:
    """Deposit, replace, archive, rewrite, upload in parts, and leave an upload half done."""
    town, session = made.town, made.session

    def keep(answer) -> str:
        seal = answer["version"]["seal_id"]
        story.known[seal], story.receipts[seal] = answer["version"], answer["receipt"]
        return seal

    seals = {}
    for name, size in SIZES.items():
        _, container = made.seal(name.encode().ljust(size, b"."))
        seals[name] = keep(
            await town.ok("deposit", {"dossier": made.dossier.id}, token=session, data=container)
        )
    paths = {name: {"evidence": story.known[seal]["evidence"]} for name, seal in seals.items()}
    _, better = made.seal(b"better", supersedes=bytes.fromhex(seals["replaced"]))
    match = {"If-Match": f'"{seals["replaced"]}"'}
    keep(await town.ok("replace_evidence", paths["replaced"], token=session, data=better, headers=match))
    match = {"If-Match": f'"{seals["archived"]}"'}
    await town.ok("archive_evidence", paths["archived"], token=session, headers=match)
    head = town.rewrap(made.sealed[seals["rewritten"]], made.dossier, made.editor)
    path = {**paths["rewritten"], "number": 1}
    moved = await town.ok("rewrite_envelope", path, token=session, data=head, headers={"If-Match": '"1"'})
    story.known[seals["rewritten"]] = moved
    made.ready["head"] = head
    for name in ("uploaded", "half"):
        _, container = made.seal(name.encode().ljust(MIB + 5, b"."))
        start, payload = parted(container)
        upload = await town.ok("begin_upload", {"dossier": made.dossier.id}, token=session, data=start)
        assert (await put_part(town, session, upload["id"], payload)).status == 200
        made.ready[name] = (container, upload, payload)
        if name == "uploaded":
            keep(await town.ok("complete_upload", {"upload": upload["id"]}, token=session))


async def kept_checkpoint(town, token) -> Checkpoint:
    answer = await town.ok("get_checkpoint", token=token)
    return Checkpoint(answer["size"], bytes.fromhex(answer["root"]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(backups, host, http, tmp_path_factory):
    told = Story(backups, host, tmp_path_factory.mktemp("saved"))
    server = await told.serve(backups.live)
    town = await settle(backups.live, server, http)
    told.made = made = await people(town)
    await use(told, made)
    told.auditor = (await town.person("auditor")).token
    told.checkpoint = await kept_checkpoint(town, told.auditor)
    # The server goes on meanwhile.
    await asyncio.to_thread(backups.dump, told.early)
    _, told.last = made.seal(b"deposited after the first backup")
    answer = await town.ok("deposit", {"dossier": made.dossier.id}, token=made.session, data=told.last)
    told.last_key = answer["version"]["seal_id"]
    await asyncio.to_thread(backups.dump, told.late)
    assert await asyncio.to_thread(server.stop) == 0
    return told


async def check_everything(story, town) -> None:
    """Fetch and open every version that was acknowledged before, and compare its receipt."""
    made = story.made
    for seal, version in story.known.items():
        where = {"evidence": version["evidence"], "number": version["number"]}
        fetched = await town.ask("fetch_container", where, token=made.session)
        assert fetched.status == 200, fetched.body
        assert seal_id_of(fetched.body) == seal
        assert contents_of(fetched.body, made.dossier.key) == made.contents[seal]
        if version["generation"] == 1:
            assert fetched.body == made.sealed[seal]
        else:
            assert fetched.body.startswith(made.ready["head"])
        assert (await town.ok("get_receipt", where, token=made.session))["receipt"] == story.receipts[seal]


async def journal(town, token) -> list[bytes]:
    entries: list[bytes] = []
    while True:
        page = await town.ok("list_journal", token=token, params={"start": str(len(entries)), "limit": "200"})
        entries += [decode_binary(one["entry"], len(one["entry"]) * 3 // 4) for one in page["items"]]
        if page["next"] is None:
            return entries


async def test_an_empty_place_becomes_the_service_again(story):
    site = await story.restored(story.early)
    code, found, counts = await story.scrub(site)
    assert (code, found) == (0, [])
    assert counts["examined"] == len(story.known)
    server = await story.serve(site, SCELLE_JANITOR_SECONDS="0")
    town = story.made.town.at(server.url)
    await check_everything(story, town)
    entries = await journal(town, story.auditor)
    assert verify_entries(entries, [story.checkpoint]).size == len(entries) > story.checkpoint.size
    await check_that_it_goes_on(story, town)
    assert await asyncio.to_thread(server.stop) == 0
    code, found, counts = await story.scrub(site)
    assert (code, found) == (0, [])
    assert counts["examined"] == len(story.known) + 2
    # What is left over is what came between dump and copy, and what uploads left; then nothing.
    await story.janitor(site)
    assert (await story.janitor(site, "--dry-run"))["objects"] == 0
    assert (await story.scrub(site))[0] == 0


async def check_that_it_goes_on(story, town) -> None:
    """What was acknowledged after the dump is deposited again; an upload that was half done begins again."""
    made, session = story.made, story.made.session
    again = await town.ok("deposit", {"dossier": made.dossier.id}, token=session, data=story.last)
    assert again["version"]["seal_id"] == story.last_key
    container, upload, payload = made.ready["half"]
    refused = await put_part(town, session, upload["id"], payload)
    assert (refused.status, refused.code) == (409, "conflict")
    await town.ok("abandon_upload", {"upload": upload["id"]}, token=session)
    await town.ok("deposit", {"dossier": made.dossier.id}, token=session, data=container)


async def test_objects_that_are_older_than_the_records_lack_one(story):
    """The wrong order: what was deposited in between has a row and no object, and the scrub says which."""
    site = await story.restored(story.late, objects=story.early)
    code, found, counts = await story.scrub(site)
    assert (code, counts["damaged"], counts["examined"]) == (5, 1, len(story.known) + 1)
    (damage,) = found
    assert (damage["code"], damage["seal"]) == ("object_missing", story.last_key)
    assert damage["dossier"] == story.made.dossier.id
    await story.backups.put_back(story.late, site, damage["object"])
    assert (await story.scrub(site))[:2] == (0, [])


async def test_an_old_dump_over_objects_that_live_on_loses_nothing_before_the_janitor(story):
    """Here the objects are newer than the records: all is well, but one is a leftover to a janitor."""
    site = await story.restored(story.early, objects=story.late)
    assert (await story.scrub(site))[:2] == (0, [])
    assert (await story.janitor(site, "--dry-run"))["objects"] >= 1


async def test_what_was_erased_after_the_dump_is_erased_again(story):
    """The records stand again as they were, the bodies do not: they are named, and erasing needs none."""
    site = await story.restored(story.early)
    async with site.records() as records, records.read() as view:
        rows = await view.evidence.after(-1, dossier_id=None, limit=99)
    async with site.store() as store:
        for row in rows:
            await store.delete(row.body_key)
    code, found, _ = await story.scrub(site)
    assert (code, {one["code"] for one in found}, len(found)) == (5, {"object_missing"}, len(story.known))
    server = await story.serve(site, SCELLE_JANITOR_SECONDS="0")
    town, path = story.made.town.at(server.url), {"dossier": story.made.dossier.id}
    await town.ok("close_dossier", path, token=town.root)
    await town.ok("set_retention", token=town.root, json={"procedure": "guidé", "days": 0})
    plan = await town.ok("get_erasure", path, token=town.root)
    headers = {"If-Match": f'"{plan["root"]}"'}
    done = await town.ok("erase_dossier", path, token=town.root, headers=headers)
    assert (done["state"], done["versions"], done["waiting"]) == ("erased", len(story.known), 0)
    assert await asyncio.to_thread(server.stop) == 0
    assert (await story.scrub(site))[:2] == (0, [])
