"""``scelle access`` on what is deposited: one version of a proof, changed at the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.cli.online.connection import known_service, signed_in, wait_for
from client.cli.online.passwords import check_proof, entered
from client.cli.online.trusting import kept_anchor
from client.errors import N_, AccessProblem, UsageProblem
from client.kept import writers
from client.refusals import refusing
from client.remote.accesses import EnvelopeWriter, dossier_slots, fetch_stored
from client.remote.fetching import choose_version
from client.remote.granting import fetch_keys, keep_judged
from keys.derivation import key_id
from vault.container.rewrap import rewrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.cli.options import GivenProof
    from client.cli.who import Who
    from client.remote.accesses import Stored
    from client.remote.service import Service
    from keys.signing import SigningKey
    from keys.statements import DossierKey
    from vault.api.models.evidence import Version
    from vault.container.envelope import Envelope, SignedEnvelope
    from vault.container.examine import Headed
    from vault.container.manifest import CarriedRecipient
    from vault.container.slots import PasswordAccess
    from vault.container.unlocking import Unlocked


def envelope_of(given: GivenProof) -> Envelope:
    """Return the accesses of a version, by the session of ``scelle login``."""

    async def fetch() -> Envelope:
        async with signed_in(known_service(given.server)) as connection:
            version = await _find(connection.service, given)
            stored = await fetch_stored(connection.service, connection.known, version)
            return stored.outline.envelope.envelope

    return wait_for(fetch())


class DepositedContainer:
    """A version that somebody can open, whose accesses are about to be changed.

    Attributes:
        examined: preamble, envelope and seal.
        unlocked: its key.
    """

    def __init__(self, given: GivenProof, who: Who) -> None:
        """Sign in, fetch and unlock it.

        Raises:
            UsageProblem: nobody was named who could have sealed it.
            RefusedContainer: it does not open, or is not what was sealed.
        """
        if not who.template and not who.has_identity:
            raise UsageProblem(
                N_("deposited proofs are changed by who sealed them; add --template FILE or --identity FILE")
            )
        self._known = known_service(given.server)
        self._who = who
        self._stored = wait_for(self._fetch(given))
        self.examined: Headed = self._stored.outline
        with refusing(self._stored.version.evidence):
            self.unlocked: Unlocked = who.access(password_first=True).unlock(self.examined)

    def change(
        self,
        *,
        quiet: bool,  # noqa: ARG002 - kilobytes move: there is no progress to show
        remove: Sequence[bytes] = (),
        passwords: Sequence[PasswordAccess] = (),
        recipients: Sequence[CarriedRecipient] = (),
    ) -> SignedEnvelope:
        """Write the next envelope at the service, and return it.

        Raises:
            AccessProblem: this key may not.
            UsageProblem: the dossier itself would lose its access.
            ServiceProblem, TransportProblem: the service refuses or does not answer.
        """
        for slot in self.examined.envelope.envelope.recipient_slots:
            if slot.role == "dossier" and slot.id in remove:
                raise UsageProblem(
                    N_("the dossier's own access stays: the service takes no proof without it")
                )
        seal = self.examined.seal
        signer = self._who.signer(self.unlocked, seal)
        if key_id(signer.public_key) not in writers(seal):
            raise AccessProblem(
                N_("{proof}: this key may not change who opens it; only its signer and listed keys may"),
                proof=self._stored.version.evidence,
            )
        return wait_for(self._write(_Next(self.unlocked, signer, remove, passwords, recipients)))

    async def _fetch(self, given: GivenProof) -> Stored:
        async with entered(self._known, self._who) as (connection, _line):
            version = await _find(connection.service, given)
            fetched = await fetch_keys(connection.service, version.dossier)
            keep_judged(self._known, kept_anchor(self._known), fetched)
            return await fetch_stored(connection.service, self._known, version)

    async def _write(self, following: _Next) -> SignedEnvelope:
        async with entered(self._known, self._who) as (connection, _line):
            anchor, dossier = kept_anchor(self._known), self._stored.version.dossier

            async def renew() -> None:
                fetched = await fetch_keys(connection.service, dossier)
                following.key = keep_judged(self._known, anchor, fetched).current_key()

            await renew()
            writer = EnvelopeWriter(connection.service, self._known, renew)
            await writer.write(self._stored, following)
            return following.made or self.examined.envelope


@dataclass
class _Next:
    """Makes the next envelope, also after one that somebody else wrote meanwhile.

    Attributes:
        key: the dossier's current key.
        made: the envelope, once there is one.
    """

    unlocked: Unlocked
    signer: SigningKey
    remove: Sequence[bytes]
    passwords: Sequence[PasswordAccess]
    recipients: Sequence[CarriedRecipient]
    key: DossierKey | None = None
    made: SignedEnvelope | None = None

    def __call__(self, examined: Headed) -> SignedEnvelope | None:
        assert self.key is not None
        envelope = examined.envelope.envelope
        # Somebody else may have removed some of them already.
        gone = {slot.id for slot in envelope.slots} & set(self.remove)
        if not gone and not self.passwords and not self.recipients:
            return None
        outdated, current = dossier_slots(examined, self.key)
        self.made = rewrap(
            examined,
            self.unlocked,
            self.signer,
            remove=sorted({*gone, *outdated}),
            passwords=self.passwords,
            recipients=[*self.recipients, *current],
            cost=envelope.kdf.cost,
            successors=[key_id(self.signer.public_key)],
        )
        return self.made


async def _find(service: Service, given: GivenProof) -> Version:
    assert given.proof is not None
    return choose_version(await service.get_evidence(check_proof(given.proof)), given.number)
