"""What a scrub finds: every kind of damage by a code that stays, and where it is."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is wrong. Codes are never renamed; docs/operations.md says what to do about each."""

    # Objects.
    OBJECT_MISSING = "object_missing"
    OBJECT_SHORT = "object_short"
    OBJECT_LONG = "object_long"
    BLOCK_DAMAGED = "block_damaged"
    PAYLOAD_DAMAGED = "payload_damaged"
    LEAVES_DAMAGED = "leaves_damaged"
    SEAL_DAMAGED = "seal_damaged"
    # Rows.
    SEAL_ROW_MISSING = "seal_row_missing"
    SEAL_ROW_DAMAGED = "seal_row_damaged"
    SEAL_LOST = "seal_lost"
    ENVELOPE_MISSING = "envelope_missing"
    ENVELOPE_DAMAGED = "envelope_damaged"
    ENVELOPE_DIFFERS = "envelope_differs"
    ROW_DIFFERS = "row_differs"
    VERSION_MISSING = "version_missing"
    PROOF_DIFFERS = "proof_differs"
    RECEIPT_DAMAGED = "receipt_damaged"
    RECEIPT_UNJOURNALLED = "receipt_unjournalled"
    TEMPLATE_DAMAGED = "template_damaged"
    CERTIFICATE_DAMAGED = "certificate_damaged"
    CERTIFICATE_MISSING = "certificate_missing"
    # The journal.
    ENTRY_MISSING = "entry_missing"
    ENTRY_DAMAGED = "entry_damaged"
    ENTRY_EXTRA = "entry_extra"
    JOURNAL_HEAD_DAMAGED = "journal_head_damaged"
    JOURNAL_DIFFERS = "journal_differs"
    # No damage: it could not be looked at.
    UNREADABLE = "unreadable"


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes:
        kind: what.
        detail: an English sentence, without a secret.
        dossier: id of the dossier, empty where there is none; so with all that follow.
        evidence: id of the proof.
        number: of the version, 0 where there is none.
        seal: seal id, hexadecimal.
        object: key in the object store.
        template: id of a template.
        position: of a journal entry.
        block: first of the blocks of 1 MiB that are damaged, from 0.
        blocks: how many in a row are.
    """

    kind: Kind
    detail: str
    dossier: str = ""
    evidence: str = ""
    number: int = 0
    seal: str = ""
    object: str = ""
    template: str = ""
    position: int | None = None
    block: int | None = None
    blocks: int | None = None

    def document(self) -> dict[str, str | int]:
        """Return what there is to say, by name."""
        said = {name: value for name, value in self._asdict().items() if value not in {"", None}}
        if not self.number:
            del said["number"]
        return {"code": said.pop("kind").value, **said}
