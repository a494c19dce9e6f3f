"""Giving deposited proofs the password and key that their editor has now, and taking the old ones away."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, AccessProblem
from client.policies import require_passwords
from client.remote.accesses import EnvelopeWriter, Stored, dossier_slots, fetch_stored
from client.remote.granting import fetch_keys, keep_judged
from client.remote.pages import every
from vault.api.models.evidence import EvidenceQuery, State
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError, Outcome
from vault.container.rewrap import rewrap
from vault.container.unlocking import Unlocked, unlock, unlock_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from client.profile import ServiceProfile
    from client.remote.service import Service
    from client.trust import Anchor
    from keys.keyring import Identity
    from keys.signing import SigningKey
    from keys.statements import DossierKey
    from vault.api.models.base import Page
    from vault.api.models.evidence import Version
    from vault.container.envelope import SignedEnvelope
    from vault.container.examine import Headed
    from vault.container.slots import PasswordAccess

    Advance = Callable[[int], None]


class Holder(NamedTuple):
    """Whose proofs they are.

    Attributes:
        line: the editor's key, then those in whose place it stands.
        access: the user name and password that are to open them; None: no password is.
    """

    line: Sequence[Identity]
    access: PasswordAccess | None

    @property
    def former(self) -> set[bytes]:
        """Key ids of the KEM keys that are to open nothing any more."""
        return {each.public.kem_key_id for each in self.line[1:]}


class Tally(NamedTuple):
    """How many versions there are, and what became of them.

    Attributes:
        changed: or to be changed, where nothing is written.
        envelope_bytes: of the envelopes of those.
        others: password accesses among those that were somebody else's, or of another time.
        closed: names of those that neither key nor password opens.
    """

    versions: int = 0
    changed: int = 0
    envelope_bytes: int = 0
    others: int = 0
    closed: tuple[str, ...] = ()


async def own_versions(service: Service, dossier: str) -> list[Version]:
    """Return all versions that one sealed, or whoever one follows, active and archived, the newest first."""

    async def page(query: EvidenceQuery) -> Page[Version]:
        return await service.list_evidence(dossier, query)

    found: dict[str, Version] = {}
    # A version that is archived between the two lists stands in both.
    for state in State:
        async for version in every(page, EvidenceQuery(state=state)):
            found[version.seal_id] = version
    return list(found.values())


class Repassing:
    """Brings the envelopes of one dossier to the password and key of their editor.

    Args:
        service: signed in as the editor.
        known: the profile.
        anchor: whom to trust.
        dossier: its id.
        holder: the editor.
    """

    def __init__(
        self, service: Service, known: ServiceProfile, anchor: Anchor, dossier: str, holder: Holder
    ) -> None:
        self._service = service
        self._known = known
        self._anchor = anchor
        self._dossier = dossier
        self._holder = holder
        self._key: DossierKey | None = None

    async def run(
        self,
        versions: Sequence[Version],
        *,
        dry: bool = False,
        advance: Advance = lambda _count: None,
    ) -> Tally:
        """Go through all of them; what is as it should be is left alone, so that a second run goes on.

        Args:
            versions: which.
            dry: find out what there is to do, and write nothing.
            advance: called with 1 for each version that is done.

        Raises:
            RefusedContainer: one is not what was sealed.
            ServiceProblem, TransportProblem: the service refuses or does not answer; run it again.
        """
        await self._renew()
        rewriter = EnvelopeWriter(self._service, self._known, self._renew)
        tally = Tally(len(versions))
        async for stored in self._fetched(versions):
            try:
                made = _Made(self)
                if dry:
                    made(stored.outline)
                else:
                    await rewriter.write(stored, made)
            except AccessProblem:
                name = f"{stored.version.evidence} {stored.version.number}"
                tally = tally._replace(closed=(*tally.closed, name))
            else:
                if made.touched:
                    tally = tally._replace(
                        changed=tally.changed + 1,
                        envelope_bytes=tally.envelope_bytes + made.size,
                        others=tally.others + made.others,
                    )
            advance(1)
        return tally

    async def _fetched(self, versions: Sequence[Version]) -> AsyncIterator[Stored]:
        for version in versions:
            yield await fetch_stored(self._service, self._known, version)

    async def _renew(self) -> None:
        fetched = await fetch_keys(self._service, self._dossier)
        self._key = keep_judged(self._known, self._anchor, fetched).current_key()
        if self._holder.access is not None:
            require_passwords(fetched.passwords)

    @property
    def holder(self) -> Holder:
        """The editor."""
        return self._holder

    @property
    def key(self) -> DossierKey:
        """The dossier's current key."""
        assert self._key is not None
        return self._key


class _Made:
    """Makes the next envelope of one version, as often as somebody else writes it meanwhile."""

    def __init__(self, repassing: Repassing) -> None:
        self._repassing = repassing
        self.touched, self.size, self.others = False, 0, 0

    def __call__(self, examined: Headed) -> SignedEnvelope | None:
        holder, envelope = self._repassing.holder, examined.envelope.envelope
        opening = _opening(examined, holder.access) if holder.access else ()
        good = {opening[0].slot_id} if opening else set()
        gone = [slot.id for slot in envelope.password_slots if slot.id not in good]
        readers = [
            slot.id
            for slot in envelope.recipient_slots
            if slot.role == "reader" and slot.key in holder.former
        ]
        if not gone and not readers:
            return None
        unlocked = opening[0] if opening else _unlocked(examined, holder.line)
        outdated, recipients = dossier_slots(examined, self._repassing.key)
        own = holder.line[0].public
        if readers and own.kem_key_id not in {slot.key for slot in envelope.recipient_slots}:
            recipients.append(CarriedRecipient("reader", 0, own.kem))
        made = rewrap(
            examined,
            unlocked,
            _writer(examined, holder.line),
            remove=[*gone, *readers, *outdated],
            passwords=[holder.access] if holder.access and gone and not opening else [],
            recipients=recipients,
            cost=envelope.kdf.cost,
        )
        self.touched, self.size = True, len(made.encode())
        self.others = max(len(gone) - (0 if opening else 1), 0)
        return made


def _opening(examined: Headed, access: PasswordAccess) -> tuple[Unlocked, ...]:
    try:
        return unlock_all(examined, access)
    except ContainerError as error:
        if error.outcome is not Outcome.NO_ACCESS:
            raise
        return ()


def _unlocked(examined: Headed, line: Sequence[Identity]) -> Unlocked:
    for identity in line:
        try:
            return unlock(examined, identity.decapsulation)
        except ContainerError as error:
            if error.outcome is not Outcome.NO_ACCESS:
                raise
    raise AccessProblem(N_("neither your key nor this password opens it"))


def _writer(examined: Headed, line: Sequence[Identity]) -> SigningKey:
    seal = examined.seal.seal
    for identity in line:
        if identity.public.signing_key_id in {seal.signer_key_id, *seal.writers}:
            return identity.signing
    raise AccessProblem(N_("neither your key nor one before it may change who opens it"))
