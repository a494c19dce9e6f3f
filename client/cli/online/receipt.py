"""``scelle receipt``: the service's signed word on a deposit."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.connection import online, server_option
from client.cli.online.receiving import read_receipt, show_receipt, write_receipt
from client.cli.online.trusting import anchored, offline_anchor
from client.cli.options import force_option, json_option
from client.cli.style import group
from client.errors import N_, UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.targets import require_free
from client.remote.carriage import from_model
from client.remote.fetching import choose_version
from client.trust import check_receipt

if TYPE_CHECKING:
    from client.cli.online.connection import Connection


@group("receipt", help=_("Receipts: what the service signed when it took a deposit."))
def receipt() -> None:
    """Hold the commands."""


@receipt.command(
    "fetch",
    help=_("Fetch the receipt of a deposit, verify it and write it to a file."),
    examples=("scelle receipt fetch 5f0c… -o aipd.receipt",),
)
@click.argument("proof", metavar=_("PROOF"))
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The file to make."))
@click.option(
    "--version",
    "number",
    type=click.IntRange(min=1),
    metavar=_("NUMBER"),
    help=_("Which version; by default the newest."),
)
@force_option(_("Overwrite the file if it exists."))
@json_option()
@online
async def fetch(
    connection: Connection, *, proof: str, output: str, number: int | None, force: bool, as_json: bool
) -> None:
    """Fetch, verify, write."""
    require_free(output, force=force)
    anchor = await anchored(connection)
    if number is None and connection.session is not None and connection.session.role == "auditor":
        raise UsageProblem(N_("an auditor does not see which versions there are; add --version NUMBER"))
    if number is None:
        number = choose_version(await connection.service.get_evidence(proof), None).number
    answer = await connection.service.get_receipt(proof, number)
    signed = from_model(answer.receipt)
    verified = anchor.receipt(signed)
    write_receipt(output, signed, force=force)
    show_receipt(verified, as_json=as_json)


@receipt.command(
    "verify",
    help=_(
        "Verify a receipt offline: signed by the service that the authority habilitated. With CONTAINER, "
        "also that it is about this very file."
    ),
    examples=(
        "scelle receipt verify aipd.receipt aipd.scelle",
        "scelle receipt verify aipd.receipt --trust trust.json --json",
    ),
)
@click.argument("file", metavar=_("RECEIPT"))
@click.argument("container", metavar=_("[CONTAINER]"), required=False)
@click.option(
    "--trust", metavar=_("FILE"), help=_("Whom to trust; by default what you confirmed at scelle login.")
)
@server_option()
@json_option()
def verify(*, file: str, container: str | None, trust: str | None, server: str | None, as_json: bool) -> None:
    """Judge it; nothing is sent."""
    signed = read_receipt(file)
    verified = offline_anchor(trust, server).receipt(signed)
    if container is not None:
        with ContainerFile.open(container) as opened:
            check_receipt(verified, opened.examine())
    show_receipt(verified, as_json=as_json, extra={"valid": True, "container": container})
