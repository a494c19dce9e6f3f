"""What the profile keeps about a container that was fetched or deposited: how ``open`` finds it again.

Looked for by the seal id, which nobody can choose. Nothing here is online.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.distrust import Distrusted
from client.profile import Profile
from vault.container.examine import Expectations, judge_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from client.dossiers import KnownDossier
    from client.profile import ServiceProfile
    from client.records import Proof
    from keys.keyring import Identity
    from keys.unwrapping import DecapsulationKey
    from vault.container.examine import Headed
    from vault.container.seal import SignedSeal


class Kept(NamedTuple):
    """A container that the profile knows.

    Attributes:
        proof: what was kept with it.
        dossier: the statements about its dossier, judged when asked for; None where nobody is trusted.
    """

    proof: Proof
    dossier: KnownDossier | None

    def check(self, examined: Headed) -> None:
        """Refuse an older list of accesses than one that was seen.

        Raises:
            ContainerError: envelope_stale.
        """
        expected = Expectations(generation=self.proof.generation, successors=followers)
        judge_envelope(examined.envelope, examined.seal, expected)

    def keys(self, identities: Sequence[Identity]) -> list[DecapsulationKey]:
        """Return the dossier's private keys that were granted to any of these identities.

        Raises:
            Distrusted: a grant that does not count.
        """
        if self.dossier is None:
            return []
        granted = [self.dossier.opened_by(identity) for identity in identities]
        return [key.decapsulation for keys in granted for key in keys.values()]


def find_kept(seal: SignedSeal) -> Kept | None:
    """Return what the profile keeps about a container, None if it was neither fetched nor deposited.

    Args:
        seal: its seal, verified.

    Raises:
        Distrusted: kept statements that do not verify.
        ClientError: a damaged profile.
    """
    found = Profile.default().find_proof(seal.seal_id)
    if found is None:
        return None
    service, proof = found
    return Kept(proof, known_dossier(service, proof.dossier))


def known_dossier(service: ServiceProfile, dossier: str) -> KnownDossier | None:
    """Return what the profile keeps about a dossier of a service, None where nobody is trusted there.

    Raises:
        Distrusted: kept statements that do not verify.
        ClientError: a damaged profile.
    """
    pin = service.pin
    if pin is None or pin.authority is None:
        return None
    from client.dossiers import KnownDossier  # noqa: PLC0415 - most containers were not fetched
    from client.trust import Anchor  # noqa: PLC0415 - as above

    return KnownDossier(Anchor(pin), service.dossier(dossier))


def followers(seal: SignedSeal) -> Mapping[bytes, bytes]:
    """Return who followed the writers that a verified seal lists, as far as the profile knows.

    Raises:
        Distrusted: what is kept of the service that has the container does not verify, or leads to nobody.
        ClientError: a damaged profile.
    """
    return {old: new for known in _knowing(seal) for old, new in known.followers(seal).items()}


def writers(seal: SignedSeal) -> frozenset[bytes]:
    """Return the ids of the keys that may write the next envelope for a seal, as far as the profile knows.

    Raises:
        Distrusted, ClientError: as `followers`.
    """
    listed = {seal.seal.signer_key_id, *seal.seal.writers}
    return frozenset(listed).union(*(known.writers(seal) for known in _knowing(seal)))


def present_recovery(seal: SignedSeal) -> bytes | None:
    """Return the public recovery key that the authority named by a template speaks of now.

    Args:
        seal: a template's, verified; the first of its writers is the authority.

    Raises:
        Distrusted: what is kept of a service that trusts this authority does not count.
    """
    from client.trust import Anchor  # noqa: PLC0415 - as in known_dossier

    for service in Profile.default().services():
        pin = service.pin
        if pin is not None and pin.authority is not None and seal.seal.writers:
            anchor = Anchor(pin)
            if seal.seal.writers[0] in anchor.authority_line:
                return anchor.recovery_key()
    return None


def _knowing(seal: SignedSeal) -> Iterator[KnownDossier]:
    """Yield what is known of a container's dossier: by the service that has it, else by any."""
    kept = find_kept(seal)
    if kept is not None:
        if kept.dossier is not None:
            yield kept.dossier
        return
    for service in Profile.default().services():
        try:
            known = known_dossier(service, seal.seal.dossier)
        except Distrusted:
            # Another service's quarrel.
            continue
        if known is not None:
            yield known


def recall(
    examined: Headed, identities: Callable[[], Sequence[Identity]]
) -> Callable[[], Sequence[DecapsulationKey]]:
    """Check a container against what was seen of it; return a function that gives the keys kept for it.

    Args:
        examined: the container.
        identities: whose grants are looked for; called only if the keys are needed.

    Raises:
        ContainerError: envelope_stale.
        Distrusted: kept statements that do not verify.
    """
    kept = find_kept(examined.seal)
    if kept is None:
        return list
    kept.check(examined)
    return lambda: kept.keys(identities())
