"""What a whole and well signed container still has to show before it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.derivation import key_id
from keys.statements import DossierKey, RecoveryKey, read_unjudged
from vault.api.problems import Code
from vault.container.seal import TEMPLATE
from vault.server.policy import HiddenError, Role
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.keeping import require_kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vault.container.envelope import Envelope
    from vault.container.examine import Outline
    from vault.container.seal import Seal
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows

FORBIDDEN: Final = "forbidden"
_NO_MANDATE: Final = "the seal's signer has no mandate for this dossier that is valid now"


class Admission:
    """The rules of a dossier, asked in the transaction that publishes."""

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs

    async def check_dossier(self, view: View, dossier_id: str) -> rows.Dossier:
        """Return a dossier, open or closed.

        Raises:
            RefusedError: authority_missing; dossier_erased.
            HiddenError: there is no such dossier.
        """
        await self._beliefs.require_authority(view)
        dossier = await view.dossiers.get(dossier_id)
        if dossier is None:
            raise HiddenError("there is nothing here that you may see")
        require_kept(dossier)
        return dossier

    async def check_place(self, view: View, dossier_id: str) -> rows.Dossier:
        """Return a dossier that takes deposits.

        Raises:
            RefusedError: authority_missing; dossier_closed; dossier_erased.
            HiddenError: there is no such dossier.
        """
        dossier = await self.check_dossier(view, dossier_id)
        if dossier.closed_at is not None:
            raise RefusedError(Code.DOSSIER_CLOSED, "the dossier is closed")
        return dossier

    async def check_signer(
        self, view: View, dossier: rows.Dossier, outline: Outline, act: Act, *, replacing: bool, now: int
    ) -> None:
        """Ask whether the seal's signer may deposit this, and whether who asks may deposit for it.

        An editor deposits what it sealed itself; so does a portal for the editor that it names. A portal that
        names nobody may deposit what any depositor of its organisation's dossier sealed.

        Raises:
            RefusedError: template_refused; unknown_signer; type_not_allowed.
        """
        seal = outline.seal.seal
        if seal.evidence_type == TEMPLATE:
            raise RefusedError(Code.TEMPLATE_REFUSED, "a template is not deposited; seal evidence from it")
        editor = act.principal.editor_key
        if editor is not None and editor != seal.signer_key_id:
            raise RefusedError(
                Code.UNKNOWN_SIGNER, "the container is sealed by another key than that of who deposits it"
            )
        mandates = await self._beliefs.mandates(view, dossier.id, seal.signer_key_id, now)
        if not mandates or act.principal.role not in {Role.EDITOR, Role.PORTAL}:
            raise RefusedError(Code.UNKNOWN_SIGNER, _NO_MANDATE)
        covering = [mandate for mandate in mandates if seal.evidence_type in mandate.evidence_types]
        if not covering:
            raise RefusedError(
                Code.TYPE_NOT_ALLOWED, f"the mandate does not cover the type {seal.evidence_type}"
            )
        if replacing and not any(mandate.may_replace for mandate in covering):
            raise RefusedError(Code.UNKNOWN_SIGNER, "the signer's mandate does not allow replacing")

    async def check_slots(self, view: View, dossier: rows.Dossier, envelope: Envelope) -> DossierKey:
        """Return the dossier's current key, once the envelope has an access labelled for it and for no other.

        An access for an older key would outlive the rotation that is to end it, whatever its label.

        Raises:
            RefusedError: dossier_key_outdated; password_forbidden.
        """
        return await self._check_slots(
            view, dossier, envelope, await view.statements.dossier_keys(dossier.id)
        )

    @staticmethod
    async def _check_slots(
        view: View, dossier: rows.Dossier, envelope: Envelope, keys: Mapping[int, bytes]
    ) -> DossierKey:
        found = await view.statements.find(
            "dossier key", dossier_id=dossier.id, generation=dossier.generation
        )
        current = read_unjudged(views.stored(found[0]), DossierKey)
        labelled = ("dossier", key_id(current.public_key), current.generation)
        found_labels = {
            (slot.role, slot.key, slot.generation)
            for slot in envelope.recipient_slots
            if slot.role == "dossier"
        }
        older = {key for generation, key in keys.items() if generation < dossier.generation}
        if found_labels != {labelled} or not older.isdisjoint(slot.key for slot in envelope.recipient_slots):
            raise RefusedError(
                Code.DOSSIER_KEY_OUTDATED,
                f"the container is not sealed to key {current.generation} of the dossier alone",
                extra={"generation": current.generation},
            )
        await check_passwords(view, dossier, envelope)
        return current

    async def check_contents(self, view: View, dossier: rows.Dossier, outline: Outline) -> None:
        """Ask for the accesses and writers that the dossier's current key statement wants.

        That a slot *opens* is known when somebody opens it; here it is labelled for the right key.

        Raises:
            RefusedError: dossier_key_outdated; password_forbidden; recovery_slot_missing; writer_missing;
                conflict.
        """
        keys = await view.statements.dossier_keys(dossier.id)
        current = await self._check_slots(view, dossier, outline.envelope.envelope, keys)
        seal = outline.seal.seal
        await check_recovery(self._beliefs, view, seal)
        if not set(keys.values()).isdisjoint(slot.key for slot in seal.recovery):
            raise RefusedError(
                Code.CONFLICT,
                "the seal has a recovery slot for a key of the dossier, which no rotation could take away",
            )
        if missing := set(current.writers) - set(seal.writers):
            raise RefusedError(
                Code.WRITER_MISSING,
                "the seal does not list all writers that the dossier asks for",
                extra={"missing": sorted(writer.hex() for writer in missing)},
            )


async def check_passwords(view: View, dossier: rows.Dossier, envelope: Envelope) -> None:
    """Return only if the organisation allows the accesses by password that the envelope has.

    How a password came about, or how strong it is, shows in no envelope: that is for clients to judge.

    Raises:
        RefusedError: password_forbidden.
    """
    organisation = await view.organisations.get(dossier.organisation_id)
    assert organisation is not None
    if organisation.passwords == FORBIDDEN and envelope.password_slots:
        raise RefusedError(
            Code.PASSWORD_FORBIDDEN,
            "the dossier's organisation allows no access by password, and this envelope has one",
        )


async def check_recovery(beliefs: Beliefs, view: View, seal: Seal) -> None:
    """Return only if the seal has an access labelled for the present recovery key.

    Raises:
        RefusedError: recovery_slot_missing.
    """
    recovery = await beliefs.recovery(view)
    assert recovery is not None
    wanted = key_id(read_unjudged(views.stored(recovery), RecoveryKey).public_key)
    if wanted not in {slot.key for slot in seal.recovery}:
        raise RefusedError(Code.RECOVERY_SLOT_MISSING, "the seal has no slot for the present recovery key")
