"""What must be true of a service after a crash, looked at from outside, then from below."""

import hashlib
from collections import Counter
from typing import NamedTuple

from sqlalchemy import select

from keys.statements import Receipt, Signed, read_unjudged
from tests.crash.pairs import Site
from tests.crash.town import Prepared, Town, examined_of
from tests.exchange.test_main_job import unpack
from vault.container.layout import parse_preamble
from vault.container.opening import open_container
from vault.container.steps import Plaintext, run
from vault.container.unlocking import unlock
from vault.journal import Action, JournalVerifier
from vault.server.ports import object_key
from vault.server.stores.records import schema

_PAGE = 200
_OPENED: dict[bytes, bytes] = {}
"""What a container holds, by its digest: opening the same bytes again would find the same."""


class Picture(NamedTuple):
    """What there is, named so that two runs of the same acts show the same.

    Attributes:
        versions: state, number and generation by seal id.
        grants: by statement, whether it was revoked.
        uploads: state, generation and number of parts by seal id.
        journal: how often each action stands there, but for what comes with every start.
    """

    versions: dict[str, tuple[str, int, int]]
    grants: dict[str, bool]
    uploads: dict[str, tuple[str, int, int]]
    journal: Counter[str]


async def listed(town: Town, made: Prepared) -> dict[str, dict]:
    """Return every version that the editor may see, by seal id."""
    found = {}
    for state in ("active", "archived"):
        cursor = None
        while True:
            query = {"state": state, "limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            page = await town.ok(
                "list_evidence", {"dossier": made.dossier.id}, token=made.session, params=query
            )
            for version in page["items"]:
                assert version["seal_id"] not in found, "one version is active and archived"
                found[version["seal_id"]] = version
            if (cursor := page.get("next")) is None:
                break
    return found


async def look(town: Town, made: Prepared, site: Site) -> Picture:
    """Take the picture, before anything is fetched that would change the journal."""
    versions = await listed(town, made)
    grants = await town.ok(
        "list_grants", {"dossier": made.dossier.id}, token=town.root, params={"limit": str(_PAGE)}
    )
    async with site.records() as records, records.read() as view:
        entries = await view.journal.entries(0, 1_000_000)
        uploads = (await view.uploads._handle.execute(select(schema.uploads))).mappings().all()
        parts = (await view.uploads._handle.execute(select(schema.upload_parts.c.upload_id))).scalars()
        filled = Counter(parts)
    verifier = JournalVerifier()
    actions = Counter(verifier.add(row.entry).action for row in entries)
    actions.pop(Action.SERVER_STARTED.value, None)
    return Picture(
        {seal: (row["state"], row["number"], row["generation"]) for seal, row in versions.items()},
        {row["statement"]["statement"]: row["revoked"] for row in grants["items"]},
        {row["seal_id"].hex(): (row["state"], row["generation"], filled[row["id"]]) for row in uploads},
        actions,
    )


async def check_whole(town: Town, made: Prepared, seals=None) -> None:
    """Check that what is listed can be had back as it was sent, opens, and is receipted.

    Args:
        town: who asks.
        made: what was sealed.
        seals: which of it; None: everything.
    """
    versions = await listed(town, made)
    for seal_id in versions if seals is None else seals:
        version = versions[seal_id]
        where = {"evidence": version["evidence"], "number": version["number"]}
        fetched = await town.ask("fetch_container", where, token=made.session)
        assert fetched.status == 200, fetched.body
        sealed = made.sealed[seal_id]
        body = sealed[parse_preamble(sealed).payload_offset :]
        assert fetched.body in {sealed, made.ready["head"] + body}
        assert contents_of(fetched.body, made.dossier.key) == made.contents[seal_id]
        receipt = read_receipt(await town.ok("get_receipt", where, token=made.session))
        assert receipt.seal_id.hex() == seal_id
        assert receipt.proof == version["evidence"]
        assert receipt.size == len(sealed)


def read_receipt(answer) -> Receipt:
    """Return a receipt that is signed by the key that it names."""
    signed: Signed = unpack(answer["receipt"])
    return read_unjudged(signed, Receipt)


def contents_of(container: bytes, key) -> bytes:
    """Return what the one file of a container holds; whoever opens it has the dossier's key."""
    digest = hashlib.sha256(container).digest()
    if digest not in _OPENED:
        pieces: list[bytes] = []

        def read_at(offset, length):
            return container[offset : offset + length]

        def take(event):
            if isinstance(event, Plaintext):
                pieces.append(bytes(event.data))

        examined = examined_of(container)
        opened = run(open_container(examined, unlock(examined, key.decapsulation)), read_at)
        run(opened.read_files(), read_at, take)
        _OPENED[digest] = b"".join(pieces)
    return _OPENED[digest]


async def check_journal(site: Site, receipts=()) -> None:
    """Check that the journal is dense, its head the tree of its entries, and that receipts stand in it."""
    async with site.records() as records, records.read() as view:
        entries = await view.journal.entries(0, 1_000_000)
        checkpoint = await view.journal.checkpoint()
        leaves = await view.journal.leaves(checkpoint.size)
        columns = (schema.seals.c.receipt, schema.seals.c.receipt_signature)
        signed = await view.evidence._handle.execute(select(*columns))
        stored = [Signed(*row) for row in signed]
    verifier = JournalVerifier()
    for row in entries:
        verifier.add(row.entry)
    assert verifier.checkpoint == checkpoint
    assert len(leaves) == checkpoint.size
    for receipt in [*(read_unjudged(one, Receipt) for one in stored), *receipts]:
        assert leaves[receipt.journal_position] == receipt.journal_leaf


async def check_rows(site: Site) -> None:
    """Check one active version for each active proof, none for others, and that what is used is counted."""
    async with site.records() as records, records.read() as view:
        handle = view.evidence._handle
        proofs = (await handle.execute(select(schema.proofs))).mappings().all()
        versions = (await handle.execute(select(schema.versions))).mappings().all()
        dossiers = (await handle.execute(select(schema.dossiers))).mappings().all()
        organisations = (await handle.execute(select(schema.organisations))).mappings().all()
    active = Counter(row["proof_id"] for row in versions if row["state"] == "active")
    assert active == Counter(row["id"] for row in proofs if row["state"] == "active")
    for proof in proofs:
        numbers = sorted(row["number"] for row in versions if row["proof_id"] == proof["id"])
        assert numbers == list(range(1, proof["version"] + 1))
        (newest,) = [row for row in versions if row["seal_id"] == proof["seal_id"]]
        assert newest["number"] == proof["version"]
    owner = {row["id"]: row["organisation_id"] for row in dossiers}
    used: Counter[str] = Counter()
    for row in versions:
        used[owner[row["dossier_id"]]] += row["head_size"] + row["body_size"]
    assert used == Counter({row["id"]: row["used_bytes"] for row in organisations if row["used_bytes"]})


class Leftovers(NamedTuple):
    """What no row names: objects, what is put together of parts, and what was on its way into the store."""

    objects: set[str]
    staged: set[str]
    drafts: set[str]


async def leftovers(site: Site) -> Leftovers:
    """Return what no row names, after checking that everything is there that a row names."""
    async with site.records() as records, records.read() as view:
        columns = (schema.versions.c.body_key, schema.versions.c.body_size)
        named = dict(tuple(row) for row in await view.evidence._handle.execute(select(*columns)))
        found = await view.uploads._handle.execute(
            select(schema.uploads).where(schema.uploads.c.state == "open")
        )
        uploads = found.mappings().all()
    named |= {row["trailer_key"]: row["trailer_size"] for row in uploads}
    async with site.store() as store:
        there = {one.key: one.size async for one in store.list()}
        staged = {one.key async for one in store.list_staged()}
    assert {key: there.get(key) for key in named} == named
    # What an upload is put together to stays its own until it is published or given up.
    whole = {object_key(row["staged"]) for row in uploads}
    assert all(row["staged"] in staged or object_key(row["staged"]) in there for row in uploads)
    return Leftovers(
        there.keys() - named.keys() - whole,
        staged - {row["staged"] for row in uploads},
        await site.drafts(),
    )


async def sweep(site: Site) -> None:
    """Remove what no row names, the server being stopped."""
    left = await leftovers(site)
    async with site.store() as store:
        for key in left.objects:
            await store.delete(key)
        for staged in left.staged:
            await store.unstage(staged)
    for name in left.drafts:
        (site.data / "store" / "incoming" / name).unlink()
