"""``scelle evidence``: what lies in a dossier; fetching it, archiving it, saying that it opened."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.online.acting import acting_option
from client.cli.online.connection import asking, online
from client.cli.online.identities import identity_options, own_identity
from client.cli.online.judging import judge_container
from client.cli.online.leftovers import tell_start, telling_what_stays
from client.cli.online.receiving import receipt_document
from client.cli.online.resuming import line_to_go_on
from client.cli.online.showing import show_proof, show_versions
from client.cli.online.trusting import anchored
from client.cli.options import force_option, json_option, quiet_option
from client.cli.output import print_json, print_pairs, show_size
from client.cli.requests import check_dossier
from client.cli.style import group
from client.exchange.targets import require_free
from client.remote.fetching import choose_version, fetch
from client.remote.pages import every
from client.remote.reporting import report_opening
from client.terminal import progress, say
from vault.api.models.evidence import EvidenceQuery, State

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from vault.api.models.base import Page
    from vault.api.models.evidence import Version


@group("evidence", help=_("Deposited proofs: listed by kind and state, fetched, archived."))
def evidence() -> None:
    """Hold the commands."""


@evidence.command(
    "list",
    help=_("List a dossier's proofs, the newest first; an editor sees its own."),
    examples=(
        "scelle evidence list D-2801",
        "scelle evidence list D-2801 --type aipd --state archived --json",
    ),
)
@click.argument("dossier_id", metavar=_("DOSSIER"))
@click.option("--type", "evidence_type", metavar=_("TYPE"), help=_("Only this kind of evidence."))
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    default=State.ACTIVE.value,
    show_default=True,
    help=_("What is in force, or what was replaced or put aside."),
)
@acting_option()
@json_option()
@online
async def list_(
    connection: Connection,
    *,
    dossier_id: str,
    evidence_type: str | None,
    state: str,
    acting_for: str | None,
    as_json: bool,
) -> None:
    """Print a table."""

    async def page(query: EvidenceQuery) -> Page[Version]:
        return await connection.service.list_evidence(check_dossier(dossier_id), query, acting_for=acting_for)

    query = asking(EvidenceQuery, type=evidence_type, state=State(state))
    show_versions([item async for item in every(page, query)], as_json=as_json)


@evidence.command(
    "show", help=_("Show one proof with all its versions."), examples=("scelle evidence show 5f0c… --json",)
)
@click.argument("proof", metavar=_("PROOF"))
@acting_option()
@json_option()
@online
async def show(connection: Connection, *, proof: str, acting_for: str | None, as_json: bool) -> None:
    """Print it."""
    show_proof(await connection.service.get_evidence(proof, acting_for=acting_for), as_json=as_json)


@evidence.command(
    "fetch",
    help=_(
        "Fetch a proof's container, check it block by block, and keep what opens it: grant, keys, mandates, "
        "receipt. Afterwards scelle open works offline, with your key file alone. What came of a download "
        "that did not finish stays in FILE.part, and --resume goes on with it."
    ),
    examples=(
        "scelle evidence fetch 5f0c… -o aipd.scelle",
        "scelle evidence fetch 5f0c… -o aipd.scelle --resume",
        "scelle evidence fetch 5f0c… --version 1 -o aipd-1.scelle",
    ),
)
@click.argument("proof", metavar=_("PROOF"))
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The container to make."))
@click.option(
    "--version",
    "number",
    type=click.IntRange(min=1),
    metavar=_("NUMBER"),
    help=_("Which version; by default the newest."),
)
@click.option(
    "--resume", is_flag=True, help=_("Go on with a download that did not finish; all of it is checked.")
)
@force_option(_("Overwrite the container if it exists."))
@quiet_option()
@json_option()
@online
async def fetch_(
    connection: Connection,
    *,
    proof: str,
    output: str,
    number: int | None,
    resume: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Fetch, verify, keep."""
    require_free(output, force=force)
    anchor = await anchored(connection)
    version = choose_version(await connection.service.get_evidence(proof), number)
    reviewing = connection.session is not None and connection.session.role in {"reviewer", "admin"}
    again = line_to_go_on(click.get_current_context())
    with progress(_("fetching"), version.size, quiet=quiet) as advance, telling_what_stays(output, again):
        fetched = await fetch(
            connection.service,
            anchor,
            connection.known,
            version,
            output,
            reviewing=reviewing,
            force=force,
            resume=resume,
            started=lambda start, size: tell_start(start, size, quiet=quiet),
            advance=advance,
        )
    if fetched.receipt is None and not quiet:
        say(_("note: there is no receipt for you; the signer was judged by the time that the seal claims"))
    receipt = receipt_document(fetched.receipt) if fetched.receipt else None
    if as_json:
        print_json({"container": output, "version": version.model_dump(mode="json"), "receipt": receipt})
        return
    print_pairs(
        [
            (_("container"), output),
            (_("dossier"), version.dossier),
            (_("kind of evidence"), version.evidence_type),
            (_("seal id"), version.seal_id),
            (_("size"), show_size(version.size)),
        ]
    )


@evidence.command(
    "archive",
    help=_("Archive a proof: it is no longer in force, and stays retrievable."),
    examples=("scelle evidence archive 5f0c…",),
)
@click.argument("proof", metavar=_("PROOF"))
@acting_option()
@json_option()
@online
async def archive(connection: Connection, *, proof: str, acting_for: str | None, as_json: bool) -> None:
    """Archive what is active now."""
    found = await connection.service.get_evidence(proof, acting_for=acting_for)
    archived = await connection.service.archive_evidence(
        found.id, if_match=found.seal_id, acting_for=acting_for
    )
    show_proof(archived, as_json=as_json)


@evidence.command(
    "opened",
    help=_(
        "Tell the service, signed, that a container that you fetched opens, or what stands in the way. It is "
        "opened here to find out, and nothing is written."
    ),
    examples=("scelle evidence opened aipd.scelle --identity me.key",),
)
@click.argument("container", metavar=_("CONTAINER"))
@identity_options()
@quiet_option()
@json_option()
@online
async def opened(
    connection: Connection,
    *,
    container: str,
    identity: str | None,
    passphrase_file: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Open, judge, sign, send."""
    reviewer = own_identity(connection, identity, passphrase_file)
    anchor = await anchored(connection)
    judged = judge_container(container, reviewer, quiet=quiet)
    stored = await report_opening(
        connection.service, judged.proof, reviewer, judged.outcome, now=anchor.now()
    )
    if as_json:
        print_json(
            {"evidence": judged.proof.evidence, "version": judged.proof.number, "outcome": stored.outcome}
        )
        return
    print_pairs([(_("proof"), judged.proof.evidence), (_("outcome"), stored.outcome)])
