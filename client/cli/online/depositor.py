"""``scelle depositor``: who has a mandate to deposit."""

from __future__ import annotations

from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

import click

from client.cli.asking import load_identity
from client.cli.online.acting import KeyId
from client.cli.online.connection import known_service, online, server_option
from client.cli.online.identities import authority_identity, identity_options, own_identity
from client.cli.online.mandates import mandate_options, read_mandate
from client.cli.online.trusting import anchored
from client.cli.options import force_option, json_option, passphrase_option
from client.cli.output import print_json, print_table
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, UsageProblem
from client.exchange.targets import AtomicFile
from client.keyfiles import read_public_key
from client.remote.address import read_address
from client.remote.opening import give_mandate, prove
from client.remote.pages import every
from keys.canonical import decode_binary, encode_binary
from keys.errors import MalformedError
from keys.signing import SIGNATURE_LENGTH
from vault.api.models.base import Paging

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.cli.online.mandates import MandateOptions
    from vault.api.models.base import Page
    from vault.api.models.dossiers import Depositor

_MAX_PROOF = 8192


@group("depositor", help=_("Depositors: keys that have a mandate for a dossier."))
def depositor() -> None:
    """Hold the commands."""


@depositor.command(
    "prove",
    help=_(
        "As an editor with a key of your own: write the proof that you have it, for one dossier at one "
        "service. Send it to the portal together with your public file."
    ),
    examples=(
        "scelle depositor prove D-2801 --server https://vault.example.org --identity me.key -o me.proof",
    ),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.option("-i", "--identity", required=True, metavar=_("FILE"), help=_("Your key file."))
@passphrase_option()
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The file to make."))
@force_option(_("Overwrite the file if it exists."))
@server_option()
def prove_(
    *,
    dossier_id: str,
    identity: str,
    passphrase_file: str | None,
    output: str,
    force: bool,
    server: str | None,
) -> None:
    """Sign the proof of possession; nothing is sent."""
    origin = read_address(known_service(server).url, allow_http=True).origin
    key = load_identity(identity, passphrase_file)
    proof = prove(key, origin=origin, dossier=check_dossier(dossier_id))
    with AtomicFile(output, force=force) as file:
        file.write(encode_binary(proof).encode() + b"\n")
        file.commit()


@depositor.command(
    "add",
    help=_(
        "Give an editor's own key a mandate. The editor sends you its public file and a proof, which scelle "
        "depositor prove makes. Templates give mandates by themselves."
    ),
    examples=("scelle depositor add D-2801 me.key.pub --proof me.proof --type aipd --type securite",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.argument("public", metavar=_("FILE.pub"))
@click.option("--proof", required=True, metavar=_("FILE"), help=_("The editor's proof for this dossier."))
@mandate_options()
@click.option("--label", default="", metavar=_("TEXT"), help=_("Words shown in lists."))
@click.option(
    "--authority",
    "key_file",
    metavar=_("FILE"),
    help=_("Admins: the authority's key file signs the mandate."),
)
@identity_options()
@json_option()
@online
async def add(
    connection: Connection,
    *,
    dossier_id: str,
    public: str,
    proof: str,
    mandate: MandateOptions,
    label: str,
    key_file: str | None,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Sign the mandate and send it."""
    anchor = await anchored(connection)
    depositor_key = read_public_key(public)
    possession = _read_proof(proof)
    if key_file:
        issuer = authority_identity(anchor, key_file, passphrase_file)
    else:
        issuer = own_identity(connection, identity, passphrase_file)
    given = await give_mandate(
        connection.service,
        anchor,
        issuer,
        check_dossier(dossier_id),
        signer=depositor_key.signing,
        mandate=read_mandate(mandate, label=label),
        possession=possession,
    )
    _show([given], as_json=as_json)


@depositor.command(
    "list",
    help=_("List who has a mandate; who handed over is listed as the key that followed."),
    examples=("scelle depositor list D-2801 --json",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def list_(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Print a table."""

    async def page(query: Paging) -> Page[Depositor]:
        return await connection.service.list_depositors(check_dossier(dossier_id), query)

    _show([item async for item in every(page, Paging())], as_json=as_json)


@depositor.command(
    "remove",
    help=_("End a mandate, named by the key's id; what was deposited stays."),
    examples=("scelle depositor remove D-2801 9f86d0…",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.argument("key", type=KeyId(), metavar=_("KEY"))
@online
async def remove(connection: Connection, *, dossier_id: str, key: str) -> None:
    """End it."""
    await connection.service.remove_depositor(check_dossier(dossier_id), key)


def _read_proof(path: str) -> bytes:
    with Path(path).open("rb") as file:
        data = file.read(_MAX_PROOF + 1)
    try:
        return decode_binary(data.decode("ascii").strip(), SIGNATURE_LENGTH)
    except (MalformedError, UnicodeDecodeError) as error:
        raise UsageProblem(
            N_("{path}: this is not a proof that scelle depositor prove wrote"), path=path
        ) from error


def _show(found: list[Depositor], *, as_json: bool) -> None:
    if as_json:
        print_json([item.model_dump(mode="json", exclude={"mandate"}) for item in found])
    elif found:
        print_table(
            [
                (
                    item.key_id,
                    _("valid") if item.valid else _("not valid"),
                    ",".join(item.evidence_types),
                    _("may replace") if item.may_replace else "",
                    item.label,
                )
                for item in found
            ]
        )
