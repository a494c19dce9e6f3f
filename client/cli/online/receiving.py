"""Receipts: shown, written to files, read back."""

from __future__ import annotations

from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from client.cli.output import print_json, print_pairs, show_size, show_time
from client.errors import N_, UsageProblem
from client.exchange.targets import AtomicFile
from keys.errors import KeyMaterialError
from keys.statements import MAX_CARRIED, decode_signed, encode_signed

if TYPE_CHECKING:
    from keys.statements import Receipt, Signed


def read_receipt(path: str) -> Signed:
    """Return the receipt in a file, unjudged.

    Raises:
        UsageProblem: not such a file.
        OSError: it is not there or cannot be read.
    """
    with Path(path).open("rb") as file:
        data = file.read(MAX_CARRIED + 1)
    try:
        return decode_signed(data)
    except KeyMaterialError as error:
        raise UsageProblem(
            N_("{path}: this is not a receipt; get it again with scelle receipt fetch"), path=path
        ) from error


def write_receipt(path: str, signed: Signed, *, force: bool = False) -> None:
    """Write a receipt as it travels: a statement and its signature.

    Raises:
        ConflictProblem: something of that name is there.
    """
    with AtomicFile(path, force=force) as file:
        file.write(encode_signed(signed))
        file.commit()


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as JSON is shown it."""
    return {
        "evidence": receipt.proof,
        "dossier": receipt.dossier,
        "evidence_type": receipt.evidence_type,
        "seal_id": receipt.seal_id.hex(),
        "supersedes": receipt.supersedes.hex() or None,
        "signer": receipt.signer.hex(),
        "actor": receipt.actor,
        "organisation": receipt.organisation,
        "size": receipt.size,
        "generation": receipt.generation,
        "envelope_digest": receipt.envelope_digest.hex(),
        "deposited": receipt.issued,
        "journal_position": receipt.journal_position,
        "journal_leaf": receipt.journal_leaf.hex(),
    }


def show_receipt(receipt: Receipt, *, as_json: bool, extra: dict[str, Any] | None = None) -> None:
    """Print a verified receipt."""
    if as_json:
        print_json({**receipt_document(receipt), **(extra or {})})
        return
    print_pairs(
        [
            (_("proof"), receipt.proof),
            (_("dossier"), receipt.dossier),
            (_("kind of evidence"), receipt.evidence_type),
            (_("seal id"), receipt.seal_id.hex()),
            (_("supersedes"), receipt.supersedes.hex()),
            (_("sealed by"), receipt.signer.hex()),
            (_("size"), show_size(receipt.size)),
            (_("deposited"), show_time(receipt.issued)),
            (_("in the journal"), str(receipt.journal_position)),
        ]
    )
