"""``scelle deposit``: a sealed container into its dossier, and its receipt into the profile."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager, suppress
from gettext import gettext as _
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from client.cli.asking import load_identity
from client.cli.online.acting import acting_option
from client.cli.online.connection import (
    Connection,
    known_service,
    reach,
    server_option,
    signed_in,
    wait_for,
)
from client.cli.online.receiving import read_receipt, show_receipt, write_receipt
from client.cli.online.resuming import line_to_go_on
from client.cli.online.trusting import (
    anchored,
    kept_anchor,
    settle_trust,
    trust_by_template,
    trust_option,
)
from client.cli.online.uploads import Telling
from client.cli.options import force_option, json_option, passphrase_option, quiet_option, username_options
from client.cli.style import command
from client.cli.who import Who, open_template
from client.errors import N_, NotFoundProblem, UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.opening import Access
from client.exchange.targets import require_free
from client.profile import Profile
from client.records import Proof
from client.remote.depositing import Rewriter, abandon
from client.remote.depositing import deposit as deposit_
from client.remote.parts import Way
from client.remote.problems import ServiceProblem, TransportProblem
from client.remote.signin import sign_in
from client.terminal import progress, say
from keys.statements import Receipt, read_unjudged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from client.profile import ServiceProfile
    from client.remote.depositing import Kept

_PROOF_ID: Final = re.compile("[0-9a-f]{32}")
_SEAL_ID: Final = re.compile("[0-9a-f]{64}")


class _Given(NamedTuple):
    identity: str | None
    passphrase_file: str | None
    template: str | None
    username: str | None
    password_file: str | None
    trust: str | None


class _Entry(NamedTuple):
    """Where one deposits, who could write the container's accesses anew, and how to sign in once more."""

    connection: Connection
    rewriter: Rewriter | None
    sign_in: Callable[[], Awaitable[object]] | None


@command(
    "deposit",
    help=_(
        "Deposit a sealed container. With --template one password signs you in and out again; without it the "
        "session of scelle login is used. With --replaces the container takes the place of a proof, whose "
        "version before is archived. The receipt is verified and kept. Large containers go in parts: typed "
        "again after a broken line or a killed command, here or on another machine, only the missing parts "
        "are sent."
    ),
    examples=(
        "scelle deposit aipd.scelle --template dossier.scelle --username a.martin",
        "scelle deposit aipd-2.scelle --replaces 5f0c… --template dossier.scelle --username a.martin",
        "scelle deposit aipd.scelle --receipt-out aipd.receipt --json",
        "scelle deposit logs.scelle --resume --template dossier.scelle --username a.martin",
        "scelle deposit logs.scelle --abandon --template dossier.scelle --username a.martin",
    ),
)
@click.argument("container", metavar=_("CONTAINER"))
@click.option(
    "--replaces",
    metavar=_("PROOF"),
    help=_("The proof to replace: its id, the seal id or the receipt of its active version."),
)
@click.option(
    "--resume",
    is_flag=True,
    help=_("Go on with an upload of this container that did not finish, and do not begin one."),
)
@click.option(
    "--abandon",
    "abandoned",
    is_flag=True,
    help=_("Give up an upload of this container that did not finish: the service forgets its parts."),
)
@click.option("--template", metavar=_("FILE"), help=_("Template that holds your key."))
@username_options()
@click.option("-i", "--identity", metavar=_("FILE"), help=_("Your key file, to sign in with for this once."))
@passphrase_option()
@acting_option()
@click.option("--receipt-out", metavar=_("FILE"), help=_("Write the receipt there too."))
@force_option(_("Overwrite the receipt's file if it exists."))
@trust_option()
@server_option()
@quiet_option()
@json_option()
def deposit(
    *,
    container: str,
    replaces: str | None,
    resume: bool,
    abandoned: bool,
    acting_for: str | None,
    receipt_out: str | None,
    force: bool,
    server: str | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Sign in, send, verify, keep."""
    given = _Given(**options)
    if given.template and given.identity:
        raise UsageProblem(N_("--template and --identity exclude each other; give one"))
    if given.template and not given.username:
        raise UsageProblem(N_("a template opens with its user name; add --username"))
    if resume and abandoned:
        raise UsageProblem(N_("--resume and --abandon exclude each other; give one"))
    if receipt_out:
        require_free(receipt_out, force=force)
    proof = _proof_id(replaces) if replaces else None
    known = known_service(server)
    if abandoned:
        wait_for(_give_up(known, given, container, replaces=proof, acting_for=acting_for))
        if not quiet:
            say(_("the upload was given up; the service has forgotten its parts"))
        return
    with ContainerFile.open(container) as file:
        size = file.size
    again = line_to_go_on(click.get_current_context())

    async def work() -> Kept:
        async with _enter(known, given) as entry:
            # Whoever signed in for this has heard who speaks; a session that was kept may be from before.
            anchor = kept_anchor(known) if entry.sign_in else await anchored(entry.connection)
            with (
                # Outside: what is told while progress shows is broken where the terminal's line ends.
                Telling(again, quiet=quiet) as telling,
                progress(_("depositing"), size, quiet=quiet) as advance,
            ):
                return await deposit_(
                    entry.connection.service,
                    anchor,
                    container,
                    replaces=proof,
                    acting_for=acting_for,
                    rewriter=entry.rewriter,
                    advance=advance,
                    way=Way(resume=resume, found=telling.found, sign_in=entry.sign_in),
                )

    kept = wait_for(work())
    _keep(known, kept)
    if receipt_out:
        write_receipt(receipt_out, kept.signed, force=force)
    if kept.rewritten and not quiet:
        say(_("note: the dossier's key had changed; the container's accesses were written anew"))
    extra = {"version": kept.version.number, "rewritten": kept.rewritten}
    show_receipt(kept.receipt, as_json=as_json, extra=extra)


async def _give_up(
    known: ServiceProfile,
    given: _Given,
    container: str,
    *,
    replaces: str | None,
    acting_for: str | None,
) -> None:
    async with _enter(known, given) as entry:
        await abandon(entry.connection.service, container, replaces=replaces, acting_for=acting_for)


@asynccontextmanager
async def _enter(known: ServiceProfile, given: _Given) -> AsyncIterator[_Entry]:
    if given.template is None and given.identity is None:
        async with signed_in(known) as connection:
            yield _Entry(connection, None, None)
        return
    async with reach(known) as service:
        if given.template is not None:
            who = Who(
                username=given.username,
                password_file=given.password_file,
                identity=(),
                passphrase_file=None,
                template=given.template,
                grant=(),
            )
            template = open_template(given.template, who)
            identity, password = template.identity, who.password_access
            await trust_by_template(service, known, template)
        else:
            assert given.identity is not None
            identity, password = load_identity(given.identity, given.passphrase_file), None
            await settle_trust(service, known, given.trust)
        signed = await sign_in(service, identity)
        try:
            access = Access(lambda: [identity.decapsulation], password)
            rewriter = Rewriter(access.unlock, lambda _unlocked: identity.signing)
            yield _Entry(
                Connection(service, known, signed.session), rewriter, lambda: sign_in(service, identity)
            )
        finally:
            # It was for this once; it would end by itself within the hour.
            with suppress(ServiceProblem, TransportProblem):
                await service.delete_session()


def _keep(known: ServiceProfile, kept: Kept) -> None:
    receipt = kept.receipt
    known.keep_policy(receipt.dossier, kept.policy)
    known.keep_proof(
        Proof(
            receipt.seal_id,
            receipt.proof,
            kept.version.number,
            receipt.dossier,
            receipt.generation,
            kept.signed,
        )
    )


def _proof_id(given: str) -> str:
    """Return the id of the proof that ``--replaces`` names.

    Raises:
        NotFoundProblem: a seal id that the profile does not know.
        UsageProblem: neither id nor receipt.
    """
    if _PROOF_ID.fullmatch(given):
        return given
    if _SEAL_ID.fullmatch(given):
        found = Profile.default().find_proof(bytes.fromhex(given))
        if found is None:
            raise NotFoundProblem(
                N_("no deposit with the seal id {seal} is kept here; give the proof's id"), seal=given
            )
        return found[1].evidence
    return read_unjudged(read_receipt(given), Receipt).proof
