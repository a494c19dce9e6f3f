"""A server that has taken many deposits before: their rows, written at once.

Each row is that of one real deposit, with names, digests and positions of its own, and each has its entry in
the journal, whose tree is the real one: what is deposited afterwards goes the ordinary way. Only the bodies
are not there; no deposit and no list looks at them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from keys.randomness import random_bytes
from vault.journal import Action, Actor, Entry, Fact, Subject, details_of, encode_entry
from vault.merkle import DIGEST_LENGTH, TreeHasher, leaf_hash
from vault.server.ports import new_id
from vault.server.stores.records import schema
from vault.server.stores.records.engine import WRITES, open_engine

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

Row = dict[str, Any]

_AT_ONCE = 2_000


async def fill(url: str, seal_id: bytes, number: int) -> None:
    """Have ``number`` proofs in the database, one of them being that of ``seal_id``."""
    engine = open_engine(url)
    try:
        async with engine.connect() as plain:
            connection = await plain.execution_options(**{WRITES: True})
            async with connection.begin():
                await _fill(connection, seal_id, number)
    finally:
        await engine.dispose()


async def _fill(connection: AsyncConnection, seal_id: bytes, number: int) -> None:
    version = await _row(connection, schema.versions, seal_id=seal_id)
    proof = await _row(connection, schema.proofs, seal_id=seal_id)
    head = await _row(connection, schema.heads, seal_id=seal_id)
    seal = await _row(connection, schema.seals, seal_id=seal_id)
    last = (await connection.execute(select(schema.journal_head))).one()
    digests = [last.frontier[at : at + DIGEST_LENGTH] for at in range(0, len(last.frontier), DIGEST_LENGTH)]
    tree = TreeHasher.resume(last.size, digests)
    stored = (await connection.execute(select(func.count()).select_from(schema.proofs))).scalar_one()
    for begin in range(stored, number, _AT_ONCE):
        rows: dict[Table, list[Row]] = {
            table: []
            for table in (schema.proofs, schema.versions, schema.heads, schema.seals, schema.journal)
        }
        for _ in range(min(_AT_ONCE, number - begin)):
            own = {"seal_id": random_bytes(32), "position": tree.size}
            names = {"proof_id": new_id(), "body_key": random_bytes(20).hex(), "place": tree.size}
            entry = _entry(version | own | names)
            rows[schema.proofs].append(proof | own | {"id": names["proof_id"]})
            rows[schema.versions].append(
                version | own | names | {"envelope_digest": random_bytes(32), "sealed_at": tree.size}
            )
            rows[schema.heads].append(head | {"seal_id": own["seal_id"]})
            rows[schema.seals].append(seal | {"seal_id": own["seal_id"]})
            leaf = leaf_hash(entry)
            rows[schema.journal].append({"position": tree.size, "entry": entry, "leaf": leaf})
            tree.append(leaf)
        for table, several in rows.items():
            await connection.execute(insert(table), several)
    used = schema.organisations.c.used_bytes
    size = version["head_size"] + version["body_size"]
    await connection.execute(update(schema.organisations).values(used_bytes=used + size * (number - stored)))
    await connection.execute(
        update(schema.journal_head).values(size=tree.size, frontier=b"".join(tree.frontier))
    )


async def _row(connection: AsyncConnection, table: Table, *, seal_id: bytes) -> Row:
    found = await connection.execute(select(table).where(table.c.seal_id == seal_id))
    return dict(found.one()._mapping)  # noqa: SLF001 - public, in spite of its name


def _entry(version: Row) -> bytes:
    kind, _, actor = version["actor"].partition(":")
    return encode_entry(
        Entry(
            position=version["position"],
            time=version["created_at"],
            actor=Actor(kind, actor),
            action=Action.EVIDENCE_DEPOSITED.value,
            subjects=(Subject("dossier", version["dossier_id"]), Subject("evidence", version["proof_id"])),
            details=details_of(
                {
                    Fact.EVIDENCE_TYPE: version["evidence_type"],
                    Fact.SEAL: version["seal_id"],
                    Fact.SIGNER: version["signer"],
                    Fact.ENVELOPE_DIGEST: version["envelope_digest"],
                    Fact.GENERATION: version["generation"],
                    Fact.SIZE: version["head_size"] + version["body_size"],
                }
            ),
            request=random_bytes(12).hex(),
        )
    )
