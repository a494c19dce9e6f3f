"""``scelle certificate``: what was done to many things at once, proven line by line."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final

import click

from client.certificates import verify_file
from client.cli.online.certifying import show_rotation, write_rotation
from client.cli.online.connection import online, server_option
from client.cli.online.erasing import show_erasure, write_certificate
from client.cli.online.trusting import offline_anchor
from client.cli.options import force_option, json_option
from client.cli.output import print_json, print_pairs, print_table, show_size, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.exchange.targets import require_free
from vault.api.models.dossiers import DossierState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client.cli.online.connection import Connection
    from keys.statements import Erasure
    from vault.certificates import ErasedVersion


@group("certificate", help=_("Certificates: what was done to many proofs at once, signed."))
def certificate() -> None:
    """Hold the commands."""


@certificate.command(
    "fetch",
    help=_(
        "Fetch the certificate of an erased dossier, or else that of the last rotation of its key; verify it "
        "and write it to a file. For admins."
    ),
    examples=(
        "scelle certificate fetch D-2801 -o D-2801.certificate",
        "scelle certificate fetch D-2801 --key 1 -o D-2801.key-1.certificate",
    ),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The file to make."))
@click.option(
    "--key",
    "generation",
    type=click.IntRange(min=1),
    metavar=_("NUMBER"),
    help=_("That of the rotation with which this key of the dossier ended, counted from 1."),
)
@force_option(_("Overwrite the file if it exists."))
@json_option()
@online
async def fetch(
    connection: Connection,
    *,
    dossier_id: str,
    output: str,
    generation: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Fetch, verify, write."""
    require_free(output, force=force)
    dossier = check_dossier(dossier_id)
    if generation is None:
        shown = await connection.service.get_dossier(dossier)
        if shown.state is DossierState.ERASED:
            found = await connection.service.get_erasure(dossier)
            await write_certificate(connection, found, output, force=force)
            show_erasure(found, as_json=as_json)
            return
    said, lines = await write_rotation(connection, dossier, output, force=force, generation=generation)
    show_rotation(said, lines, as_json=as_json)


@certificate.command(
    "verify",
    help=_(
        "Verify a certificate offline: signed by whom the authority lets say so, and every line as it was "
        "signed, none missing, none added. With --list also what the lines say."
    ),
    examples=(
        "scelle certificate verify D-2801.certificate",
        "scelle certificate verify D-2801.certificate --trust trust.json --json",
    ),
)
@click.argument("file", metavar=_("CERTIFICATE"))
@click.option(
    "--trust", metavar=_("FILE"), help=_("Whom to trust; by default what you confirmed at scelle login.")
)
@click.option("--list", "listing", is_flag=True, help=_("Show every line."))
@server_option()
@json_option()
def verify(*, file: str, trust: str | None, listing: bool, server: str | None, as_json: bool) -> None:
    """Judge it; nothing is sent."""
    lines: list[Any] = []
    statement = verify_file(file, offline_anchor(trust, server), lines.append)
    _SHOW[statement.kind](statement, lines, listing=listing, as_json=as_json)


def _show_erasure(said: Erasure, lines: Sequence[ErasedVersion], *, listing: bool, as_json: bool) -> None:
    held = [line for line in lines if line.held]
    if as_json:
        print_json(
            {
                "valid": True,
                "kind": said.kind,
                "dossier": said.dossier,
                "organisation": said.organisation,
                "actor": said.actor,
                "closed": said.closed,
                "erased": said.issued,
                "grants": said.grants,
                "templates": said.templates,
                "journal_position": said.journal_position,
                "journal_leaf": said.journal_leaf.hex(),
                "versions": [_document(line) for line in lines],
            }
        )
        return
    print_pairs(
        [
            (_("dossier"), said.dossier),
            (_("organisation"), said.organisation),
            (_("closed"), show_time(said.closed)),
            (_("erased"), show_time(said.issued)),
            (_("by"), said.actor),
            (
                _("versions of proofs"),
                _("{count}, {size}").format(
                    count=said.versions, size=show_size(sum(line.size for line in lines))
                ),
            ),
            (_("grants"), str(said.grants)),
            (_("templates"), str(said.templates)),
            (
                _("held by a lock"),
                _("{count}, until {time} at the latest").format(
                    count=len(held), time=show_time(max(line.held for line in held))
                )
                if held
                else "",
            ),
            (_("in the journal"), str(said.journal_position)),
        ]
    )
    if listing and lines:
        print_table(
            [
                (line.seal_id.hex(), line.evidence_type, show_size(line.size), show_time(line.held))
                for line in lines
            ],
            right=2,
        )


def _document(line: ErasedVersion) -> dict[str, Any]:
    return {
        "evidence": line.proof,
        "number": line.number,
        "evidence_type": line.evidence_type,
        "seal_id": line.seal_id.hex(),
        "root": line.root.hex() or None,
        "envelope_digest": line.envelope.hex(),
        "size": line.size,
        "held": line.held or None,
    }


_SHOW: Final[dict[str, Callable[..., None]]] = {"erasure": _show_erasure, "rotation": show_rotation}
"""How each kind of `client.certificates.ABOUT` is shown."""
