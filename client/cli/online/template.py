"""``scelle template``: made by a portal, fetched by an editor."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING, Any

import click

from client.cli.asking import checked_username
from client.cli.online.connection import allow_http, online, reach, wait_for
from client.cli.online.identities import authority_identity, identity_options, own_identity
from client.cli.online.mandates import mandate_options, read_mandate
from client.cli.online.own import own, passwd
from client.cli.online.sizes import DAY, days_option
from client.cli.online.trusting import anchored
from client.cli.options import force_option, json_option
from client.cli.output import print_json, print_pairs, print_table, show_time
from client.cli.requests import check_dossier
from client.cli.style import group
from client.errors import N_, ClientError
from client.exchange.targets import AtomicFile, require_free
from client.policies import require_passwords
from client.profile import Profile
from client.refusals import refusing
from client.remote.address import read_link
from client.remote.granting import fetch_keys, keep_judged
from client.remote.pages import every
from client.remote.templating import make_template
from client.terminal import say
from vault.api.models.base import Paging
from vault.container.arrival import ArrivalExaminer
from vault.container.seal import TEMPLATE

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.cli.online.mandates import MandateOptions
    from client.profile import ServiceProfile
    from client.remote.templating import MadeTemplate
    from vault.api.models.base import Page
    from vault.api.models.dossiers import Template
    from vault.container.examine import Examined

_SECRET_MODE = 0o600


@group("template", help=_("Templates: what an editor needs in order to seal for a dossier and deposit."))
def template() -> None:
    """Hold the commands."""


@template.command(
    "make",
    help=_(
        "Make a template: a key for an editor under a new password, and the keys that its proofs are sealed "
        "to. Give the editor link and user name one way, and the password another: by telephone, say."
    ),
    examples=(
        "scelle template make D-2801 --username a.martin --password-out password.txt",
        "scelle template make D-2801 --username a.martin --type aipd --days 7 --json",
    ),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.option("-u", "--username", required=True, metavar=_("NAME"), help=_("The editor's user name."))
@click.option("--password-out", metavar=_("FILE"), help=_("Write the password there instead of showing it."))
@mandate_options()
@days_option(30, _("How long the link can be used."))
@click.option(
    "--authority",
    "key_file",
    metavar=_("FILE"),
    help=_("Admins: the authority's key file signs the mandate."),
)
@identity_options()
@json_option()
@online
async def make(
    connection: Connection,
    *,
    dossier_id: str,
    username: str,
    password_out: str | None,
    mandate: MandateOptions,
    days: int,
    key_file: str | None,
    identity: str | None,
    passphrase_file: str | None,
    as_json: bool,
) -> None:
    """Make it, store it, show what the editor needs."""
    anchor = await anchored(connection)
    name, allowed = checked_username(username), read_mandate(mandate, label=username)
    if password_out:
        require_free(password_out, force=False)
    fetched = await fetch_keys(connection.service, check_dossier(dossier_id))
    key = keep_judged(connection.known, anchor, fetched).current_key()
    require_passwords(fetched.passwords)
    if key_file:
        issuer = authority_identity(anchor, key_file, passphrase_file)
    else:
        issuer = own_identity(connection, identity, passphrase_file)
    made = await make_template(
        connection.service,
        anchor,
        issuer,
        key,
        username=name,
        mandate=allowed,
        lifetime=days * DAY,
        policy=fetched.passwords,
    )
    if password_out:
        with AtomicFile(password_out, mode=_SECRET_MODE) as file:
            file.write(made.password.encode() + b"\n")
            file.commit()
    _show_made(made, password_out, as_json=as_json)


@template.command("list", help=_("List a dossier's templates."), examples=("scelle template list D-2801",))
@click.argument("dossier_id", metavar=_("DOSSIER"))
@json_option()
@online
async def list_(connection: Connection, *, dossier_id: str, as_json: bool) -> None:
    """Print a table."""

    async def page(query: Paging) -> Page[Template]:
        return await connection.service.list_templates(check_dossier(dossier_id), query)

    found = [item async for item in every(page, Paging())]
    if as_json:
        print_json([item.model_dump(mode="json") for item in found])
    elif found:
        print_table(
            [
                (item.id, _("withdrawn") if item.withdrawn else show_time(item.expires), item.signer)
                for item in found
            ]
        )


@template.command(
    "withdraw",
    help=_("End a template's link, named by its id. The editor's mandate stays: scelle depositor remove."),
    examples=("scelle template withdraw D-2801 5f0c…",),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.argument("template_id", metavar="ID")
@online
async def withdraw(connection: Connection, *, dossier_id: str, template_id: str) -> None:
    """End it."""
    await connection.service.withdraw_template(check_dossier(dossier_id), template_id)


@template.command(
    "fetch",
    help=_(
        "Fetch the template behind a link. Make it your own with scelle template own: until then somebody "
        "else knew its password. Then seal your proofs with it, using your user name and password: scelle "
        "seal --template."
    ),
    examples=("scelle template fetch https://vault.example.org/v1/templates/… -o dossier.scelle",),
)
@click.argument("link", metavar=_("LINK"))
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The file to make."))
@force_option(_("Overwrite the file if it exists."))
@json_option()
def fetch(*, link: str, output: str, force: bool, as_json: bool) -> None:
    """Fetch, examine, write."""
    address, code = read_link(link, allow_http=allow_http())
    profile = Profile.default()
    known = profile.service(address.url)
    require_free(output, force=force)
    data, examined = wait_for(_fetch(known, code, output))
    with AtomicFile(output, force=force) as file:
        file.write(data)
        file.commit()
    profile.use(known.url)
    seal = examined.seal.seal
    document = {"template": output, "dossier": seal.dossier, "service": known.url}
    if as_json:
        print_json(document)
    else:
        print_pairs([(_("template"), output), (_("dossier"), seal.dossier), (_("service"), known.url)])


async def _fetch(known: ServiceProfile, code: str, output: str) -> tuple[bytes, Examined]:
    async with reach(known) as service:
        data = await service.fetch_template(code)
    with refusing(output):
        examiner = ArrivalExaminer()
        examiner.update(data)
        examined = examiner.finalize()
    if examined.seal.seal.evidence_type != TEMPLATE:
        raise ClientError(N_("what is behind this link is not a template; ask for another"))
    return data, examined


template.add_command(own)
template.add_command(passwd)


def _show_made(made: MadeTemplate, password_out: str | None, *, as_json: bool) -> None:
    password = None if password_out else made.password
    if as_json:
        document: dict[str, Any] = {
            "template": made.template.model_dump(mode="json"),
            "link": made.link,
            "username": made.username,
            "password": password,
            "password_file": password_out,
            "depositor": made.depositor.key_id,
        }
        print_json(document)
        return
    print_pairs(
        [
            (_("template"), made.template.id),
            (_("link"), made.link),
            (_("user name"), made.username),
            (_("password"), password or ""),
            (_("password in"), password_out or ""),
            (_("valid until"), show_time(made.template.expires)),
        ]
    )
    say(_("give the editor link and user name one way, and the password another"))
