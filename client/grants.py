"""Grants in files: a dossier's key, wrapped to somebody's own.

Whether the grant's issuer may grant is not judged here: that takes a pinned authority. Nor does it matter for
opening: a key that is not the dossier's opens nothing of the dossier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.errors import N_, AccessProblem, ClientError
from keys.errors import KeyMaterialError
from keys.grants import grant_info
from keys.keyfile import Use
from keys.keyring import Identity
from keys.kinds import Grant
from keys.statements import MAX_CARRIED, decode_signed, read_unjudged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.unwrapping import DecapsulationKey


def read_grant(path: str) -> Grant:
    """Return the grant in a file, its form and signature checked.

    Raises:
        ClientError: not a grant.
        OSError: it is not there or cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
        data = file.read(MAX_CARRIED + 1)
    try:
        return read_unjudged(decode_signed(data), Grant)
    except KeyMaterialError as error:
        raise ClientError(
            N_("{path}: this is not a grant, or it was damaged; fetch it again"), path=path
        ) from error


def open_grant_file(path: str, identities: Sequence[Identity]) -> DecapsulationKey:
    """Return the dossier key that the grant at ``path`` carries for one of ``identities``.

    Raises:
        AccessProblem: it is made for none of them, or does not open.
        ClientError: not a grant.
        OSError: it is not there or cannot be read.
    """
    grant = read_grant(path)
    for identity in identities:
        if identity.public.kem_key_id == grant.grantee:
            info = grant_info(grant.dossier, grant.generation, grant.grantee)
            seed = identity.decapsulation.unwrap(grant.wrapped, info)
            if seed is not None:
                return Identity.from_seed(seed, Use.DOSSIER).decapsulation
    raise AccessProblem(
        N_("{path}: this grant is made for another key; give yours with --identity, or ask for a grant"),
        path=path,
    )
