"""What only the holder of an identity can do with its KEM half: open a grant, answer a challenge to enrol.

The server never imports this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.errors import MalformedError, Refusal, StatementError
from keys.grants import grant_info
from keys.keyfile import Use
from keys.keyring import Identity
from keys.possession import challenge_info, sign_enrolment

if TYPE_CHECKING:
    from keys.kinds import DossierKey, Grant
    from keys.trust import Verified


def open_grant(grant: Verified[Grant], dossier_key: Verified[DossierKey], identity: Identity) -> Identity:
    """Return the dossier key's identity that a grant carries, once it is that of the dossier-key statement.

    Args:
        grant: verified.
        dossier_key: verified, of the same dossier and generation.
        identity: the grantee's.

    Raises:
        StatementError: the grant is to another key, about another dossier or generation, does not open, or
            carries something else than the key of the statement (``mismatch``).
    """
    about, key = grant.statement, dossier_key.statement
    if (about.dossier, about.generation) != (key.dossier, key.generation):
        raise StatementError(Refusal.MISMATCH, "grant and dossier key are of another dossier or generation")
    if about.grantee != identity.public.kem_key_id:
        raise StatementError(Refusal.MISMATCH, "this grant is to somebody else's key")
    info = grant_info(about.dossier, about.generation, about.grantee)
    seed = identity.decapsulation.unwrap(about.wrapped, info)
    if seed is None:
        raise StatementError(Refusal.MISMATCH, "this grant does not open; ask for another one")
    opened = Identity.from_seed(seed, Use.DOSSIER)
    if opened.public.kem != key.public_key:
        raise StatementError(Refusal.MISMATCH, "this grant carries another key than that of the dossier")
    return opened


def answer_enrolment(identity: Identity, wrapped: bytes, *, origin: str) -> bytes:
    """Return the signature that proves to ``origin`` that both private halves are here.

    Args:
        identity: who enrols.
        wrapped: the challenge as the service handed it out, 1713 bytes.
        origin: the service's name, as it was confirmed; an answer is worth nothing elsewhere.

    Raises:
        MalformedError: the challenge is not for this identity, or comes from elsewhere.
        WrongUseError: a dossier or recovery key; those do not enrol.
    """
    signing = identity.signing
    challenge = identity.decapsulation.unwrap(wrapped, challenge_info(identity.public, origin))
    if challenge is None:
        raise MalformedError("this challenge is not for this key, or comes from another service")
    return sign_enrolment(signing, identity.public, origin=origin, challenge=challenge)
