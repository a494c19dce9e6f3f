"""Giving a stored template another password: a new envelope; the key in it and the link stay.

The service takes the envelope first. Until the caller has written the file on disk, that opens with the
password of before, so that whoever is killed in between types the same command again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, ConflictProblem
from client.exchange.containers import ContainerFile
from client.refusals import refusing
from client.remote.owning import find_template
from client.remote.problems import NothingThere, StateConflict
from client.remote.uploading import upload_bytes
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock_all

if TYPE_CHECKING:
    from client.remote.service import Service
    from keys.keyring import Identity
    from vault.api.models.dossiers import Template
    from vault.container.examine import Examined
    from vault.container.unlocking import Unlocked

_ATTEMPTS: Final = 5


class Relocked(NamedTuple):
    """A template that opens with another password.

    Attributes:
        container: what belongs on disk from now on.
        template: what the service stores; None where the template was withdrawn there.
    """

    container: bytes
    template: Template | None


async def relock(
    service: Service, path: str, line: tuple[Identity, ...], *, access: PasswordAccess, password: str
) -> Relocked:
    """Write a template's envelope anew at the service, with ``password`` in the place of the one before.

    Accesses of others that are in the file stay; an envelope that the service has instead is not looked at.

    Args:
        service: signed in as the template's depositor.
        path: the template.
        line: the depositor, then those in whose place it stands.
        access: the user name and the present password.
        password: the new one.

    Raises:
        RefusedContainer: it does not open.
        ConflictProblem: the service has another template in its place.
        ServiceProblem, TransportProblem: the service refuses or does not answer.
    """
    with ContainerFile.open(path) as file:
        examined = file.examine()
        body = file.read_at(examined.preamble.payload_offset, file.size)
        with refusing(path):
            opened = await asyncio.to_thread(unlock_all, examined, access)
    keys = {each.public.signing_key_id.hex() for each in line}
    refusal: StateConflict | None = None
    for _attempt in range(_ATTEMPTS):
        stored = await find_template(service, examined.seal.seal.dossier, keys)
        if stored is not None and stored.seal_id != examined.seal.seal_id.hex():
            raise ConflictProblem(
                N_("{path}: the service has another template in its place; fetch that one by its link"),
                path=path,
            )
        generation = stored.generation if stored else examined.envelope.envelope.generation
        head = await asyncio.to_thread(
            _next_head, _at(examined, generation), line, opened, access.username, password
        )
        if stored is None:
            return Relocked(head + body, None)
        try:
            stored = await service.rewrite_template(
                stored.dossier, stored.id, upload_bytes(head), if_match=str(generation)
            )
        except NothingThere:
            stored = None
        except StateConflict as problem:
            # Written at the same time from another copy, or twice because an answer was lost.
            refusal = problem
            continue
        return Relocked(head + body, stored)
    assert refusal is not None
    raise refusal


def _at(examined: Examined, generation: int) -> Examined:
    """Return the template as if its envelope were of another generation: the one that is replaced."""
    envelope = examined.envelope.envelope._replace(generation=generation)
    return examined._replace(envelope=examined.envelope._replace(envelope=envelope))


def _next_head(
    examined: Examined, line: tuple[Identity, ...], opened: tuple[Unlocked, ...], username: str, password: str
) -> bytes:
    envelope = rewrap(
        examined,
        opened[0],
        line[0].signing,
        remove=[slot.slot_id for slot in opened],
        passwords=[PasswordAccess(username, password, identity=slot.identity) for slot in opened],
        cost=examined.envelope.envelope.kdf.cost,
    )
    return replace_envelope(examined, envelope)
