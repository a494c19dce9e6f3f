"""What alembic runs: the migrations, on the connection that `upgrade` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from vault.server.stores.records.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite can undo DDL too, since our transactions begin by BEGIN; alembic assumes it cannot.
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
