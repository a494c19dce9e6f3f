"""What is known of one dossier: its keys, who was mandated, and what opens it. Statements in, verdicts out.

Light on purpose: ``open`` asks here what the profile keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import distrust
from client.distrust import Distrusted, judging
from keys.derivation import key_id
from keys.errors import Refusal
from keys.holder import open_grant
from keys.statements import DossierKey, Grant, Mandate, read_unjudged
from keys.writers import followers, present_writers
from vault.container.outcomes import ContainerError, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from client.records import Dossier
    from client.trust import Anchor
    from keys.keyfile import PublicIdentity
    from keys.keyring import Identity
    from keys.statements import Signed
    from keys.trust import Verified
    from vault.container.examine import Headed
    from vault.container.seal import SignedSeal


class KnownDossier:
    """The statements about a dossier, judged when they are asked for, at the time that matters."""

    def __init__(self, anchor: Anchor, kept: Dossier) -> None:
        """Read them.

        Raises:
            Distrusted: one is forged, or is another dossier's.
        """
        self._anchor = anchor
        self._kept = kept
        self._trust = anchor.knowing(kept.issuers)
        self._keys: dict[int, Signed] = {}
        self._issued: dict[int, int] = {}
        for signed in kept.keys:
            with judging(distrust.DOSSIER_KEY):
                statement = read_unjudged(signed, DossierKey)
            self._require_own(statement.dossier, distrust.DOSSIER_KEY)
            # The first that was ever seen stays: see `opener`.
            self._keys.setdefault(statement.generation, signed)
            self._issued.setdefault(statement.generation, statement.issued)

    @property
    def generations(self) -> list[int]:
        """The generations that there is a statement about, the oldest first."""
        return sorted(self._keys)

    def opener(self, *, at: int | None = None) -> bytes | None:
        """Return the signing key of whoever opened the dossier, None if that is nobody who may.

        Which portal a dossier belongs to stands in no other statement than the first key's. The first one
        that was ever seen is kept in the profile, and stays: a service that comes with another has no effect.
        """
        if 1 not in self._keys:
            return None
        try:
            with judging(distrust.DOSSIER_KEY):
                return self._trust.verify_opening(self._keys[1], at=self._time(at)).statement.issuer
        except Distrusted:
            return None

    def current_key(self) -> DossierKey:
        """Return the key that containers are sealed to now.

        Raises:
            Distrusted: the newest one does not count, or there is none.
        """
        if not self._keys:
            raise Distrusted(distrust.DOSSIER_KEY, Refusal.MISMATCH)
        return self.key(max(self._keys)).statement

    def key(self, generation: int, *, at: int | None = None) -> Verified[DossierKey]:
        """Return the key of a generation, in one chain with the one before it.

        Raises:
            Distrusted: it does not count at that time.
        """
        with judging(distrust.DOSSIER_KEY):
            if generation not in self._keys:
                raise Distrusted(distrust.DOSSIER_KEY, Refusal.MISMATCH)
            found = self._judge_key(generation, self._time(at))
            before = self._keys.get(generation - 1)
            if before is not None:
                previous = read_unjudged(before, DossierKey)
                if found.statement.previous != key_id(previous.public_key):
                    raise Distrusted(distrust.DOSSIER_KEY, Refusal.MISMATCH)
            return found

    def _judge_key(self, generation: int, at: int) -> Verified[DossierKey]:
        signed = self._keys[generation]
        if generation == 1:
            return self._trust.verify_opening(signed, at=at)
        return self._trust.verify(signed, DossierKey, at=at, opener=self.opener(at=at))

    def require_keys(self) -> None:
        """Return only if every key was said by somebody who might, when it was said: what is worth keeping.

        Raises:
            Distrusted: one was not.
        """
        for generation in self._keys:
            self.key(generation, at=self._issued[generation])

    def signers(self, *, at: int) -> frozenset[bytes]:
        """Return the key ids that held a mandate at that time; a successor only in its turn."""
        found: set[bytes] = set()
        opener = self.opener(at=at)
        for signed in self._kept.mandates:
            try:
                with judging(distrust.MANDATE):
                    mandate = self._trust.verify(signed, Mandate, at=at, opener=opener).statement
            except Distrusted:
                continue
            if mandate.dossier == self._kept.dossier:
                found |= self._trust.mandated(mandate.signer, at=at)
        return frozenset(found)

    def successors(self, key: bytes) -> frozenset[bytes]:
        """Return the ids of the signing keys that have followed the one with id ``key`` by now."""
        return self._trust.successors(key, at=self._anchor.now())

    def followers(self, seal: SignedSeal) -> dict[bytes, bytes]:
        """Return who followed the writers that a seal lists: new signing key id by old one."""
        return followers(self._trust, seal.seal.writers, at=self._anchor.now())

    def writers(self, seal: SignedSeal) -> frozenset[bytes]:
        """Return the ids of the keys that may write the next envelope for a seal."""
        said = seal.seal
        present = present_writers(self._trust, said.writers, at=self._anchor.now())
        return present | {said.signer_key_id, *said.writers}

    def writer_stays(self, listed: bytes, staying: Collection[bytes]) -> bool:
        """Tell whether a listed writer, or who followed it, is among ``staying`` (signing key ids)."""
        present = present_writers(self._trust, [listed], at=self._anchor.now())
        return listed in staying or not present.isdisjoint(staying)

    def require_signer(self, examined: Headed, *, at: int) -> None:
        """Return only if the container's signer had a mandate at that time.

        Raises:
            ContainerError: unknown_signer.
        """
        if examined.seal.seal.signer_key_id not in self.signers(at=at):
            raise ContainerError(Outcome.UNKNOWN_SIGNER, "the signer had no mandate for this dossier")

    def granted(self, signed: Signed) -> Grant:
        """Return a grant of this dossier that somebody signed who may.

        Raises:
            Distrusted: it does not count.
        """
        with judging(distrust.GRANT):
            claimed = read_unjudged(signed, Grant)
            self._require_own(claimed.dossier, distrust.GRANT)
            return self._trust.verify(
                signed, Grant, at=self._anchor.now(), opener=self.opener(at=claimed.issued)
            ).statement

    def is_grantee(self, grant: Grant, identity: PublicIdentity) -> bool:
        """Tell whether a grant was made to an identity, or to one whose place that has now."""
        return self._trust.stands_for(grant.grantee, identity)

    def opened_by(self, identity: Identity) -> dict[int, Identity]:
        """Return the dossier's private keys that were granted to ``identity``, by generation.

        Each is the private half of the key that the dossier-key statement names.

        Raises:
            Distrusted: a grant to this identity is not signed by whom it should be, or does not hold the key.
        """
        found = {}
        for signed in self._kept.grants:
            with judging(distrust.GRANT):
                claimed = read_unjudged(signed, Grant)
                if claimed.grantee != identity.public.kem_key_id:
                    continue
                self._require_own(claimed.dossier, distrust.GRANT)
                # The dossier's key counted when the grant was made; it still opens what was sealed to it.
                key = self.key(claimed.generation, at=claimed.issued)
                if claimed.issuer == identity.public.signing:
                    # Wrapped anew, or to oneself: what counts is that it carries the dossier's key.
                    grant = self._trust.verify_own(signed, claimed.issuer, at=self._anchor.now())
                else:
                    grant = self._trust.verify(
                        signed, Grant, at=self._anchor.now(), opener=self.opener(at=claimed.issued)
                    )
                found[claimed.generation] = open_grant(grant, key, identity)
        return found

    def _require_own(self, dossier: str, what: distrust.Term) -> None:
        if dossier != self._kept.dossier:
            raise Distrusted(what, Refusal.MISMATCH)

    def _time(self, at: int | None) -> int:
        return self._anchor.now() if at is None else at
