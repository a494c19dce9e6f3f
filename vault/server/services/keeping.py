"""Keeping a statement that was accepted, with what it is found by; and what is kept no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keys.derivation import key_id
from vault.api.problems import Code
from vault.server.ports import AlreadyExistsError
from vault.server.refusals import RefusedError

if TYPE_CHECKING:
    from keys.trust import Verified
    from vault.server.stores.records.rows import Dossier, StoredStatement
    from vault.server.stores.records.transactions import Change


async def keep(
    tx: Change,
    verified: Verified[Any],
    *,
    subject: bytes,
    dossier_id: str | None = None,
    generation: int | None = None,
) -> StoredStatement:
    """Store a statement.

    Args:
        tx: the open transaction.
        verified: what was accepted.
        subject: of a habilitation the signing key, of a withdrawal the statement, of a mandate the signer, of
            a dossier or recovery key that key, of a grant the grantee, of an opening the seal, of a
            succession the key that hands over, of an approval its digest; 32 bytes.
        dossier_id: dossier that it speaks of.
        generation: of the dossier key that it speaks of.

    Raises:
        RefusedError: already_exists.
    """
    statement = verified.statement
    try:
        return await tx.statements.add(
            verified.signed,
            kind=statement.kind,
            issuer=key_id(statement.issuer),
            issued_at=statement.issued,
            valid_from=statement.valid_from,
            valid_until=statement.valid_until,
            subject=subject,
            dossier_id=dossier_id,
            generation=generation,
        )
    except AlreadyExistsError:
        raise RefusedError(Code.ALREADY_EXISTS, "this statement was handed in before") from None


def require_kept(dossier: Dossier) -> None:
    """Return unless the dossier is erased: nothing is added to it or handed out of it then.

    Raises:
        RefusedError: dossier_erased.
    """
    if dossier.erased_at is not None:
        raise RefusedError(Code.DOSSIER_ERASED, "the dossier is erased", extra={"erased": dossier.erased_at})
