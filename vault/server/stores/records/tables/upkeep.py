"""What processes tell each other about their upkeep."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Table

from vault.server.stores.records.tables.columns import METADATA, number, words

# Work that one process at a time may do, such as removing what no row names.
leases = Table(
    "leases",
    METADATA,
    words("name", 64, primary_key=True),
    words("holder", 64),
    number("expires_at"),
)

# Objects that a janitor decided to remove, because no row named them: from then on no row may.
condemned = Table(
    "condemned",
    METADATA,
    words("key", 64, primary_key=True),
    number("condemned_at", index=True),
)

# How the last run of each kind of upkeep ended, for whoever watches.
runs = Table(
    "runs",
    METADATA,
    words("name", 64, primary_key=True),
    number("started_at"),
    number("ended_at"),
    words("outcome", 16),
    number("examined"),
    number("removed"),
    number("damaged"),
    number("runs"),
    number("removed_total"),
    CheckConstraint("outcome IN ('done', 'stopped', 'failed')", name="outcome"),
)
