"""What a container has to be that takes another one's place: the same files, sealed anew by an admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.problems import Code
from vault.container.seal import parse_stored_seal
from vault.server.policy import HiddenError, Role
from vault.server.refusals import RefusedError

if TYPE_CHECKING:
    from vault.container.examine import Outline
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows


class Reencryption:
    """The rules, asked in the transaction that publishes."""

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs

    async def check_signer(
        self, view: View, dossier: rows.Dossier, outline: Outline, act: Act, *, now: int
    ) -> None:
        """Ask whether who asks may open the dossier now, and sealed this with its own key.

        Raises:
            HiddenError: it has no grant, or no habilitation that covers the démarche.
            RefusedError: unknown_signer.
        """
        who = act.principal
        granted = (
            who.role is Role.ADMIN
            and who.kem_key is not None
            and await view.grants.is_granted(dossier.id, who.kem_key)
            and await self._beliefs.in_scope(view, who, dossier.procedure, now)
        )
        if not granted:
            raise HiddenError("there is nothing here that you may see")
        if outline.seal.seal.signer_key_id != who.signing_key:
            raise RefusedError(
                Code.UNKNOWN_SIGNER, "what re-encrypts something is sealed by the admin who sends it"
            )

    @staticmethod
    async def check_seal(view: View, outline: Outline, original_id: bytes) -> None:
        """Ask whether a seal re-encrypts the version with the seal ``original_id``, and that has its place.

        Raises:
            RefusedError: conflict.
        """
        original = await view.evidence.by_seal(original_id)
        assert original is not None
        if not original.stands:
            standing = await view.evidence.standing(original.place)
            assert standing is not None
            raise RefusedError(
                Code.CONFLICT,
                "the version was re-encrypted in the meantime",
                extra={"seal": standing.seal_id.hex()},
            )
        seal, stored = outline.seal.seal, await view.evidence.seal(original_id)
        assert stored is not None
        before = parse_stored_seal(stored).seal
        if seal.supersedes != original_id:
            raise RefusedError(
                Code.CONFLICT, "the seal does not supersede the version", extra={"seal": original_id.hex()}
            )
        if (seal.evidence_type, seal.content) != (before.evidence_type, before.content):
            raise RefusedError(Code.CONFLICT, "the seal is about other files than those of the version")
        if seal.container == before.container:
            raise RefusedError(Code.CONFLICT, "the container has the id of the one before: nothing is new")
