"""What is forgotten by itself: challenges, failures, remembered answers, uploads."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from vault.server.stores.records.tables.columns import METADATA, digest, dossier, id_, number, octets, words

challenges = Table(
    "challenges",
    METADATA,
    id_(primary_key=True),
    words("purpose", 16),
    digest("challenge"),
    digest("key_id"),
    number("expires_at", index=True),
)

failures = Table(
    "failures",
    METADATA,
    digest("source", primary_key=True),
    number("failures"),
    number("ends_at", index=True),
)

remembered = Table(
    "remembered",
    METADATA,
    words("actor", 200, primary_key=True),
    words("route", 64, primary_key=True),
    digest("key_hash", primary_key=True),
    digest("request_digest"),
    number("status"),
    octets("answer", nullable=True),
    number("expires_at", index=True),
)

# A deposit that arrives in parts. It is forgotten when it expires; what it leads to is journalled.
uploads = Table(
    "uploads",
    METADATA,
    id_(primary_key=True),
    dossier(),
    id_("proof_id", ForeignKey("proofs.id"), nullable=True),
    digest("seal_id"),
    digest("signer"),
    words("evidence_type", 64),
    words("state", 16),
    number("generation"),
    octets("head"),
    words("trailer_key", 64),
    number("trailer_size"),
    words("staged", 1200),
    words("body_key", 64, nullable=True),
    number("payload_length"),
    number("part_size"),
    number("size"),
    number("created_at"),
    number("expires_at", index=True),
    # Seal id of the version that it re-encrypts.
    digest("original", nullable=True),
    CheckConstraint("state IN ('open', 'completed')", name="state"),
    UniqueConstraint("seal_id"),
    Index("ix_uploads_dossier", "dossier_id"),
)

upload_parts = Table(
    "upload_parts",
    METADATA,
    id_("upload_id", ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    number("size"),
    words("tag", 128),
)
