"""What a dossier holds: depositors, grants, templates, proofs with their versions and openings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "proofs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("evidence_type", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seal_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'archived')", name=op.f("ck_proofs_state")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_proofs_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
        sa.UniqueConstraint("seal_id", name=op.f("uq_proofs_seal_id")),
    )
    op.create_index("ix_proofs_dossier", "proofs", ["dossier_id"], unique=False)
    op.create_table(
        "templates",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signing_public", sa.LargeBinary(), nullable=False),
        sa.Column("seal_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("envelope_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_templates_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_templates_code_hash")),
        sa.UniqueConstraint("seal_id", name=op.f("uq_templates_seal_id")),
    )
    op.create_index("ix_templates_dossier_position", "templates", ["dossier_id", "position"], unique=False)
    op.create_table(
        "depositors",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("signing_key_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signing_public", sa.LargeBinary(), nullable=False),
        sa.Column("mandate_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_depositors_dossier_id")),
        sa.ForeignKeyConstraint(["mandate_id"], ["statements.id"], name=op.f("fk_depositors_mandate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_depositors")),
        sa.UniqueConstraint("mandate_id", name=op.f("uq_depositors_mandate_id")),
    )
    op.create_index("ix_depositors_dossier_position", "depositors", ["dossier_id", "position"], unique=False)
    op.create_index(op.f("ix_depositors_signing_key_id"), "depositors", ["signing_key_id"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("grantee", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("statement_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_grants_account_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_grants_dossier_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_grants_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("statement_id", name=op.f("uq_grants_statement_id")),
    )
    op.create_index("ix_grants_dossier_position", "grants", ["dossier_id", "position"], unique=False)
    op.create_index(op.f("ix_grants_grantee"), "grants", ["grantee"], unique=False)
    op.create_index(
        "uq_grants_standing",
        "grants",
        ["dossier_id", "generation", "grantee"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "template_parts",
        sa.Column("template_id", sa.String(length=32), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name=op.f("fk_template_parts_template_id")
        ),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_template_parts")),
    )
    op.create_table(
        "versions",
        sa.Column("seal_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("proof_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("evidence_type", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=32), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("supersedes", sa.LargeBinary(length=32), nullable=True),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("envelope_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("dossier_generation", sa.BigInteger(), nullable=False),
        sa.Column("head_size", sa.BigInteger(), nullable=False),
        sa.Column("body_key", sa.String(length=64), nullable=False),
        sa.Column("body_size", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("complained_at", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'archived')", name=op.f("ck_versions_state")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_versions_dossier_id")),
        sa.ForeignKeyConstraint(["proof_id"], ["proofs.id"], name=op.f("fk_versions_proof_id")),
        sa.PrimaryKeyConstraint("seal_id", name=op.f("pk_versions")),
        sa.UniqueConstraint("body_key", name=op.f("uq_versions_body_key")),
        sa.UniqueConstraint("position", name=op.f("uq_versions_position")),
        sa.UniqueConstraint("proof_id", "number", name=op.f("uq_versions_proof_id")),
    )
    op.create_index("ix_versions_generation", "versions", ["dossier_id", "dossier_generation"], unique=False)
    op.create_index(
        "ix_versions_listed", "versions", ["dossier_id", "state", "evidence_type", "position"], unique=False
    )
    op.create_index("ix_versions_listed_all", "versions", ["dossier_id", "state", "position"], unique=False)
    op.create_index(
        "ix_versions_signed", "versions", ["dossier_id", "signer", "state", "position"], unique=False
    )
    op.create_index(
        "uq_versions_active",
        "versions",
        ["proof_id"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "heads",
        sa.Column("seal_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["versions.seal_id"], name=op.f("fk_heads_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", name=op.f("pk_heads")),
    )
    op.create_table(
        "openings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("seal_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("statement_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_openings_account_id")),
        sa.ForeignKeyConstraint(["seal_id"], ["versions.seal_id"], name=op.f("fk_openings_seal_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_openings_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_openings")),
        sa.UniqueConstraint("statement_id", name=op.f("uq_openings_statement_id")),
    )
    op.create_index(op.f("ix_openings_seal_id"), "openings", ["seal_id"], unique=False)
    op.create_table(
        "seals",
        sa.Column("seal_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["versions.seal_id"], name=op.f("fk_seals_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", name=op.f("pk_seals")),
    )


def downgrade() -> None:
    """Remove the tables with all that they hold."""
    op.drop_table("seals")
    op.drop_table("openings")
    op.drop_table("heads")
    op.drop_table("versions")
    op.drop_table("template_parts")
    op.drop_table("grants")
    op.drop_table("depositors")
    op.drop_table("templates")
    op.drop_table("proofs")
