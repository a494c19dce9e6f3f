"""The tables, in what SQLite and PostgreSQL share; each change is a migration in ``vault/server/migrations``.

Nothing here is secret but for hashes of secrets that have 128 bits or more. Large values stand in tables of
their own, so that lists read rows of a few hundred bytes.
"""

from __future__ import annotations

from vault.server.stores.records.tables.columns import METADATA
from vault.server.stores.records.tables.dossiers import (
    depositors,
    dossiers,
    grants,
    template_parts,
    templates,
)
from vault.server.stores.records.tables.erasure import erasure_lines, erasures, retentions
from vault.server.stores.records.tables.evidence import heads, locks, openings, proofs, seals, versions
from vault.server.stores.records.tables.journal import journal, journal_head
from vault.server.stores.records.tables.passing import challenges, failures, remembered, upload_parts, uploads
from vault.server.stores.records.tables.people import (
    accounts,
    facts,
    organisations,
    sessions,
    statements,
    tokens,
)
from vault.server.stores.records.tables.retiring import retirement_lines, retirements
from vault.server.stores.records.tables.upkeep import condemned, leases, runs

__all__ = [
    "METADATA",
    "accounts",
    "challenges",
    "condemned",
    "depositors",
    "dossiers",
    "erasure_lines",
    "erasures",
    "facts",
    "failures",
    "grants",
    "heads",
    "journal",
    "journal_head",
    "leases",
    "locks",
    "openings",
    "organisations",
    "proofs",
    "remembered",
    "retentions",
    "retirement_lines",
    "retirements",
    "runs",
    "seals",
    "sessions",
    "statements",
    "template_parts",
    "templates",
    "tokens",
    "upload_parts",
    "uploads",
    "versions",
]
