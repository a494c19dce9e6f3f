"""``scelle seal``: files and folders to a container, in one go."""

from __future__ import annotations

from gettext import gettext as _
from typing import Any

import click

from client.cli.options import (
    any_content_option,
    evidence_type_option,
    force_option,
    json_option,
    note_option,
    passphrase_option,
    quiet_option,
    recipient_options,
    username_options,
)
from client.cli.requests import SealOptions, make_order
from client.cli.results import report_sealed, show_password, tell_disagreements
from client.cli.style import command
from client.exchange.sealing import gather, seal_files
from client.terminal import progress, say


@command(
    "seal",
    short_help=_("seal files and folders into a container"),
    help=_(
        "Seal files and folders into a new container. Only those whom you name can open it: holders of the "
        "private halves of the --recipient files, and whoever knows user name and password. With --template, "
        "dossier, accesses and your key come from there; without a key of yours the container is sealed by a "
        "fresh one that is thrown away, and nobody can tell who sealed it."
    ),
    examples=(
        "scelle seal aipd.pdf -o aipd.scelle --template dossier.scelle --username a.martin --type aipd",
        "scelle seal aipd.pdf -o aipd.scelle --dossier D-1 --type aipd --recipient d.pub --identity me",
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar=_("PATH..."))
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The container to make."))
@click.option("--dossier", metavar="ID", help=_("The dossier that it belongs to."))
@evidence_type_option()
@recipient_options()
@username_options()
@click.option("--no-password", is_flag=True, help=_("With --template: make no access by password."))
@click.option("-i", "--identity", metavar=_("FILE"), help=_("Your key file, to seal with."))
@passphrase_option()
@click.option("--template", metavar=_("FILE"), help=_("Template of the dossier, opened with your user name."))
@click.option(
    "--supersedes",
    metavar=_("RECEIPT"),
    help=_("The deposited proof that this one replaces: its receipt, or its seal id."),
)
@note_option()
@any_content_option()
@force_option(_("Overwrite the container if it exists."))
@quiet_option()
@json_option()
def seal(*, paths: tuple[str, ...], output: str, quiet: bool, as_json: bool, **given: Any) -> None:
    """Seal ``paths`` into ``output``."""
    options = SealOptions(**given)
    order = make_order(options)
    request, made = order.request, order.generated
    gathered = gather(paths, request.evidence_type, any_content=options.any_content)
    tell_disagreements(gathered, quiet=quiet)
    with progress(_("sealing"), gathered.size, quiet=quiet) as advance:
        sealed = seal_files(gathered, output, request, order.signer, force=options.force, advance=advance)
    extra = {"username": made.username, "password": made.password} if made else None
    report_sealed(output, sealed, as_json=as_json, quiet=quiet, extra=extra)
    if made and not as_json:
        show_password(made.username, made.password)
    if order.without_password and not quiet:
        say(_("the dossier's organisation allows no access by password, so the container has none"))
    if order.anonymous and not quiet:
        say(_("no --identity: sealed by a fresh key that is thrown away, so nobody can tell who did it"))
