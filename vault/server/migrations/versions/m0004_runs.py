"""How the last runs of janitor and scrub ended."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "runs",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("examined", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("damaged", sa.BigInteger(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("removed_total", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("outcome IN ('done', 'stopped', 'failed')", name=op.f("ck_runs_outcome")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_runs")),
    )


def downgrade() -> None:
    """Remove the table with all that it holds."""
    op.drop_table("runs")
