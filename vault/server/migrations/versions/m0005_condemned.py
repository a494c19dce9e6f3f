"""Which objects a janitor decided to remove."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "condemned",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("condemned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_condemned")),
    )
    op.create_index(op.f("ix_condemned_condemned_at"), "condemned", ["condemned_at"], unique=False)


def downgrade() -> None:
    """Remove the table with all that it holds."""
    op.drop_table("condemned")
