"""Sending a container in one request, and sending the same again after a broken line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.remote.problems import StateConflict
from client.remote.uploading import upload_file
from vault.api.problems import Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.exchange.containers import ContainerFile
    from client.remote.service import Service
    from vault.api.models.base import SignedStatement
    from vault.api.models.evidence import Version
    from vault.container.examine import Examined

    Advance = Callable[[int], None]


class Delivery(NamedTuple):
    """A container that is to be deposited.

    Attributes:
        file: it, open until the delivery is over.
        examined: what it is.
        replaces: id of the proof whose active version it supersedes, or None.
        reencrypts: number of that proof's version whose place it takes instead, or None.
        acting_for: key id, in hexadecimal, of the editor that a portal acts for.
        advance: called with the number of bytes sent since the last call; below 0 where some are sent again.
    """

    file: ContainerFile
    examined: Examined
    replaces: str | None
    acting_for: str | None
    advance: Advance
    reencrypts: int | None = None


class Delivered(NamedTuple):
    """What the service says of it; nothing of it is judged yet."""

    version: Version
    receipt: SignedStatement


async def send_whole(service: Service, delivery: Delivery) -> Delivered:
    """Deposit a container in one request.

    Raises:
        ServiceProblem, TransportProblem: it is not known to be kept.
    """
    seal, upload = delivery.examined.seal.seal, upload_file(delivery.file, delivery.advance)
    try:
        if delivery.replaces is None:
            answer = await service.deposit(
                seal.dossier,
                upload,
                # The same container again is the same request again, even from another process.
                idempotency_key=delivery.examined.envelope.digest.hex(),
                acting_for=delivery.acting_for,
            )
        elif delivery.reencrypts is not None:
            answer = await service.reencrypt(
                delivery.replaces,
                delivery.reencrypts,
                upload,
                idempotency_key=delivery.examined.envelope.digest.hex(),
            )
        else:
            answer = await service.replace_evidence(
                delivery.replaces, upload, if_match=seal.supersedes.hex(), acting_for=delivery.acting_for
            )
        return Delivered(answer.version, answer.receipt)
    except StateConflict as refused:
        if not refused.repeated or refused.code not in {Code.ALREADY_DEPOSITED, Code.PRECONDITION_FAILED}:
            raise
        # The attempt that broke off may have been the one that was kept.
        found = await find_delivered(service, delivery)
        if found is None:
            raise
        return found


async def find_delivered(service: Service, delivery: Delivery) -> Delivered | None:
    """Return what the proof that is replaced says of this very container, None if it does not know it."""
    if delivery.replaces is None:
        return None
    proof = await service.get_evidence(delivery.replaces, acting_for=delivery.acting_for)
    for version in proof.versions:
        if version.seal_id == delivery.examined.seal.seal_id.hex():
            return Delivered(version, (await service.get_receipt(proof.id, version.number)).receipt)
    return None
