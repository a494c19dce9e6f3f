"""Containers that open: one of each kind, and what is allowed though it looks odd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.vault.container.forge import (
    AUTHORITY,
    DOSSIER,
    EDITOR,
    MEL,
    READER,
    RECOVERY,
    STRANGER,
    File,
    For,
    Forge,
    Password,
)
from tests.vault.container.spec import CHUNK, b64, named
from tests.vectors.scelle.vector import SUCCESSOR, WITH_IDENTITY, Vector, good

if TYPE_CHECKING:
    from collections.abc import Iterator


def good_vectors() -> Iterator[Vector]:
    yield good(
        "password",
        "a password slot with an identity in it",
        passwords=[WITH_IDENTITY],
        recipients=[],
        access=MEL,
    )
    yield good(
        "dossier", "a dossier key of generation 3", recipients=[For(DOSSIER, "dossier", 3)], access=DOSSIER
    )
    yield good("reader", "a single reader", expected={"dossier": "DOS-2026-001", "signers": [EDITOR]})
    yield good(
        "recovery",
        "the recovery key, by the seal alone",
        recovery=[RECOVERY],
        recipients=[For(STRANGER)],
        access=RECOVERY,
    )
    yield good(
        "template",
        "no files; the password carries the identity that sealed it, the manifest whom to seal to",
        files=(),
        evidence_type="template",
        signer=STRANGER,
        writer=STRANGER,
        passwords=[Password("mel", MEL.password, STRANGER.seed)],
        recipients=[],
        carried=[For(DOSSIER, "dossier", 3), For(RECOVERY, "recovery")],
        access=Password("mel", MEL.password),
    )
    yield good("superseding", "names the proof that it replaces", supersedes=named("the proof before", 32))
    yield good(
        "rewrapped",
        "third generation, written by the first of the writers",
        writer=AUTHORITY,
        generation=3,
        expected={"generation": 3},
    )
    yield good(
        "successor",
        "written by the successor of a writer, by a succession that the reader pins",
        writer=SUCCESSOR,
        expected={"successors": [(AUTHORITY, SUCCESSOR)]},
    )
    yield good(
        "chunks",
        "files around the size of a chunk",
        files=[File(f"{n}", named("chunk", n)) for n in (CHUNK - 1, CHUNK, CHUNK + 1)],
    )
    yield good("order", "messages lie in another order than paths", storage_order=[1, 0])
    yield good("no-padding", "the writer chose no padding", at_tail=lambda f: setattr(f, "padding_wire", b""))
    yield good(
        "names",
        "what may stand in a path",
        files=[File(path) for path in ("a b/é#&'(x).txt", "e\u0301", "😀", ".x", "\u0378")],
    )
    yield good(
        "two-slots", "the first slot for this key is rubbish, the second opens", at_envelope=_rubbish_first
    )


def _rubbish_first(f: Forge) -> None:
    slot = f.recipient_slot(For(READER), slot_id=named("rubbish", 8))
    f.envelope["slots"].insert(0, slot | {"wrapped": b64(bytes(1713))})
