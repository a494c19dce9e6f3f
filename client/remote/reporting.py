"""Telling the service that a container opened, or what stood in the way: the reviewer's signed word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.remote.carriage import to_model
from keys.statements import Opening, momentary, sign_statement
from vault.api.models.evidence import OpeningRequest

if TYPE_CHECKING:
    from client.records import Proof
    from client.remote.service import Service
    from keys.keyring import Identity
    from keys.statements import OpeningOutcome
    from vault.api.models.evidence import Opening as Stored


async def report_opening(
    service: Service, proof: Proof, reviewer: Identity, outcome: OpeningOutcome, *, now: int
) -> Stored:
    """Record that a container opened, or complain that it did not.

    Args:
        service: signed in as the reviewer.
        proof: what was kept when the container was fetched.
        reviewer: whose word it is.
        outcome: "opened", or one of the eleven outcomes.
        now: UTC seconds.
    """
    statement = Opening(
        issuer=reviewer.signing.public_key, **momentary(now), seal_id=proof.seal_id, outcome=outcome
    )
    signed = sign_statement(statement, reviewer.signing)
    return await service.record_opening(
        proof.evidence, proof.number, OpeningRequest(statement=to_model(signed))
    )
