"""What was re-encrypted, and what stands in its place."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ORIGINALS = sa.text("number < 0 AND erased_at IS NULL")
_LISTED = {
    "ix_versions_listed": ["dossier_id", "state", "evidence_type"],
    "ix_versions_listed_all": ["dossier_id", "state"],
    "ix_versions_signed": ["dossier_id", "signer", "state"],
}


def upgrade() -> None:
    """Add the columns: everything that was deposited stands in its own place, by which lists are ordered."""
    op.add_column("versions", sa.Column("place", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("versions", sa.Column("sealer", sa.LargeBinary(length=32), nullable=True))
    op.add_column("uploads", sa.Column("original", sa.LargeBinary(length=32), nullable=True))
    op.execute("UPDATE versions SET place = position")
    _order_by("place")
    op.create_index("ix_versions_place", "versions", ["place"], unique=False)
    op.create_index(
        "ix_versions_originals",
        "versions",
        ["dossier_id", "place"],
        unique=False,
        sqlite_where=_ORIGINALS,
        postgresql_where=_ORIGINALS,
    )


def downgrade() -> None:
    """Remove them with what they hold: what re-encrypts something then counts as any deposit does."""
    op.drop_index("ix_versions_originals", "versions")
    op.drop_index("ix_versions_place", "versions")
    _order_by("position")
    op.drop_column("uploads", "original")
    op.drop_column("versions", "sealer")
    op.drop_column("versions", "place")


def _order_by(column: str) -> None:
    for name, columns in _LISTED.items():
        op.drop_index(name, "versions")
        op.create_index(name, "versions", [*columns, column], unique=False)
