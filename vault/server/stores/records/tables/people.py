"""Whom the service knows, and what is believed: organisations, accounts, credentials, statements."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table

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

organisations = Table(
    "organisations",
    METADATA,
    id_(primary_key=True),
    words("name", 200),
    number("quota_bytes"),
    number("max_container_bytes"),
    words("passwords", 16, server_default="generated"),
    number("used_bytes"),
    *created(),
    CheckConstraint("used_bytes >= 0", name="used"),
)

accounts = Table(
    "accounts",
    METADATA,
    id_(primary_key=True),
    id_("organisation_id", ForeignKey("organisations.id"), nullable=True),
    words("role", 16),
    words("name", 200),
    octets("kem_public", nullable=True),
    octets("signing_public", nullable=True),
    digest("kem_key_id", nullable=True, unique=True),
    digest("signing_key_id", nullable=True, unique=True),
    digest("enrolment_hash", nullable=True, unique=True),
    number("enrolment_until", nullable=True),
    number("disabled_at", nullable=True),
    *created(),
)

tokens = Table(
    "tokens",
    METADATA,
    id_(primary_key=True),
    id_("account_id", ForeignKey("accounts.id"), index=True),
    digest("secret_hash", unique=True),
    words("label", 200),
    Column("read_only", Boolean, nullable=False),
    number("expires_at"),
    number("revoked_at", nullable=True),
    id_("replaced_by", nullable=True),
    *created(),
)

sessions = Table(
    "sessions",
    METADATA,
    id_(primary_key=True),
    id_("account_id", ForeignKey("accounts.id"), nullable=True, index=True),
    digest("signing_key_id"),
    digest("secret_hash", unique=True),
    number("expires_at", index=True),
    number("ended_at", nullable=True),
    *created(),
)

statements = Table(
    "statements",
    METADATA,
    digest("id", primary_key=True),
    words("kind", 32),
    octets("statement"),
    octets("signature"),
    digest("issuer"),
    digest("subject", nullable=True),
    dossier(nullable=True),
    number("generation", nullable=True),
    number("issued_at"),
    number("valid_from"),
    number("valid_until"),
    digest("withdrawn_by", ForeignKey("statements.id"), nullable=True),
    number("withdrawn_at", nullable=True),
    *created(),
    Index("ix_statements_kind_subject", "kind", "subject"),
    Index("ix_statements_dossier_kind", "dossier_id", "kind"),
)

facts = Table(
    "facts",
    METADATA,
    words("name", 64, primary_key=True),
    octets("value"),
    *created(),
)
