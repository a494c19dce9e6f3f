"""Proofs: their versions, what the records keep of a container, and what was found on opening it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint, text

from vault.server.stores.records.tables.columns import (
    METADATA,
    created,
    digest,
    dossier,
    id_,
    number,
    octets,
    words,
)

proofs = Table(
    "proofs",
    METADATA,
    id_(primary_key=True),
    dossier(),
    words("evidence_type", 64),
    words("state", 16),
    digest("seal_id", unique=True),
    number("version"),
    *created(),
    CheckConstraint("state IN ('active', 'archived')", name="state"),
    Index("ix_proofs_dossier", "dossier_id"),
)

versions = Table(
    "versions",
    METADATA,
    digest("seal_id", primary_key=True),
    id_("proof_id", ForeignKey("proofs.id")),
    number("number"),
    dossier(),
    words("evidence_type", 64),
    words("state", 16),
    digest("signer"),
    words("actor", 200),
    digest("supersedes", nullable=True),
    number("sealed_at"),
    number("generation"),
    digest("envelope_digest"),
    number("dossier_generation"),
    number("head_size"),
    words("body_key", 64, unique=True),
    number("body_size"),
    number("archived_at", nullable=True),
    number("opened_at", nullable=True),
    number("complained_at", nullable=True),
    *created(),
    # Its envelope is gone since then, and its row names no object any more.
    number("erased_at", nullable=True),
    # The object is gone as well.
    number("removed_at", nullable=True),
    # Position of the deposit in whose place it stands: its own, or that of what was re-encrypted.
    number("place", server_default="0"),
    # Of a re-encrypted one, whose signature its seal has; the signer is still whose deposit it was.
    digest("sealer", nullable=True),
    CheckConstraint("state IN ('active', 'archived')", name="state"),
    UniqueConstraint("proof_id", "number"),
    # One journal entry publishes one version: positions order the lists without ties.
    UniqueConstraint("position"),
    Index(
        "uq_versions_active",
        "proof_id",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
    Index("ix_versions_listed", "dossier_id", "state", "evidence_type", "place"),
    Index("ix_versions_listed_all", "dossier_id", "state", "place"),
    Index("ix_versions_signed", "dossier_id", "signer", "state", "place"),
    Index("ix_versions_place", "place"),
    Index(
        "ix_versions_originals",
        "dossier_id",
        "place",
        sqlite_where=text("number < 0 AND erased_at IS NULL"),
        postgresql_where=text("number < 0 AND erased_at IS NULL"),
    ),
    Index("ix_versions_generation", "dossier_id", "dossier_generation"),
    Index(
        "ix_versions_removing",
        "seal_id",
        sqlite_where=text("erased_at IS NOT NULL AND removed_at IS NULL"),
        postgresql_where=text("erased_at IS NOT NULL AND removed_at IS NULL"),
    ),
)

# Preamble and envelope: the only part of a container that is ever rewritten; what it was before is gone then.
heads = Table(
    "heads",
    METADATA,
    digest("seal_id", ForeignKey("versions.seal_id"), primary_key=True),
    octets("head"),
)

# Seal and receipt outlive the body: they go on proving who sealed and that it was taken.
seals = Table(
    "seals",
    METADATA,
    digest("seal_id", ForeignKey("versions.seal_id"), primary_key=True),
    octets("seal"),
    octets("receipt"),
    octets("receipt_signature"),
)

# Until when the object store keeps an archived body from being removed: it has taken it.
locks = Table(
    "locks",
    METADATA,
    digest("seal_id", ForeignKey("versions.seal_id"), primary_key=True),
    number("until"),
)

openings = Table(
    "openings",
    METADATA,
    id_(primary_key=True),
    digest("seal_id", ForeignKey("versions.seal_id"), index=True),
    id_("account_id", ForeignKey("accounts.id")),
    words("outcome", 64),
    digest("statement_id", ForeignKey("statements.id"), unique=True),
    *created(),
)
