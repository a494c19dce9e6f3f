"""Gathering the facts that policy judges by: about a token, a dossier, a proof, a version, an upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vault.server.policy import Facts, Principal, Role, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vault.server.ports import Clock, Records
    from vault.server.services.acts import View
    from vault.server.services.beliefs import Beliefs


class Gathered(NamedTuple):
    """Facts, and the size limit of the organisation that they are about."""

    facts: Facts
    max_container_bytes: int = 0


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

    async def within(  # noqa: PLR0911 - one return for each subject, and one where it is not there
        self, view: View, subject: Subject, path: Mapping[str, str], who: Principal
    ) -> Gathered | None:
        """Do the same in a transaction that is open, so that what follows in it rests on the same facts."""
        match subject:
            case Subject.TOKEN:
                token = await view.tokens.get(path["token"])
                return Gathered(Facts(owner=token.account_id)) if token else None
            case Subject.DOSSIER:
                return await self._dossier(view, path["dossier"], who, frozenset())
            case Subject.EVIDENCE:
                proof = await view.evidence.proof(path["evidence"])
                if proof is None:
                    return None
                signers = frozenset(version.signer for version in await view.evidence.versions(proof.id))
                return await self._dossier(view, proof.dossier_id, who, signers)
            case Subject.VERSION:
                version = await view.evidence.version(path["evidence"], int(path["number"]))
                if version is None:
                    return None
                return await self._dossier(view, version.dossier_id, who, frozenset({version.signer}))
            case Subject.UPLOAD:
                upload = await view.uploads.get(path["upload"], now=self._clock.now())
                if upload is None:
                    return None
                return await self._dossier(view, upload.dossier_id, who, frozenset({upload.signer}))
            case Subject.NOTHING:
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
        granted = (
            who.kem_key is not None
            and await view.grants.is_granted(dossier_id, who.kem_key)
            and (
                who.role is not Role.REVIEWER
                or await self._beliefs.in_scope(view, who, dossier.procedure, self._clock.now())
            )
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
