"""Which token took the place of another."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; nothing that is there was replaced."""
    op.add_column("tokens", sa.Column("replaced_by", sa.String(length=32), nullable=True))


def downgrade() -> None:
    """Remove it with what it holds: tokens that were replaced end all the same."""
    op.drop_column("tokens", "replaced_by")
