"""What dossiers hold when a key of theirs ends, as it is certified."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "retirements",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dossier_id", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_retirements_dossier_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_retirements")),
    )
    op.create_index("ix_retirements_dossier", "retirements", ["dossier_id", "position"], unique=False)
    op.create_table(
        "retirement_lines",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position"], ["retirements.position"], name=op.f("fk_retirement_lines_position")
        ),
        sa.PrimaryKeyConstraint("position", "number", name=op.f("pk_retirement_lines")),
    )


def downgrade() -> None:
    """Remove them with what they hold: certificates that were handed out stay good."""
    op.drop_table("retirement_lines")
    op.drop_index("ix_retirements_dossier", "retirements")
    op.drop_table("retirements")
