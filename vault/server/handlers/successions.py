"""Handlers: keys that hand over to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.models.people import StatementRequest
from vault.api.models.successions import AccountSucceeded, KeySuccession

if TYPE_CHECKING:
    from vault.api.models.dossiers import Grant
    from vault.api.models.trust import Trust
    from vault.server.call import Call


async def succeed_authority(call: Call) -> Trust:
    """Hand the authority over to a new key."""
    return await call.services.authority.succeed(call.body(KeySuccession), call.act)


async def publish_recovery_key(call: Call) -> Trust:
    """Let another recovery key follow the present one."""
    return await call.services.authority.change_recovery(call.body(StatementRequest), call.act)


async def succeed_account(call: Call) -> AccountSucceeded:
    """Hand an account over to a new key."""
    return await call.services.inheriting.succeed(call.body(KeySuccession), call.act)


async def rewrap_grant(call: Call) -> Grant:
    """Take a grant that its grantee wrapped anew."""
    generation = int(call.path["generation"])
    request = call.body(StatementRequest)
    return await call.services.inheriting.rewrap(call.path["dossier"], generation, request, call.act)
