"""The certificate of a rotation: fetched, judged, compared with what was asked for, written and shown."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any

from client import distrust
from client.certificates import checked, write_file
from client.cli.online.trusting import anchored
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.distrust import Distrusted
from client.errors import N_, NotFoundProblem
from client.remote.certificates import fetch_retirement, find_retirement
from keys.errors import Refusal
from keys.statements import Rotation
from vault.certificates import ROTATED_CONTAINER, LineTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.cli.online.connection import Connection
    from vault.certificates import RotatedContainer


async def write_rotation(
    connection: Connection,
    dossier: str,
    output: str,
    *,
    force: bool,
    generation: int | None = None,
    key: bytes | None = None,
) -> tuple[Rotation, list[RotatedContainer]]:
    """Fetch the certificate of a dossier's last rotation, judge it and write it; return what it says.

    Args:
        connection: to the service.
        dossier: its id.
        output: the file to make.
        force: whether what is there is overwritten.
        generation: of the newest key that ended with it; None: the last that there is.
        key: key id that it has to name, 32 bytes, where that is known.

    Raises:
        NotFoundProblem: there is none.
        CertificateForged, Distrusted: it does not count, or is about something else; nothing was written.
        ConflictProblem: something of that name is there.
    """
    found = await find_retirement(connection.service, dossier, generation)
    if found is None:
        raise NotFoundProblem(
            N_("{dossier}: there is no certificate: the dossier is not erased, and no such key has ended"),
            dossier=dossier,
        )
    signed, lines = await fetch_retirement(connection.service, found)
    anchor = await anchored(connection)
    said = anchor.certificate(signed, Rotation)
    if (said.dossier, said.ended) != (dossier, found.generation) or (key and key not in said.keys):
        raise Distrusted(distrust.CERTIFICATE, Refusal.MISMATCH)
    write_file(output, signed, checked(signed, lines, anchor), force=force)
    tree = LineTree(ROTATED_CONTAINER)
    return said, [tree.read(line) for line in lines]


def show_rotation(
    said: Rotation, lines: Sequence[RotatedContainer], *, listing: bool = False, as_json: bool
) -> None:
    """Print what a certificate says that was judged."""
    recovery = sorted({key for line in lines for key in line.recovery})
    if as_json:
        print_json(
            {
                "valid": True,
                "kind": said.kind,
                "dossier": said.dossier,
                "organisation": said.organisation,
                "actor": said.actor,
                "ended": said.issued,
                "ended_generation": said.ended,
                "ended_keys": [key.hex() for key in said.keys],
                "generation": said.generation,
                "key": said.key.hex(),
                "containers": [_document(line) for line in lines],
                "recovery_keys": [key.hex() for key in recovery],
                "journal_position": said.journal_position,
                "journal_leaf": said.journal_leaf.hex(),
            }
        )
        return
    print_pairs(
        [
            (_("dossier"), said.dossier),
            (_("organisation"), said.organisation),
            (_("ended"), show_time(said.issued)),
            (_("by"), said.actor),
            *((_("ended key"), f"{said.ended - place}: {key.hex()}") for place, key in enumerate(said.keys)),
            (_("present key"), f"{said.generation}: {said.key.hex()}"),
            (
                _("without a slot for them"),
                _("{count} of {count} containers").format(count=said.containers),
            ),
            *(
                (_("but for recovery key"), f"{key.hex()} ({_carrying(key, lines)} / {said.containers})")
                for key in recovery
            ),
            (_("in the journal"), str(said.journal_position)),
        ]
    )
    if listing and lines:
        print_table(
            [
                (line.seal_id.hex(), line.evidence_type, str(line.generation), line.envelope.hex())
                for line in lines
            ]
        )


def _carrying(key: bytes, lines: Sequence[RotatedContainer]) -> int:
    return sum(key in line.recovery for line in lines)


def _document(line: RotatedContainer) -> dict[str, Any]:
    return {
        "seal_id": line.seal_id.hex(),
        "evidence": line.proof,
        "evidence_type": line.evidence_type,
        "envelope_digest": line.envelope.hex(),
        "generation": line.generation,
        "dossier_generation": line.key,
        "recovery_keys": [key.hex() for key in line.recovery],
    }
