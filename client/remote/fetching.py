"""Fetching a proof as its reviewer or depositor: what opens it, the container, the receipt.

All of it is judged before it is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client import distrust
from client.distrust import Distrusted
from client.errors import N_, NotFoundProblem
from client.lineage import Ancestor, Lineage, order, read_ancestor, require_origin
from client.records import Proof
from client.refusals import refusing
from client.remote.carriage import from_model, from_models, read_stored
from client.remote.downloading import download
from client.remote.granting import fetch_grants, fetch_keys, keep_judged
from client.remote.problems import NothingThere, SignInRefused
from client.trust import check_receipt
from keys.errors import Refusal
from vault.container.examine import Expectations

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.profile import ServiceProfile
    from client.remote.leftovers import Start
    from client.remote.service import Service
    from client.trust import Anchor
    from keys.statements import Receipt
    from vault.api.models.evidence import Evidence, Version
    from vault.api.models.evidence import Receipt as ReceiptAnswer
    from vault.container.examine import Examined

    Advance = Callable[[int], None]
    Started = Callable[[Start, int], None]


class Fetched(NamedTuple):
    """A container that was fetched, verified and kept.

    Attributes:
        version: what the service says of it.
        examined: what it is.
        receipt: verified, and about this very container; None where one may not have it.
        origin: of a re-encrypted container, the deposit that it goes back to, judged as reviewers do it.
    """

    version: Version
    examined: Examined
    receipt: Receipt | None
    origin: Ancestor | None = None


def choose_version(proof: Evidence, number: int | None) -> Version:
    """Return the version with this number, or the newest.

    Raises:
        NotFoundProblem: there is no such version.
    """
    for version in reversed(proof.versions):
        if number is None or version.number == number:
            return version
    raise NotFoundProblem(N_("this proof has no version {number}"), number=number)


async def fetch(
    service: Service,
    anchor: Anchor,
    known: ServiceProfile,
    version: Version,
    path: str,
    *,
    reviewing: bool,
    force: bool = False,
    resume: bool = False,
    started: Started = lambda _start, _size: None,
    advance: Advance = lambda _count: None,
) -> Fetched:
    """Fetch one version into ``path``, with all that is needed to open it later, offline.

    Args:
        service: signed in.
        anchor: whom to trust.
        known: the profile, which keeps statements, receipt and the generation seen.
        version: which one.
        path: where it goes.
        reviewing: whether one opens it by a grant on the dossier; else one sealed it.
        force: whether a file of that name may be replaced.
        resume: whether to go on with what an earlier process left.
        started: where it is to go on, called once with what was found and how many bytes of it are good.
        advance: called with the number of bytes that came since the last call; below 0 where it begins again.

    Raises:
        RefusedContainer: what came is not whole, is another dossier's, is older than what was seen, or was
            sealed by nobody who had a mandate.
        Distrusted: what the service handed on does not count, or is about something else.
        ServiceProblem, TransportProblem: it did not come.
    """
    dossier = version.dossier
    statements = await (fetch_grants if reviewing else fetch_keys)(service, dossier)
    judged = keep_judged(known, anchor, statements)
    answer = await _fetch_receipt(service, version)
    signed = from_model(answer.receipt) if answer else None
    receipt = anchor.receipt(signed) if signed else None
    lineage = _read_lineage(anchor, answer, path) if answer else Lineage()
    origin: Ancestor | None = None
    before = known.proof(bytes.fromhex(version.seal_id))
    seen = before.generation if before else 0
    at = receipt.issued if receipt else None

    def check(examined: Examined) -> None:
        nonlocal origin
        if examined.seal.seal_id.hex() != version.seal_id:
            raise Distrusted(distrust.CONTAINER, Refusal.MISMATCH)
        if receipt is not None and receipt.generation == examined.envelope.envelope.generation:
            check_receipt(receipt, examined)
        if reviewing:
            # Without a receipt the seal's own time is all there is.
            with refusing(path):
                seal = examined.seal.seal
                origin = require_origin(
                    anchor, judged, seal, lineage, at=seal.sealed_at if at is None else at
                )

    examined = await download(
        service,
        version.evidence,
        version.number,
        path,
        expected=Expectations(
            dossier=dossier, generation=max(seen, version.generation), successors=judged.followers
        ),
        check=check,
        force=force,
        resume=resume,
        started=started,
        advance=advance,
    )
    known.keep_proof(
        Proof(
            examined.seal.seal_id,
            version.evidence,
            version.number,
            dossier,
            examined.envelope.envelope.generation,
            signed,
        )
    )
    return Fetched(version, examined, receipt, origin)


async def _fetch_receipt(service: Service, version: Version) -> ReceiptAnswer | None:
    """Return the receipt, None for those who may not have it."""
    try:
        return await service.get_receipt(version.evidence, version.number)
    except (SignInRefused, NothingThere):
        return None


def _read_lineage(anchor: Anchor, answer: ReceiptAnswer, path: str) -> Lineage:
    """Judge what a service says that a version was before.

    Raises:
        RefusedContainer, Distrusted: it is nothing of that kind.
    """
    with refusing(path):
        found = [
            read_ancestor(anchor, read_stored(one.seal, "receipt"), from_model(one.receipt))
            for one in answer.originals
        ]
    return Lineage(order(found), from_models(answer.issuers))
