"""Grants as they are shown: with what was granted, where the grantee has wrapped it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.statements import Succession, read_unjudged
from vault.api.models.dossiers import Grant
from vault.server.services import views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vault.server.services.acts import View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows


async def shown(view: View, beliefs: Beliefs, granted: Sequence[rows.Grant]) -> tuple[Grant, ...]:
    """Return grants as they are sent."""
    before: dict[str, tuple[Succession, ...]] = {}
    found = []
    for row in granted:
        statement = await view.statements.get(row.statement_id)
        assert statement is not None
        account = row.account_id or ""
        if account not in before:
            before[account] = await _line(view, beliefs, account)
        made = await _made(view, row, statement, before[account])
        found.append(
            Grant(
                id=row.id,
                dossier=row.dossier_id,
                generation=row.generation,
                grantee=row.grantee.hex(),
                account=row.account_id,
                statement=views.statement(statement),
                made=views.statement(made) if made else None,
                created=row.created_at,
                revoked=row.revoked_at is not None,
            )
        )
    return tuple(found)


async def _line(view: View, beliefs: Beliefs, account_id: str) -> tuple[Succession, ...]:
    account = await view.accounts.get(account_id)
    if account is None or account.signing_key_id is None:
        return ()
    found = await beliefs.inherited(view, account)
    return tuple(read_unjudged(views.stored(row), Succession) for row in found)


async def _made(
    view: View, row: rows.Grant, statement: rows.StoredStatement, line: Sequence[Succession]
) -> rows.StoredStatement | None:
    """Return the grant that somebody made, if the statement is what its grantee wrapped anew."""
    if statement.issuer not in {each.new.signing_key_id for each in line}:
        return None
    for each in line:
        found = await view.statements.find(
            "grant", dossier_id=row.dossier_id, generation=row.generation, subject=each.old.kem_key_id
        )
        if found:
            return found[-1]
    return None
