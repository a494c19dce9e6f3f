"""The journal: every change, and the tree over them."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table

from vault.server.stores.records.tables.columns import METADATA, digest, number, octets

journal = Table(
    "journal",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    octets("entry"),
    digest("leaf"),
)

# One row: the tree over all entries, so that appending reads no other entry.
journal_head = Table(
    "journal_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    number("size"),
    octets("frontier"),
    CheckConstraint("id = 1", name="single"),
)
