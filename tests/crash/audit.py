"""What a service shows after a crash, looked at from outside."""

import hashlib
from collections import Counter
from typing import NamedTuple

from sqlalchemy import select

from keys.statements import Receipt
from tests.crash.inspection import read_receipt
from tests.crash.pairs import Site
from tests.crash.town import Prepared, Town, examined_of
from tests.exchange.acts_of_people import unpack
from vault.container.layout import parse_preamble
from vault.container.opening import open_container
from vault.container.steps import Plaintext, run
from vault.container.unlocking import unlock
from vault.journal import Action, JournalVerifier
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
        accesses: by dossier, whether it is erased, and how many grants, templates, uploads and envelopes
            there are.
        depositors: how many mandates each key has, by key id.
        templates: seal, generation and length of bytes by id.
        keys: generation of each dossier's current key.
        journal: how often each action stands there, but for what comes with every start.
    """

    versions: dict[str, tuple[str, int, int]]
    grants: dict[str, bool]
    uploads: dict[str, tuple[str, int, int]]
    accesses: dict[str, tuple[bool, int, int, int, int]]
    depositors: Counter[str]
    templates: dict[str, tuple[str, int, int]]
    keys: dict[str, int]
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
    grants, keys = {}, {}
    for dossier in made.dossiers:
        path = {"dossier": dossier}
        keys[dossier] = (await town.ok("get_dossier", path, token=town.root))["generation"]
        found = await town.ok("list_grants", path, token=town.root, params={"limit": str(_PAGE)})
        grants |= {row["statement"]["statement"]: row["revoked"] for row in found["items"]}
    async with site.records() as records, records.read() as view:
        entries = await view.journal.entries(0, 1_000_000)
        uploads = (await view.uploads._handle.execute(select(schema.uploads))).mappings().all()
        parts = (await view.uploads._handle.execute(select(schema.upload_parts.c.upload_id))).scalars()
        filled = Counter(parts)
        accesses = await _accesses(view)
        depositors, templates = await _mandates_and_templates(view)
    verifier = JournalVerifier()
    actions = Counter(verifier.add(row.entry).action for row in entries)
    actions.pop(Action.SERVER_STARTED.value, None)
    return Picture(
        {seal: (row["state"], row["number"], row["generation"]) for seal, row in versions.items()},
        grants,
        {row["seal_id"].hex(): (row["state"], row["generation"], filled[row["id"]]) for row in uploads},
        accesses,
        depositors,
        templates,
        keys,
        actions,
    )


async def _accesses(view) -> dict[str, tuple[bool, int, int, int, int]]:
    heads, versions = schema.heads.c, schema.versions.c
    sealed = select(versions.dossier_id).join(schema.heads, heads.seal_id == versions.seal_id)
    envelopes = Counter((await view.evidence._handle.execute(sealed)).scalars())
    dossiers = (await view.dossiers._handle.execute(select(schema.dossiers))).mappings().all()
    return {
        row["id"]: (
            row["erased_at"] is not None,
            *await view.erasures.accesses(row["id"]),
            envelopes[row["id"]],
        )
        for row in dossiers
    }


async def _mandates_and_templates(view) -> tuple[Counter[str], dict[str, tuple[str, int, int]]]:
    handle = view.templates._handle
    depositors = (await handle.execute(select(schema.depositors))).mappings().all()
    templates = (await handle.execute(select(schema.templates))).mappings().all()
    parts = (await handle.execute(select(schema.template_parts))).mappings().all()
    sizes = {row["template_id"]: len(row["head"]) + len(row["body"]) for row in parts}
    assert sizes == {row["id"]: row["size"] for row in templates if row["id"] in sizes}
    return (
        Counter(row["signing_key_id"].hex() for row in depositors if row["removed_at"] is None),
        {row["id"]: (row["seal_id"].hex(), row["generation"], sizes.get(row["id"], 0)) for row in templates},
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
        receipt = receipt_in(await town.ok("get_receipt", where, token=made.session))
        assert receipt.seal_id.hex() == seal_id
        assert receipt.proof == version["evidence"]
        assert receipt.size == len(sealed)


def receipt_in(answer) -> Receipt:
    """Return the receipt of an answer."""
    return read_receipt(unpack(answer["receipt"]))


def contents_of(container: bytes, key) -> bytes:
    """Return what the one file of a container holds, opened once for the same bytes."""
    digest = hashlib.sha256(container).digest()
    if digest not in _OPENED:
        _OPENED[digest] = opened(container, key)
    return _OPENED[digest]


def opened(container: bytes, key) -> bytes:
    """Return what the one file of a container holds; whoever opens it has the dossier's key."""
    pieces: list[bytes] = []

    def read_at(offset, length):
        return container[offset : offset + length]

    def take(event):
        if isinstance(event, Plaintext):
            pieces.append(bytes(event.data))

    examined = examined_of(container)
    content = run(open_container(examined, unlock(examined, key.decapsulation)), read_at)
    run(content.read_files(), read_at, take)
    return b"".join(pieces)
