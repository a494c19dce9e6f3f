"""Gathering the facts that policy judges by: about a token, a dossier, and what belongs to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vault.server.policy import Facts, Principal, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vault.server.ports import Clock, Records
    from vault.server.services.acts import View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows


class Gathered(NamedTuple):
    """Facts, and the size limit of the organisation that they are about."""

    facts: Facts
    max_container_bytes: int = 0


class _Place(NamedTuple):
    dossier_id: str
    signers: frozenset[bytes]


class FactGathering:
    """Looks up what a path names; None where there is no such thing."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs

    async def gather(self, subject: Subject, path: Mapping[str, str], who: Principal) -> Gathered | None:
        """Return the facts about what ``path`` names, as they concern ``who``."""
        async with self._records.read() as view:
            return await self.within(view, subject, path, who)

    async def within(
        self, view: View, subject: Subject, path: Mapping[str, str], who: Principal
    ) -> Gathered | None:
        """Do the same in a transaction that is open, so that what follows in it rests on the same facts."""
        if subject is Subject.TOKEN:
            token = await view.tokens.get(path["token"])
            return Gathered(Facts(owner=token.account_id)) if token else None
        found = await self._place(view, subject, path)
        return await self._dossier(view, found.dossier_id, who, found.signers) if found else None

    async def _place(self, view: View, subject: Subject, path: Mapping[str, str]) -> _Place | None:
        """Return the dossier that something belongs to, and which keys sealed it."""
        match subject:
            case Subject.DOSSIER:
                return _Place(path["dossier"], frozenset())
            case Subject.EVIDENCE:
                proof = await view.evidence.proof(path["evidence"])
                versions = await view.evidence.versions(proof.id) if proof else ()
                signers = frozenset(version.signer for version in versions)
                return _Place(proof.dossier_id, signers) if proof else None
            case Subject.VERSION:
                return _place_of(await view.evidence.version(path["evidence"], int(path["number"])))
            case Subject.UPLOAD:
                return _place_of(await view.uploads.get(path["upload"], now=self._clock.now()))
            case Subject.TEMPLATE:
                template = await view.templates.get(path["template"])
                if template and template.withdrawn_at is None and template.dossier_id == path["dossier"]:
                    return _place_of(template)
        return None

    async def _dossier(
        self, view: View, dossier_id: str, who: Principal, signers: frozenset[bytes]
    ) -> Gathered | None:
        dossier = await view.dossiers.get(dossier_id)
        if dossier is None:
            return None
        organisation = await view.organisations.get(dossier.organisation_id)
        assert organisation is not None
        mandates = (
            await self._beliefs.mandates(view, dossier_id, who.editor_key, self._clock.now())
            if who.editor_key is not None
            else ()
        )
        editor = who.editor_key
        # What was sealed by a key whose place one has is one's own.
        if mandates and editor and await self._beliefs.line(view, dossier_id, editor) & signers:
            signers |= {editor}
        granted = (
            who.kem_key is not None
            and await view.grants.is_granted(dossier_id, who.kem_key)
            # A grant outlives the habilitation that it was made under: what counts is the one of now.
            and await self._beliefs.in_scope(view, who, dossier.procedure, self._clock.now())
        )
        return Gathered(
            Facts(
                organisation=dossier.organisation_id,
                mandated=bool(mandates),
                may_replace=any(mandate.may_replace for mandate in mandates),
                granted=granted,
                signers=signers,
            ),
            organisation.max_container_bytes,
        )


def _place_of(row: rows.Version | rows.Upload | rows.Template | None) -> _Place | None:
    return _Place(row.dossier_id, frozenset({row.signer})) if row else None
