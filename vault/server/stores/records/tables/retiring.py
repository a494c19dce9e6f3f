"""Certificates of keys that have ended."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table

from vault.server.stores.records.tables.columns import METADATA, dossier, number, octets

# The newest key that ended, by the journal entry that says so.
retirements = Table(
    "retirements",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    dossier(),
    number("generation"),
    octets("statement"),
    octets("signature"),
    number("created_at"),
    Index("ix_retirements_dossier", "dossier_id", "position"),
)

# As they were signed: nothing that changes later changes them.
retirement_lines = Table(
    "retirement_lines",
    METADATA,
    Column("position", BigInteger, ForeignKey("retirements.position"), primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    octets("line"),
)
