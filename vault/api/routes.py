"""The one route table. The server is built from it, the client calls by it, the documentation prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vault.api.tables.approvals import APPROVALS
from vault.api.tables.dossiers import DOSSIERS
from vault.api.tables.erasure import ERASURE
from vault.api.tables.evidence import EVIDENCE
from vault.api.tables.journal import JOURNAL
from vault.api.tables.people import PEOPLE
from vault.api.tables.reencryption import REENCRYPTION
from vault.api.tables.rotation import ROTATION
from vault.api.tables.signin import SERVICE, SIGN_IN
from vault.api.tables.successions import SUCCESSIONS
from vault.api.tables.uploads import UPLOADS

if TYPE_CHECKING:
    from vault.api.route import Route

ROUTES: Final[tuple[Route, ...]] = (
    *SERVICE,
    *SIGN_IN,
    *PEOPLE,
    *APPROVALS,
    *DOSSIERS,
    *ERASURE,
    *ROTATION,
    *REENCRYPTION,
    *SUCCESSIONS,
    *EVIDENCE,
    *UPLOADS,
    *JOURNAL,
)

BY_NAME: Final[dict[str, Route]] = {route.name: route for route in ROUTES}
