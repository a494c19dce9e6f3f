"""What the profile keeps about a container that was fetched or deposited: how ``open`` finds it again.

Looked for by the seal id, which nobody can choose. Nothing here is online.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.profile import Profile
from vault.container.examine import Expectations, judge_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client.dossiers import KnownDossier
    from client.records import Proof
    from keys.keyring import Identity
    from keys.unwrapping import DecapsulationKey
    from vault.container.examine import Headed


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
        judge_envelope(examined.envelope, examined.seal, Expectations(generation=self.proof.generation))

    def keys(self, identities: Sequence[Identity]) -> list[DecapsulationKey]:
        """Return the dossier's private keys that were granted to any of these identities.

        Raises:
            Distrusted: a grant that does not count.
        """
        if self.dossier is None:
            return []
        granted = [self.dossier.opened_by(identity) for identity in identities]
        return [key.decapsulation for keys in granted for key in keys.values()]


def find_kept(examined: Headed) -> Kept | None:
    """Return what the profile keeps about a container, None if it was neither fetched nor deposited.

    Raises:
        Distrusted: kept statements that do not verify.
        ClientError: a damaged profile.
    """
    found = Profile.default().find_proof(examined.seal.seal_id)
    if found is None:
        return None
    service, proof = found
    pin = service.pin
    if pin is None or pin.authority is None:
        return Kept(proof, None)
    from client.dossiers import KnownDossier  # noqa: PLC0415 - most containers were not fetched
    from client.trust import Anchor  # noqa: PLC0415 - as above

    return Kept(proof, KnownDossier(Anchor(pin), service.dossier(proof.dossier)))


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
    kept = find_kept(examined)
    if kept is None:
        return list
    kept.check(examined)
    return lambda: kept.keys(identities())
