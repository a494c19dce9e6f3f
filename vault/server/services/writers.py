"""Who may have written an envelope, beside those whom its seal lists: who followed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.derivation import key_id
from keys.writers import followers, present_writers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vault.container.envelope import Envelope
    from vault.container.seal import Seal
    from vault.server.services.acts import View
    from vault.server.services.beliefs import Beliefs


async def followed(
    beliefs: Beliefs, view: View, envelope: Envelope, seal: Seal, *, at: int
) -> Mapping[bytes, bytes]:
    """Return who followed the writers of a seal (new key id by old one), to judge an envelope that is there.

    Nothing is looked for where the envelope was written by whoever sealed, or by a listed key.
    """
    if _explained(envelope, seal) or await beliefs.authority(view) is None:
        return {}
    return followers(await beliefs.judge(view, seal.writers), seal.writers, at=at)


async def following(
    beliefs: Beliefs, view: View, envelope: Envelope, seal: Seal, *, at: int
) -> Mapping[bytes, bytes]:
    """Return the same to judge an envelope that is new: only who has a listed writer's place at ``at``."""
    if _explained(envelope, seal) or await beliefs.authority(view) is None:
        return {}
    trust = await beliefs.judge(view, seal.writers)
    writer = key_id(envelope.writer)
    return {one: writer for one in seal.writers if writer in present_writers(trust, [one], at=at)}


def _explained(envelope: Envelope, seal: Seal) -> bool:
    return envelope.writer == seal.signer or key_id(envelope.writer) in seal.writers
