"""Granting: the seed of a dossier key, wrapped to one person. The half that needs no secret of the grantee.

Opening a grant is in ``holder``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.kinds import Grant
from keys.recipients import Recipient
from keys.statements import Period, Signed, sign_statement

if TYPE_CHECKING:
    from keys.signing import SigningKey


def grant_info(dossier: str, generation: int, grantee: bytes) -> bytes:
    """Return what binds a wrapped seed to its place: the ``info`` of HPKE.

    "scelle/1 grant seed" ‖ 00 ‖ key id of the grantee's KEM key (32) ‖ generation u64 ‖ dossier id.

    Args:
        dossier: the dossier's id, ASCII, of any length: it stands last.
        generation: of the dossier key.
        grantee: key id of the grantee's KEM key, 32 bytes.
    """
    return b"scelle/1 grant seed\x00" + grantee + generation.to_bytes(8, "big") + dossier.encode("ascii")


def make_grant(
    seed: bytes, *, dossier: str, generation: int, grantee: bytes, issuer: SigningKey, period: Period
) -> Signed:
    """Return a grant of a dossier key, signed.

    Args:
        seed: the dossier key's identity seed, 32 bytes.
        dossier: the dossier's id.
        generation: of the dossier key.
        grantee: the KEM public key of who may open, 1665 bytes.
        issuer: who says so.
        period: when it counts.

    Raises:
        MalformedError: a wrong length or form.
    """
    recipient = Recipient(grantee)
    statement = Grant(
        issuer=issuer.public_key,
        **period,
        dossier=dossier,
        generation=generation,
        grantee=recipient.key_id,
        wrapped=recipient.wrap(seed, grant_info(dossier, generation, recipient.key_id)),
    )
    return sign_statement(statement, issuer)
