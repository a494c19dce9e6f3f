"""Every damage that is planted on purpose is found, and named as what it is, where it is; nothing else is."""

import pytest
import pytest_asyncio

from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.scrubbed import MIB, stock
from tests.exchange.spoiling import (
    added_row,
    changed_object,
    changed_row,
    flipped,
    missing_rows,
    read_object,
)
from tests.exchange.world import open_world
from vault.container.envelope import parse_envelope
from vault.container.layout import LEAF, PREAMBLE_LENGTH
from vault.merkle import leaf_hash
from vault.server.services import journalcheck, scrub, templatecheck
from vault.server.stores.records import schema

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stored(tmp_path_factory, shared_settings):
    async with open_world(tmp_path_factory.mktemp("scrub") / "service", **shared_settings) as world:
        yield await stock(world)


async def test_what_is_well_is_clean(stored):
    shown = []
    found, scrubbing = await stored.scrub(progress=lambda now: shown.append((now.entries, now.examined)))
    assert found == []
    assert (scrubbing.examined, scrubbing.total) == (5, 5)
    entries = await stored.world.journal_size()
    assert shown[0] == (entries, 0)
    assert shown == sorted(shown)
    assert shown[-1] == (entries, 5)
    sizes = sum(row.body_size for row in stored.versions.values())
    assert (scrubbing.examined_bytes, scrubbing.total_bytes) == (sizes, sizes)
    async with stored.world.records.read() as view:
        (run,) = [run for run in await view.runs.all() if run.name == "scrub"]
    assert (run.outcome, run.examined, run.damaged) == ("done", 5, 0)


async def test_nothing_is_left_out_between_two_pages(stored, monkeypatch):
    for module, length in ((journalcheck, 3), (scrub, 2), (templatecheck, 1)):
        monkeypatch.setattr(module, "PAGE", length)
    records, entries = stored.world.records, await stored.world.journal_size()
    _, scrubbing = await stored.scrub()
    assert (scrubbing.entries, scrubbing.examined, scrubbing.damaged) == (entries, 5, 0)
    template = schema.template_parts.c.template_id == stored.templates["kept"]
    for position in range(4):
        async with changed_row(records, schema.journal, at(position), entry=lambda data: flipped(data, 20)):
            assert await stored.found() == [{"code": "entry_damaged", "position": position}]
    for name, row in stored.versions.items():
        async with changed_object(stored.world.store, row.body_key, lambda _body: None):
            assert await stored.found() == [stored.named(name, "object_missing")]
    async with changed_row(records, schema.template_parts, template, body=lambda body: flipped(body, 7)):
        assert [one["code"] for one in await stored.found()] == ["template_damaged"]


# --- objects ---------------------------------------------------------------------------------------------


def leaves_at(body):
    """Return where the leaves of a body begin."""
    for start in range(len(body) - 40_000, len(body)):
        seal = int.from_bytes(body[start : start + 4], "big")
        if seal == len(body) - start - 4 - 3373 and body[start + 4 : start + 5] == b"{":
            return start - LEAF * -(-start // (MIB + LEAF))
    raise AssertionError


OBJECTS = {
    "first block": (
        "replaced",
        lambda body: flipped(body, 0),
        [("block_damaged", {"block": 0, "blocks": 1})],
    ),
    "third block": (
        "replaced",
        lambda body: flipped(body, 2 * MIB + 5),
        [("block_damaged", {"block": 2, "blocks": 1})],
    ),
    "neighbours and another": (
        "uploaded",
        lambda body: flipped(flipped(flipped(body, 5 * MIB), 2 * MIB - 1), 2 * MIB),
        [
            ("block_damaged", {"block": 1, "blocks": 2}),
            ("block_damaged", {"block": 5, "blocks": 1}),
        ],
    ),
    "second part": (
        "uploaded",
        lambda body: flipped(body, 8 * MIB + 1),
        [("block_damaged", {"block": 8, "blocks": 1})],
    ),
    "a leaf": (
        "replaced",
        lambda body: flipped(body, leaves_at(body) + 40),
        [("leaves_damaged", {})],
    ),
    "a leaf and a block": (
        "replaced",
        lambda body: flipped(flipped(body, leaves_at(body)), 7),
        [("leaves_damaged", {}), ("payload_damaged", {})],
    ),
    "the seal": ("newest", lambda body: flipped(body, len(body) - 3500), [("seal_damaged", {})]),
    "the signature": ("newest", lambda body: flipped(body, len(body) - 1), [("seal_damaged", {})]),
    "seal and block": (
        "replaced",
        lambda body: flipped(flipped(body, len(body) - 1), 0),
        [("block_damaged", {"block": 0, "blocks": 1}), ("seal_damaged", {})],
    ),
    "one byte less": ("rewritten", lambda body: body[:-1], [("object_short", {})]),
    "half of it": ("uploaded", lambda body: body[: len(body) // 2], [("object_short", {})]),
    "nothing in it": ("newest", lambda _body: b"", [("object_short", {})]),
    "one byte more": ("rewritten", lambda body: body + b"x", [("object_long", {})]),
    "more and changed": (
        "replaced",
        lambda body: flipped(body, MIB) + b"more",
        [("object_long", {}), ("block_damaged", {"block": 1, "blocks": 1})],
    ),
    "gone": ("replaced", lambda _body: None, [("object_missing", {})]),
}


@pytest.mark.parametrize("case", OBJECTS)
async def test_a_damaged_object(stored, case):
    name, change, expected = OBJECTS[case]
    row = stored.versions[name]
    async with changed_object(stored.world.store, row.body_key, change):
        assert await stored.found() == [stored.named(name, code, **more) for code, more in expected]
    assert await stored.found() == []


async def test_it_goes_on_after_each_damage(stored):
    store = stored.world.store
    gone, spoilt = stored.versions["replaced"].body_key, stored.versions["other"].body_key
    async with (
        changed_object(store, gone, lambda _body: None),
        changed_object(store, spoilt, lambda body: flipped(body, 0)),
    ):
        assert await stored.found() == [
            stored.named("replaced", "object_missing"),
            stored.named("other", "block_damaged", block=0, blocks=1),
        ]


async def test_another_proofs_body(stored):
    other = await read_object(stored.world.store, stored.versions["rewritten"].body_key)
    async with changed_object(stored.world.store, stored.versions["newest"].body_key, lambda _body: other):
        codes = {one["code"] for one in await stored.found()}
    assert codes <= {"object_short", "object_long", "leaves_damaged", "payload_damaged", "seal_damaged"}
    assert codes


# --- rows ------------------------------------------------------------------------------------------------


def of(table, row):
    return table.c.seal_id == row.seal_id


ROWS = {
    "envelope": (schema.heads, {"head": lambda head: flipped(head, 400)}, ["envelope_damaged"]),
    "envelope's signature": (
        schema.heads,
        {"head": lambda head: flipped(head, len(head) - 1)},
        ["envelope_damaged"],
    ),
    "envelope cut": (schema.heads, {"head": lambda head: head[:-1]}, ["envelope_damaged"]),
    "preamble": (schema.heads, {"head": lambda head: flipped(head, 21)}, ["envelope_damaged"]),
    "envelope's digest": (
        schema.versions,
        {"envelope_digest": bytes(32)},
        ["row_differs", "envelope_differs", "row_differs"],
    ),
    "envelope's size": (
        schema.versions,
        {"head_size": lambda size: size + 1},
        ["envelope_differs", "row_differs"],
    ),
    "size": (schema.versions, {"body_size": lambda size: size + 1}, ["row_differs"]),
    "type": (schema.versions, {"evidence_type": "cgu"}, ["row_differs", "proof_differs"]),
    "signer": (schema.versions, {"signer": bytes(32)}, ["row_differs"]),
    "actor": (schema.versions, {"actor": "account:somebody"}, ["row_differs"]),
    "position": (schema.versions, {"position": 1_000_000}, ["row_differs"]),
    "state": (schema.versions, {"state": "archived"}, ["proof_differs"]),
    "stored seal": (schema.seals, {"seal": lambda seal: flipped(seal, 300)}, ["seal_row_damaged"]),
    "stored signature": (
        schema.seals,
        {"seal": lambda seal: flipped(seal, len(seal) - 1)},
        ["seal_row_damaged"],
    ),
    "receipt": (schema.seals, {"receipt": lambda receipt: flipped(receipt, 200)}, ["receipt_damaged"]),
    "receipt's signature": (
        schema.seals,
        {"receipt_signature": lambda signature: flipped(signature, 0)},
        ["receipt_damaged"],
    ),
}


@pytest.mark.parametrize("case", ROWS)
async def test_a_damaged_row(stored, case):
    table, values, expected = ROWS[case]
    row = stored.versions["newest"]
    async with changed_row(stored.world.records, table, of(table, row), **values):
        found = await stored.found()
    assert [one["code"] for one in found] == expected
    assert {one["seal"] for one in found} == {row.seal_id.hex()}
    assert {one["evidence"] for one in found} == {row.proof_id}
    assert await stored.found() == []


async def test_a_row_that_names_another_object(stored):
    row = stored.versions["newest"]
    async with changed_row(
        stored.world.records, schema.versions, of(schema.versions, row), body_key="0" * 40
    ):
        assert await stored.found() == [stored.named("newest", "object_missing", object="0" * 40)]


async def test_an_older_envelope_put_back(stored):
    """It is signed and opens, and the row fits it: the journal alone tells that it was superseded."""
    records, row, head = stored.world.records, stored.versions["rewritten"], stored.superseded
    digest = parse_envelope(head[PREAMBLE_LENGTH:]).digest
    older = {"generation": 1, "envelope_digest": digest, "head_size": len(head)}
    async with (
        changed_row(records, schema.versions, of(schema.versions, row), **older),
        changed_row(records, schema.heads, of(schema.heads, row), head=head),
    ):
        (found,) = await stored.found()
    position = found.pop("position")
    assert found == stored.named("rewritten", "row_differs")
    assert position > row.position
    async with changed_row(records, schema.heads, of(schema.heads, row), head=head):
        assert await stored.found() == [stored.named("rewritten", "envelope_differs")]


async def test_rows_that_are_missing(stored):
    records, row = stored.world.records, stored.versions["newest"]
    async with missing_rows(records, (schema.heads, of(schema.heads, row))):
        assert await stored.found() == [stored.named("newest", "envelope_missing")]
    async with missing_rows(records, (schema.seals, of(schema.seals, row))):
        assert await stored.found() == [stored.named("newest", "seal_row_missing")]
    async with (
        missing_rows(records, (schema.seals, of(schema.seals, row))),
        changed_object(stored.world.store, row.body_key, lambda body: flipped(body, len(body) - 3500)),
    ):
        assert await stored.found() == [
            stored.named("newest", "seal_row_missing"),
            stored.named("newest", "seal_lost"),
        ]


async def test_a_version_without_a_row(stored):
    row = stored.versions["other"]
    tables = (schema.heads, schema.seals, schema.versions)
    async with missing_rows(stored.world.records, *((table, of(table, row)) for table in tables)):
        found, scrubbing = await stored.scrub()
    assert scrubbing.examined == 4
    (one,) = [finding.document() for finding in found]
    assert one.pop("detail")
    assert one == {
        "code": "version_missing",
        "dossier": row.dossier_id,
        "evidence": row.proof_id,
        "seal": row.seal_id.hex(),
        "position": row.position,
    }


async def test_a_proof_that_counts_wrong(stored):
    row = stored.versions["newest"]
    where = schema.proofs.c.id == row.proof_id
    async with changed_row(stored.world.records, schema.proofs, where, state="archived"):
        assert await stored.found() == [stored.named("newest", "proof_differs")]
    async with changed_row(stored.world.records, schema.proofs, where, version=7):
        assert await stored.found() == [stored.named("newest", "proof_differs")]


async def test_a_template(stored):
    records, template = stored.world.records, stored.templates["kept"]
    async with records.read() as view:
        row = await view.templates.get(template)
    named = {
        "code": "template_damaged",
        "dossier": row.dossier_id,
        "seal": row.seal_id.hex(),
        "template": template,
    }
    parts, where = schema.template_parts, schema.template_parts.c.template_id == template
    for values in ({"body": lambda body: flipped(body, 7)}, {"head": lambda head: flipped(head, 400)}):
        async with changed_row(records, parts, where, **values):
            assert await stored.found() == [named]
    async with missing_rows(records, (parts, where)):
        assert await stored.found() == [named]
    for values in ({"generation": 2}, {"size": 1}, {"signer": bytes(32)}, {"envelope_digest": bytes(32)}):
        async with changed_row(records, schema.templates, schema.templates.c.id == template, **values):
            assert await stored.found() == [named]


# --- the journal -----------------------------------------------------------------------------------------


def at(position):
    return schema.journal.c.position == position


@pytest.mark.parametrize("column", ["entry", "leaf"])
async def test_an_entry_that_was_changed(stored, column):
    records = stored.world.records
    async with changed_row(records, schema.journal, at(2), **{column: lambda data: flipped(data, 20)}):
        assert await stored.found() == [{"code": "entry_damaged", "position": 2}]


async def test_an_entry_that_was_forged_with_its_leaf(stored):
    """Nothing beside it tells: only the tree over all of them, and the receipt that names it."""
    records, row = stored.world.records, stored.versions["newest"]
    async with records.read() as view:
        (entry,) = await view.journal.entries(row.position, 1)
    forged = entry.entry.replace(b'"time":1', b'"time":2')
    async with changed_row(records, schema.journal, at(row.position), entry=forged, leaf=leaf_hash(forged)):
        assert await stored.found() == [
            {"code": "journal_differs"},
            stored.named("newest", "receipt_unjournalled", position=row.position),
        ]


async def test_an_entry_that_is_missing(stored):
    records = stored.world.records
    async with missing_rows(records, (schema.journal, at(3))):
        assert await stored.found() == [{"code": "entry_missing", "position": 3}]
    position = stored.versions["newest"].position
    async with missing_rows(records, (schema.journal, at(position))):
        assert await stored.found() == [
            {"code": "entry_missing", "position": position},
            stored.named("newest", "receipt_unjournalled", position=position),
        ]


async def test_the_journals_head(stored):
    records, size = stored.world.records, await stored.world.journal_size()
    where = schema.journal_head.c.id == 1
    async with changed_row(records, schema.journal_head, where, frontier=lambda data: flipped(data, 0)):
        assert await stored.found() == [{"code": "journal_differs"}]
    async with changed_row(records, schema.journal_head, where, frontier=b"short"):
        assert await stored.found() == [{"code": "journal_head_damaged"}]
    async with added_row(
        records, schema.journal, at(size), position=size, entry=b"{}", leaf=leaf_hash(b"{}")
    ):
        assert await stored.found() == [{"code": "entry_extra", "position": size}]
