"""Whom a person trusts at a service, and what may be believed because of it.

Everything starts at the authority that was pinned. The service hands statements on and is believed in none:
each is judged here, at the time of the act that it backs. Light on purpose: ``open`` and ``receipt verify``
work offline.
"""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, NamedTuple

from client import distrust
from client.distrust import Distrusted, judging
from client.errors import N_, AccessProblem
from keys.errors import Refusal
from keys.statements import (
    CLOCK_TOLERANCE,
    Checkpoint,
    Habilitation,
    Receipt,
    RecoveryKey,
    Withdrawal,
    read_unjudged,
)
from keys.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from client.records import Pin
    from keys.keyfile import PublicIdentity
    from keys.kinds import S
    from keys.statements import Role, Signed
    from vault.container.examine import Examined


class Person(NamedTuple):
    """Somebody whom the authority habilitated, and as what."""

    identity: PublicIdentity
    habilitation: Habilitation


class Anchor:
    """What the authority of one pin vouches for.

    Attributes:
        trust: the judge, for what has no method here.
    """

    def __init__(self, pin: Pin, *, clock: Callable[[], float] = time.time) -> None:
        """Begin with what was pinned.

        Raises:
            AccessProblem: no authority is pinned, so nothing can be believed.
            Distrusted: a pinned statement does not verify.
        """
        if pin.authority is None:
            raise AccessProblem(
                N_("whom to trust at {url} is not known yet; sign in again with scelle login"), url=pin.url
            )
        self._pin = pin
        self._clock = clock
        known = (*pin.successions, *((pin.habilitation,) if pin.habilitation else ()))
        with judging(distrust.AUTHORITY):
            self.trust = Trust(pin.authority.signing, known)
            self.authority = self.trust.present(pin.authority, at=self.now())

    @property
    def authority_line(self) -> frozenset[bytes]:
        """Ids of the signing keys that are, or were, the authority's: the pinned one and who followed it."""
        assert self._pin.authority is not None
        first = self._pin.authority.signing_key_id
        return self.trust.successors(first, at=self.now()) | {first}

    def now(self) -> int:
        """Return UTC seconds by this machine's clock."""
        return int(self._clock())

    def knowing(self, statements: Iterable[Signed]) -> Trust:
        """Return the judge with more habilitations and withdrawals.

        Raises:
            Distrusted: one of them is forged.
        """
        with judging(distrust.HABILITATION):
            return self.trust.extended(statements)

    def server(self, *, skew: int = 0) -> PublicIdentity:
        """Return who signs for the service, by the authority's word on its key, or on one before it.

        Args:
            skew: seconds that are added to the time.

        Raises:
            Distrusted: there is no such word.
        """
        at = self.now() + skew
        with judging(distrust.SERVER):
            found = self.trust.habilitation(self._pin.server.signing, "server", at=at)
            return self.trust.present(found.statement.subject, at=at)

    def require_server(self) -> None:
        """Return only if the service's key is one that the authority stands by.

        One that takes over just now is taken a little before and after that: clocks differ.

        Raises:
            Distrusted: it is not.
        """
        refusals = []
        for skew in (0, -CLOCK_TOLERANCE, CLOCK_TOLERANCE):
            try:
                if self.server(skew=skew).encoded == self._pin.server.encoded:
                    return
            except Distrusted as refusal:
                refusals.append(refusal)
        raise refusals[0] if refusals else Distrusted(distrust.SERVER, Refusal.MISMATCH)

    def recovery_key(self) -> bytes:
        """Return the recovery key, 1665 bytes, by the authority's statement.

        Raises:
            Distrusted: there is none that counts.
        """
        with judging(distrust.RECOVERY):
            if self._pin.recovery is None:
                raise Distrusted(distrust.RECOVERY, Refusal.NOT_ENTITLED)
            return self.trust.verify(self._pin.recovery, RecoveryKey, at=self.now()).statement.public_key

    def receipt(self, signed: Signed) -> Receipt:
        """Return a receipt that the service signed, judged at the moment that it names.

        Raises:
            Distrusted: it was not signed by the service that the authority habilitated.
        """
        with judging(distrust.RECEIPT):
            at = read_unjudged(signed, Receipt).issued
            return self.trust.verify(signed, Receipt, at=at).statement

    def certificate(self, signed: Signed, kind: type[S]) -> S:
        """Return the statement of a certificate, judged at the moment that it names; raises as `receipt`."""
        with judging(distrust.CERTIFICATE):
            at = read_unjudged(signed, kind).issued
            return self.trust.verify(signed, kind, at=at).statement

    def checkpoint(self, signed: Signed) -> Checkpoint:
        """Return a checkpoint that the service signed; raises as `receipt` does."""
        with judging(distrust.CHECKPOINT):
            at = read_unjudged(signed, Checkpoint).issued
            checkpoint = self.trust.verify(signed, Checkpoint, at=at).statement
            if checkpoint.origin != self._pin.origin:
                raise Distrusted(distrust.CHECKPOINT, Refusal.MISMATCH)
            return checkpoint

    def person(
        self, identity: PublicIdentity, statements: Collection[Signed], *, roles: tuple[Role, ...]
    ) -> Person:
        """Return somebody with the habilitation that makes it somebody, valid now.

        Args:
            identity: whose keys are about to be believed.
            statements: the habilitation, the withdrawal if there is one, and how the keys that it names
                were handed over.
            roles: one of which it must have.

        Raises:
            Distrusted: there is no valid habilitation for these very keys.
        """
        known = [signed for signed in statements if signed.claimed_kind == "habilitation"]
        ended = _withdrawn_ids(statements)
        handed = [signed for signed in statements if signed.claimed_kind == "succession"]
        trust = self.knowing([signed for signed in known if signed.id not in ended] + handed)
        if known and all(signed.id in ended for signed in known):
            # Whether whoever withdrew it may is not asked: the service itself does not stand by it.
            raise Distrusted(distrust.HABILITATION, Refusal.WITHDRAWN)
        refusal = Distrusted(distrust.HABILITATION, Refusal.NOT_ENTITLED)
        for role in roles:
            try:
                with judging(distrust.HABILITATION):
                    found = trust.habilitation(identity.signing, role, at=self.now())
                    present = trust.present(found.statement.subject, at=self.now())
            except Distrusted as error:
                refusal = error if error.reason is not Refusal.NOT_ENTITLED else refusal
                continue
            if not hmac.compare_digest(present.encoded, identity.encoded):
                # The signing half alone would let a service put a KEM key of its own beside it.
                raise Distrusted(distrust.HABILITATION, Refusal.MISMATCH)
            return Person(identity, found.statement)
        raise refusal


def _withdrawn_ids(statements: Iterable[Signed]) -> set[bytes]:
    with judging(distrust.HABILITATION):
        return {
            read_unjudged(signed, Withdrawal).withdrawn
            for signed in statements
            if signed.claimed_kind == "withdrawal"
        }


def check_receipt(receipt: Receipt, examined: Examined) -> None:
    """Return only if a verified receipt is about this very container, byte for byte.

    Raises:
        Distrusted: it is about another, or another state of it.
    """
    seal = examined.seal.seal
    same = (
        receipt.seal_id == examined.seal.seal_id
        and receipt.dossier == seal.dossier
        and receipt.evidence_type == seal.evidence_type
        and receipt.supersedes == seal.supersedes
        and receipt.signer == seal.signer_key_id
        and receipt.envelope_digest == examined.envelope.digest
        and receipt.generation == examined.envelope.envelope.generation
        and receipt.size == examined.size
    )
    if not same:
        raise Distrusted(distrust.RECEIPT, Refusal.MISMATCH)
