"""Routes: keys that hand over to the next one."""

from __future__ import annotations

from typing import Final

from vault.api.models.dossiers import Grant
from vault.api.models.people import StatementRequest
from vault.api.models.successions import AccountSucceeded, KeySuccession
from vault.api.models.trust import Trust
from vault.api.problems import Code
from vault.api.route import Route, Tag

_STATEMENT: Final = (Code.STATEMENT_INVALID, Code.AUTHORITY_MISSING, Code.ALREADY_EXISTS)

SUCCESSIONS: Final = (
    Route(
        name="succeed_authority",
        method="POST",
        path="/v1/authority/succession",
        rule="admin",
        tag=Tag.SIGN_IN,
        summary="Store the authority's word on the key that follows it; the old one says nothing new.",
        request=KeySuccession,
        answer=Trust,
        problems=(*_STATEMENT, Code.POSSESSION_UNPROVEN, Code.APPROVALS_MISSING),
    ),
    Route(
        name="publish_recovery_key",
        method="POST",
        path="/v1/authority/recovery",
        rule="admin",
        tag=Tag.SIGN_IN,
        summary="Store the authority's word on the next recovery key; seals need a slot for it from now on.",
        request=StatementRequest,
        answer=Trust,
        problems=_STATEMENT,
    ),
    Route(
        name="succeed_account",
        method="POST",
        path="/v1/me/succession",
        rule="own_account",
        tag=Tag.PEOPLE,
        summary="Hand one's account over to a new key; the old one signs in no more.",
        request=KeySuccession,
        answer=AccountSucceeded,
        problems=(*_STATEMENT, Code.POSSESSION_UNPROVEN),
    ),
    Route(
        name="rewrap_grant",
        method="PUT",
        path="/v1/dossiers/{dossier}/grants/mine/{generation}",
        rule="granted_dossier",
        tag=Tag.DOSSIERS,
        summary="Put one's own grant, wrapped anew to the key that one has now, in the place of the old one.",
        request=StatementRequest,
        answer=Grant,
        problems=(*_STATEMENT, Code.CONFLICT, Code.DOSSIER_ERASED),
    ),
)
