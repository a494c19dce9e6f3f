"""For how long dossiers are kept, and what is left of those that were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_REMOVING = sa.text("erased_at IS NOT NULL AND removed_at IS NULL")


def upgrade() -> None:
    """Create tables and columns."""
    op.add_column("dossiers", sa.Column("erased_at", sa.BigInteger(), nullable=True))
    op.add_column("versions", sa.Column("erased_at", sa.BigInteger(), nullable=True))
    op.add_column("versions", sa.Column("removed_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_versions_removing",
        "versions",
        ["seal_id"],
        unique=False,
        sqlite_where=_REMOVING,
        postgresql_where=_REMOVING,
    )
    op.create_table(
        "retentions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("procedure", sa.String(length=200), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retentions")),
        sa.UniqueConstraint("procedure", name=op.f("uq_retentions_procedure")),
    )
    op.create_table(
        "erasures",
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_erasures_dossier_id")),
        sa.PrimaryKeyConstraint("dossier_id", name=op.f("pk_erasures")),
    )
    op.create_table(
        "erasure_lines",
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier_id"], ["erasures.dossier_id"], name=op.f("fk_erasure_lines_dossier_id")
        ),
        sa.PrimaryKeyConstraint("dossier_id", "number", name=op.f("pk_erasure_lines")),
    )


def downgrade() -> None:
    """Remove them with all that they hold: what was erased stays erased, and nothing says so any more."""
    op.drop_table("erasure_lines")
    op.drop_table("erasures")
    op.drop_table("retentions")
    op.drop_index("ix_versions_removing", "versions")
    op.drop_column("versions", "removed_at")
    op.drop_column("versions", "erased_at")
    op.drop_column("dossiers", "erased_at")
