"""For how long dossiers are kept, and the certificates of those that were erased."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Table

from vault.server.stores.records.tables.columns import (
    DOSSIER_LENGTH,
    METADATA,
    created,
    id_,
    number,
    octets,
    words,
)

# Days after it was closed before which a dossier of a démarche is not erased.
retentions = Table(
    "retentions",
    METADATA,
    id_(primary_key=True),
    words("procedure", 200, unique=True),
    number("days"),
    *created(),
)

erasures = Table(
    "erasures",
    METADATA,
    words("dossier_id", DOSSIER_LENGTH, ForeignKey("dossiers.id"), primary_key=True),
    octets("statement"),
    octets("signature"),
    *created(),
)

# As they were signed: nothing that changes later changes them.
erasure_lines = Table(
    "erasure_lines",
    METADATA,
    words("dossier_id", DOSSIER_LENGTH, ForeignKey("erasures.dossier_id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    octets("line"),
)
