"""Re-encrypting what a dossier holds: how much is left of it, and the end of the originals."""

from __future__ import annotations

from pydantic import Field

from vault.api.models.approvals import Approvals  # noqa: TC001 - pydantic evaluates the annotations
from vault.api.models.base import Answer, Count, DossierId
from vault.api.models.evidence import Version  # noqa: TC001 - pydantic reads the annotation


class Reencryption(Answer):
    """How much of a dossier was sealed before its current key, or before the current recovery key."""

    dossier: DossierId
    generation: Count = Field(description="Of the current dossier key.")
    versions: Count = Field(description="All that the dossier holds, archived ones included.")
    bytes: Count = Field(description="Of all of them, envelopes and bodies.")
    left: Count = Field(description="Versions that were sealed before, and not re-encrypted since.")
    left_bytes: Count
    originals: Count = Field(description="Versions that were re-encrypted and are not erased yet.")
    original_bytes: Count
    approvals: Approvals | None = Field(None, description="Absent where none are needed.")


class Left(Answer):
    """A version of which something is left to be done."""

    version: Version
    outdated: bool = Field(description="Whether it is to be re-encrypted; else originals are to be erased.")
    originals: Count = Field(description="How many containers stood in its place that are not erased yet.")
