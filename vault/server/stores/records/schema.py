"""The tables, in what SQLite and PostgreSQL share; each change is a migration in ``vault/server/migrations``.

Nothing here is secret but for hashes of secrets that have 128 bits or more. Large values stand in tables of
their own, so that lists read rows of a few hundred bytes.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

ID_LENGTH: Final = 32
DOSSIER_LENGTH: Final = 64


def _id(name: str = "id", *constraints: ForeignKey, **options: Any) -> Column[str]:
    return Column(name, String(ID_LENGTH), *constraints, **{"nullable": False} | options)


def _digest(name: str, *constraints: ForeignKey, **options: Any) -> Column[bytes]:
    return Column(name, LargeBinary(32), *constraints, **{"nullable": False} | options)


def _bytes(name: str, **options: Any) -> Column[bytes]:
    return Column(name, LargeBinary, **{"nullable": False} | options)


def _text(name: str, length: int, *constraints: ForeignKey, **options: Any) -> Column[str]:
    return Column(name, String(length), *constraints, **{"nullable": False} | options)


def _number(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, **{"nullable": False} | options)


def _dossier(*, nullable: bool = False) -> Column[str]:
    return Column("dossier_id", String(DOSSIER_LENGTH), ForeignKey("dossiers.id"), nullable=nullable)


def _created() -> tuple[Column[int], Column[int]]:
    """Which journal entry a row came with, and when."""
    return _number("position"), _number("created_at")


organisations = Table(
    "organisations",
    METADATA,
    _id(primary_key=True),
    _text("name", 200),
    _number("quota_bytes"),
    _number("max_container_bytes"),
    _number("used_bytes"),
    *_created(),
    CheckConstraint("used_bytes >= 0", name="used"),
)

accounts = Table(
    "accounts",
    METADATA,
    _id(primary_key=True),
    _id("organisation_id", ForeignKey("organisations.id"), nullable=True),
    _text("role", 16),
    _text("name", 200),
    _bytes("kem_public", nullable=True),
    _bytes("signing_public", nullable=True),
    _digest("kem_key_id", nullable=True, unique=True),
    _digest("signing_key_id", nullable=True, unique=True),
    _digest("enrolment_hash", nullable=True, unique=True),
    _number("enrolment_until", nullable=True),
    _number("disabled_at", nullable=True),
    *_created(),
)

tokens = Table(
    "tokens",
    METADATA,
    _id(primary_key=True),
    _id("account_id", ForeignKey("accounts.id"), index=True),
    _digest("secret_hash", unique=True),
    _text("label", 200),
    Column("read_only", Boolean, nullable=False),
    _number("expires_at"),
    _number("revoked_at", nullable=True),
    *_created(),
)

sessions = Table(
    "sessions",
    METADATA,
    _id(primary_key=True),
    _id("account_id", ForeignKey("accounts.id"), nullable=True, index=True),
    _digest("signing_key_id"),
    _digest("secret_hash", unique=True),
    _number("expires_at", index=True),
    _number("ended_at", nullable=True),
    *_created(),
)

statements = Table(
    "statements",
    METADATA,
    _digest("id", primary_key=True),
    _text("kind", 32),
    _bytes("statement"),
    _bytes("signature"),
    _digest("issuer"),
    _digest("subject", nullable=True),
    _dossier(nullable=True),
    _number("generation", nullable=True),
    _number("issued_at"),
    _number("valid_from"),
    _number("valid_until"),
    _digest("withdrawn_by", ForeignKey("statements.id"), nullable=True),
    _number("withdrawn_at", nullable=True),
    *_created(),
    Index("ix_statements_kind_subject", "kind", "subject"),
    Index("ix_statements_dossier_kind", "dossier_id", "kind"),
)

facts = Table(
    "facts",
    METADATA,
    _text("name", 64, primary_key=True),
    _bytes("value"),
    *_created(),
)

dossiers = Table(
    "dossiers",
    METADATA,
    _text("id", DOSSIER_LENGTH, primary_key=True),
    _id("organisation_id", ForeignKey("organisations.id")),
    _text("procedure", 200),
    _text("product", 200),
    _text("product_version", 200),
    _id("opened_by", ForeignKey("accounts.id")),
    _number("generation"),
    _number("closed_at", nullable=True),
    *_created(),
    Index("ix_dossiers_organisation_position", "organisation_id", "position"),
    Index("ix_dossiers_position", "position"),
)

depositors = Table(
    "depositors",
    METADATA,
    _id(primary_key=True),
    _dossier(),
    _digest("signing_key_id", index=True),
    _bytes("signing_public"),
    _digest("mandate_id", ForeignKey("statements.id"), unique=True),
    _text("label", 200),
    _number("removed_at", nullable=True),
    *_created(),
    Index("ix_depositors_dossier_position", "dossier_id", "position"),
)

grants = Table(
    "grants",
    METADATA,
    _id(primary_key=True),
    _dossier(),
    _number("generation"),
    _digest("grantee", index=True),
    _id("account_id", ForeignKey("accounts.id"), nullable=True),
    _digest("statement_id", ForeignKey("statements.id"), unique=True),
    _number("revoked_at", nullable=True),
    *_created(),
    Index(
        "uq_grants_standing",
        "dossier_id",
        "generation",
        "grantee",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index("ix_grants_dossier_position", "dossier_id", "position"),
)

templates = Table(
    "templates",
    METADATA,
    _id(primary_key=True),
    _dossier(),
    _digest("signer"),
    _bytes("signing_public"),
    _digest("seal_id", unique=True),
    _number("generation"),
    _digest("envelope_digest"),
    _number("size"),
    _digest("code_hash", unique=True),
    _number("expires_at"),
    _number("withdrawn_at", nullable=True),
    *_created(),
    Index("ix_templates_dossier_position", "dossier_id", "position"),
)

template_parts = Table(
    "template_parts",
    METADATA,
    _id("template_id", ForeignKey("templates.id"), primary_key=True),
    _bytes("head"),
    _bytes("body"),
)

proofs = Table(
    "proofs",
    METADATA,
    _id(primary_key=True),
    _dossier(),
    _text("evidence_type", 64),
    _text("state", 16),
    _digest("seal_id", unique=True),
    _number("version"),
    *_created(),
    CheckConstraint("state IN ('active', 'archived')", name="state"),
    Index("ix_proofs_dossier", "dossier_id"),
)

versions = Table(
    "versions",
    METADATA,
    _digest("seal_id", primary_key=True),
    _id("proof_id", ForeignKey("proofs.id")),
    _number("number"),
    _dossier(),
    _text("evidence_type", 64),
    _text("state", 16),
    _digest("signer"),
    _text("actor", 200),
    _digest("supersedes", nullable=True),
    _number("sealed_at"),
    _number("generation"),
    _digest("envelope_digest"),
    _number("dossier_generation"),
    _number("head_size"),
    _text("body_key", 64, unique=True),
    _number("body_size"),
    _number("archived_at", nullable=True),
    _number("opened_at", nullable=True),
    _number("complained_at", nullable=True),
    *_created(),
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
    Index("ix_versions_listed", "dossier_id", "state", "evidence_type", "position"),
    Index("ix_versions_listed_all", "dossier_id", "state", "position"),
    Index("ix_versions_signed", "dossier_id", "signer", "state", "position"),
    Index("ix_versions_generation", "dossier_id", "dossier_generation"),
)

# Preamble and envelope: the only part of a container that is ever rewritten; what it was before is gone then.
heads = Table(
    "heads",
    METADATA,
    _digest("seal_id", ForeignKey("versions.seal_id"), primary_key=True),
    _bytes("head"),
)

# Seal and receipt outlive the body: they go on proving who sealed and that it was taken.
seals = Table(
    "seals",
    METADATA,
    _digest("seal_id", ForeignKey("versions.seal_id"), primary_key=True),
    _bytes("seal"),
    _bytes("receipt"),
    _bytes("receipt_signature"),
)

# Until when the object store keeps an archived body from being removed.
locks = Table(
    "locks",
    METADATA,
    _digest("seal_id", ForeignKey("versions.seal_id"), primary_key=True),
    _number("until"),
)

openings = Table(
    "openings",
    METADATA,
    _id(primary_key=True),
    _digest("seal_id", ForeignKey("versions.seal_id"), index=True),
    _id("account_id", ForeignKey("accounts.id")),
    _text("outcome", 64),
    _digest("statement_id", ForeignKey("statements.id"), unique=True),
    *_created(),
)

journal = Table(
    "journal",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    _bytes("entry"),
    _digest("leaf"),
)

# One row: the tree over all entries, so that appending reads no other entry.
journal_head = Table(
    "journal_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _number("size"),
    _bytes("frontier"),
    CheckConstraint("id = 1", name="single"),
)

challenges = Table(
    "challenges",
    METADATA,
    _id(primary_key=True),
    _text("purpose", 16),
    _digest("challenge"),
    _digest("key_id"),
    _number("expires_at", index=True),
)

failures = Table(
    "failures",
    METADATA,
    _digest("source", primary_key=True),
    _number("failures"),
    _number("ends_at", index=True),
)

remembered = Table(
    "remembered",
    METADATA,
    _text("actor", 200, primary_key=True),
    _text("route", 64, primary_key=True),
    _digest("key_hash", primary_key=True),
    _digest("request_digest"),
    _number("status"),
    _bytes("answer", nullable=True),
    _number("expires_at", index=True),
)

# A deposit that arrives in parts. It is forgotten when it expires; what it leads to is journalled.
uploads = Table(
    "uploads",
    METADATA,
    _id(primary_key=True),
    _dossier(),
    _id("proof_id", ForeignKey("proofs.id"), nullable=True),
    _digest("seal_id"),
    _digest("signer"),
    _text("evidence_type", 64),
    _text("state", 16),
    _number("generation"),
    _bytes("head"),
    _text("trailer_key", 64),
    _number("trailer_size"),
    _text("staged", 1200),
    _text("body_key", 64, nullable=True),
    _number("payload_length"),
    _number("part_size"),
    _number("size"),
    _number("created_at"),
    _number("expires_at", index=True),
    CheckConstraint("state IN ('open', 'completed')", name="state"),
    UniqueConstraint("seal_id"),
    Index("ix_uploads_dossier", "dossier_id"),
)

upload_parts = Table(
    "upload_parts",
    METADATA,
    _id("upload_id", ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _number("size"),
    _text("tag", 128),
)

# Work that one process at a time may do, such as removing what no row names.
leases = Table(
    "leases",
    METADATA,
    _text("name", 64, primary_key=True),
    _text("holder", 64),
    _number("expires_at"),
)

# Objects that a janitor decided to remove, because no row named them: from then on no row may.
condemned = Table(
    "condemned",
    METADATA,
    _text("key", 64, primary_key=True),
    _number("condemned_at", index=True),
)

# How the last run of each kind of upkeep ended, for whoever watches.
runs = Table(
    "runs",
    METADATA,
    _text("name", 64, primary_key=True),
    _number("started_at"),
    _number("ended_at"),
    _text("outcome", 16),
    _number("examined"),
    _number("removed"),
    _number("damaged"),
    _number("runs"),
    _number("removed_total"),
    CheckConstraint("outcome IN ('done', 'stopped', 'failed')", name="outcome"),
)
