"""What organisations ask of new passwords."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; whoever is there already asks for generated passwords, like whoever comes."""
    op.add_column(
        "organisations",
        sa.Column("passwords", sa.String(length=16), server_default="generated", nullable=False),
    )


def downgrade() -> None:
    """Remove it with what it holds: all passwords are taken again."""
    op.drop_column("organisations", "passwords")
