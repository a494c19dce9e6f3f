"""``scelle dossier erase``: shown first, confirmed by name, done for good."""

from __future__ import annotations

import time
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.certificates import checked, write_file
from client.cli.online.confirming import confirm_name
from client.cli.online.connection import online
from client.cli.online.retention import show_days
from client.cli.online.trusting import anchored
from client.cli.options import force_option, json_option, quiet_option
from client.cli.output import print_json, print_pairs, show_size, show_time
from client.cli.requests import check_dossier
from client.cli.style import command
from client.errors import N_, ConflictProblem, UsageProblem
from client.exchange.targets import require_free
from client.remote import erasing
from client.remote.approving import require_approved
from client.terminal import can_ask, progress, say
from vault.api.models.approvals import Act
from vault.api.models.dossiers import DossierState

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from vault.api.models.approvals import Approvals
    from vault.api.models.erasure import Erasure


@command(
    "erase",
    help=_(
        "Erase a closed dossier whose time is over, for good: grants, templates and the wrapped keys of all "
        "proofs are destroyed at once, then the bodies are removed that no lock holds. Seals, receipts and "
        "the journal stay, and a signed certificate lists what was there. Typing the same again goes on "
        "where it was stopped, and gives the certificate of what is erased. It reaches no copy that "
        "somebody fetched, and no backup. Where the service asks for it, two admins approve it first, with "
        "scelle approve erase. For admins."
    ),
    examples=(
        "scelle dossier erase D-2801 --dry-run",
        "scelle dossier erase D-2801 -o D-2801.certificate",
    ),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.option("--dry-run", "dry", is_flag=True, help=_("Only show what would be destroyed."))
@click.option("--yes", is_flag=True, help=_("Do not ask for the dossier's name; for scripts."))
@click.option("-o", "--output", metavar=_("FILE"), help=_("Where to write the certificate."))
@force_option(_("Overwrite the file if it exists."))
@quiet_option()
@json_option()
@online
async def erase(
    connection: Connection,
    *,
    dossier_id: str,
    dry: bool,
    yes: bool,
    output: str | None,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Plan, ask, erase, write the certificate."""
    service, dossier = connection.service, check_dossier(dossier_id)
    if output is not None and not dry:
        require_free(output, force=force)
    plan = await service.get_erasure(dossier)
    if dry:
        show_erasure(plan, as_json=as_json)
        return
    if plan.state is not DossierState.ERASED:
        await anchored(connection)  # whose certificate would be worth nothing is told before
        _require_over(plan)
        require_approved(plan.approvals, Act.ERASE, plan.dossier)
        if not yes:
            _confirm(plan)
    done = await _erase(connection, plan, quiet=quiet)
    # The one copy of a grant that this command can reach; others keep theirs.
    connection.known.forget_grants(done.dossier)
    if output is not None:
        await write_certificate(connection, done, output, force=force)
    elif not quiet:
        text = _("to keep its certificate, type: scelle certificate fetch {dossier} -o FILE")
        say(text.format(dossier=done.dossier))
    show_erasure(done, as_json=as_json)


async def _erase(connection: Connection, plan: Erasure, *, quiet: bool) -> Erasure:
    shown, begun = 0, False
    try:
        with progress(_("erasing"), plan.size, quiet=quiet) as advance:

            def tell(state: Erasure) -> None:
                nonlocal shown, begun
                there = state.size * (state.versions - state.waiting) // max(state.versions, 1)
                advance(there - shown)
                shown, begun = there, True

            return await erasing.erase(connection.service, plan, tell=tell)
    except BaseException:
        if begun:
            say(_("nothing opens the dossier any more, but bodies are left: type the same again to go on"))
        raise


async def write_certificate(connection: Connection, done: Erasure, output: str, *, force: bool) -> None:
    """Fetch the certificate of an erased dossier, judge it and write it.

    Raises:
        CertificateForged, Distrusted: it is not one that counts; nothing was written.
        ConflictProblem: something of that name is there.
    """
    signed, lines = await erasing.fetch_certificate(connection.service, done)
    write_file(output, signed, checked(signed, lines, await anchored(connection)), force=force)


def _require_over(plan: Erasure) -> None:
    """Return if the service would erase it; it judges by its own clock in the end."""
    if plan.state is DossierState.OPEN:
        raise ConflictProblem(
            N_("{dossier}: the dossier is not closed; close it first with scelle dossier close"),
            dossier=plan.dossier,
        )
    if plan.allowed_from is None:
        raise ConflictProblem(
            N_(
                "{dossier}: no retention time is set for its démarche, so it is kept; "
                "see scelle retention set --help"
            ),
            dossier=plan.dossier,
        )
    if plan.allowed_from > time.time():
        raise ConflictProblem(
            N_("{dossier}: the dossier has to be kept until {time}"),
            dossier=plan.dossier,
            time=show_time(plan.allowed_from),
        )


def _confirm(plan: Erasure) -> None:
    """Say what will be gone, and have the dossier's name typed.

    Raises:
        UsageProblem: nobody can be asked, or another name was typed.
    """
    if not can_ask():
        raise UsageProblem(N_("no terminal to ask for the dossier's name; look with --dry-run, add --yes"))
    text = _(
        "for good: {versions} versions of proofs ({size}), {grants} grants, {templates} templates, "
        "{uploads} unfinished uploads"
    )
    say(
        text.format(
            versions=plan.versions,
            size=show_size(plan.size),
            grants=plan.grants,
            templates=plan.templates,
            uploads=plan.uploads,
        )
    )
    if plan.held_until is not None:
        text = _("{held} bodies ({size}) stay in the store until {time}, held by a lock")
        say(text.format(held=plan.held, size=show_size(plan.held_size), time=show_time(plan.held_until)))
    if not confirm_name(_("type {dossier} to erase it:").format(dossier=plan.dossier), plan.dossier):
        raise UsageProblem(N_("that is not the dossier's name; nothing was erased"))


def show_approvals(found: Approvals | None) -> str:
    """Return how many approvals of how many are there, nothing where none are needed."""
    return _("{given} of {needed}").format(given=found.given, needed=found.needed) if found else ""


def show_erasure(state: Erasure, *, as_json: bool) -> None:
    """Print what would be destroyed, or was."""
    if as_json:
        print_json(state.model_dump(mode="json"))
        return
    days = state.retention_days
    held = ""
    if state.held_until is not None:
        held = _("{count}, {size}, until {time}").format(
            count=state.held, size=show_size(state.held_size), time=show_time(state.held_until)
        )
    print_pairs(
        [
            (_("dossier"), state.dossier),
            (_("procedure"), state.procedure),
            (_("state"), state.state.value),
            (_("closed"), show_time(state.closed or 0)),
            (_("kept for"), _("not set") if days is None else show_days(days)),
            (_("may be erased"), show_time(state.allowed_from or 0)),
            (_("erased"), show_time(state.erased or 0)),
            (
                _("versions of proofs"),
                _("{count}, {size}").format(count=state.versions, size=show_size(state.size)),
            ),
            (_("grants"), str(state.grants)),
            (_("templates"), str(state.templates)),
            (_("unfinished uploads"), str(state.uploads)),
            (_("bodies to remove"), str(state.waiting)),
            (_("held by a lock"), held),
            (_("approvals"), show_approvals(state.approvals)),
        ]
    )
    if state.erased and state.waiting:
        say(_("bodies are left: type the same again later, or leave them to the service's janitor"))
