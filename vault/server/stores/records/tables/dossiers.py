"""Dossiers, and who may write to them and read them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Table, text

from vault.server.stores.records.tables.columns import (
    DOSSIER_LENGTH,
    METADATA,
    created,
    digest,
    dossier,
    id_,
    number,
    octets,
    words,
)

dossiers = Table(
    "dossiers",
    METADATA,
    words("id", DOSSIER_LENGTH, primary_key=True),
    id_("organisation_id", ForeignKey("organisations.id")),
    words("procedure", 200),
    words("product", 200),
    words("product_version", 200),
    id_("opened_by", ForeignKey("accounts.id")),
    number("generation"),
    number("closed_at", nullable=True),
    *created(),
    number("erased_at", nullable=True),
    Index("ix_dossiers_organisation_position", "organisation_id", "position"),
    Index("ix_dossiers_position", "position"),
)

depositors = Table(
    "depositors",
    METADATA,
    id_(primary_key=True),
    dossier(),
    digest("signing_key_id", index=True),
    octets("signing_public"),
    digest("mandate_id", ForeignKey("statements.id"), unique=True),
    words("label", 200),
    number("removed_at", nullable=True),
    *created(),
    Index("ix_depositors_dossier_position", "dossier_id", "position"),
)

grants = Table(
    "grants",
    METADATA,
    id_(primary_key=True),
    dossier(),
    number("generation"),
    digest("grantee", index=True),
    id_("account_id", ForeignKey("accounts.id"), nullable=True),
    digest("statement_id", ForeignKey("statements.id"), unique=True),
    number("revoked_at", nullable=True),
    *created(),
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
    id_(primary_key=True),
    dossier(),
    digest("signer"),
    octets("signing_public"),
    digest("seal_id", unique=True),
    number("generation"),
    digest("envelope_digest"),
    number("size"),
    digest("code_hash", unique=True),
    number("expires_at"),
    number("withdrawn_at", nullable=True),
    *created(),
    Index("ix_templates_dossier_position", "dossier_id", "position"),
)

template_parts = Table(
    "template_parts",
    METADATA,
    id_("template_id", ForeignKey("templates.id"), primary_key=True),
    octets("head"),
    octets("body"),
)
