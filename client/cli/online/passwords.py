"""``scelle passwd`` on what is deposited: proofs of before get the password and key of now."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager, suppress
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Final, NamedTuple

from client.cli.online.connection import Connection, known_service, reach, wait_for
from client.cli.online.trusting import kept_anchor, settle_trust, trust_by_template
from client.cli.output import print_json, print_pairs, show_size
from client.cli.requests import check_dossier
from client.cli.who import open_template
from client.errors import N_, AccessProblem, UsageProblem
from client.remote.problems import ServiceProblem, TransportProblem
from client.remote.repassing import Holder, Repassing, own_versions
from client.remote.signin import sign_in
from client.terminal import counting, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client.cli.who import Who
    from client.profile import ServiceProfile
    from client.remote.repassing import Tally
    from keys.keyring import Identity
    from vault.api.models.evidence import Version


_PROOF: Final = re.compile("[0-9a-f]{32}")


class Deposits(NamedTuple):
    """What is to be changed.

    Attributes:
        dossier: all that one deposited in this dossier, or None.
        proof: all versions of this proof, or None.
        server: URL of the service, or None for the current one.
        dry: whether to find out only.
        no_password: whether keys alone are to open it.
    """

    dossier: str | None
    proof: str | None
    server: str | None
    dry: bool
    no_password: bool = False


def check_proof(proof: str) -> str:
    """Return ``proof`` if it can be a proof's id.

    Raises:
        UsageProblem: it cannot.
    """
    if not _PROOF.fullmatch(proof):
        raise UsageProblem(
            N_("{proof}: a proof's id has 32 hexadecimal digits; see scelle evidence list"), proof=proof
        )
    return proof


@asynccontextmanager
async def entered(known: ServiceProfile, who: Who) -> AsyncIterator[tuple[Connection, list[Identity]]]:
    """Sign in for this once, with a template or a key file; give the key, and those in whose place it stands.

    Raises:
        AccessProblem, ServiceProblem: nobody is let in.
    """
    async with reach(known) as service:
        if who.template:
            opened = open_template(who.template, who)
            line = [opened.identity, *opened.former]
            await trust_by_template(service, known, opened)
        else:
            line = who.identities
            await settle_trust(service, known, None)
        signed = await sign_in(service, line[0])
        try:
            yield Connection(service, known, signed.session), line
        finally:
            # It was for this once; it would end by itself within the hour.
            with suppress(ServiceProblem, TransportProblem):
                await service.delete_session()


def change_passwords(who: Who, deposits: Deposits, *, quiet: bool, as_json: bool) -> None:
    """Bring deposited proofs to the password and key that their editor has now, and report.

    Raises:
        UsageProblem: nobody was named.
        AccessProblem: some of them neither key nor password opens; the others are changed.
    """
    if not who.username and not deposits.no_password:
        raise UsageProblem(N_("say whose password to change: --username NAME"))
    if not who.template and not who.has_identity:
        raise UsageProblem(
            N_("deposited proofs are changed by who sealed them; add --template FILE or --identity FILE")
        )
    if deposits.proof is not None:
        check_proof(deposits.proof)
    tally = wait_for(_change(known_service(deposits.server), who, deposits, quiet=quiet))
    _report(tally, dry=deposits.dry, as_json=as_json, quiet=quiet)
    if tally.closed:
        raise AccessProblem(
            N_(
                "neither your key nor this password opens {count} of them, which stay as they were: {names}; "
                "an admin can still write their accesses anew"
            ),
            count=len(tally.closed),
            names=", ".join(tally.closed[:10]),
        )


async def _change(known: ServiceProfile, who: Who, deposits: Deposits, *, quiet: bool) -> Tally:
    async with entered(known, who) as (connection, line):
        service = connection.service
        if deposits.proof is not None:
            found = await service.get_evidence(deposits.proof)
            dossier, versions = found.dossier, list(found.versions)
        else:
            assert deposits.dossier is not None
            dossier = check_dossier(deposits.dossier)
            versions = await own_versions(service, dossier)
        if not quiet:
            _tell_plan(versions)
        holder = Holder(line, None if deposits.no_password else who.password_access())
        repassing = Repassing(service, known, kept_anchor(known), dossier, holder)
        with counting(_("rewriting"), len(versions), quiet=quiet) as advance:
            return await repassing.run(versions, dry=deposits.dry, advance=advance)


def _tell_plan(versions: list[Version]) -> None:
    text = ngettext(
        "{count} deposited version: only its list of accesses is written anew, {size} stay as they are",
        "{count} deposited versions: only their lists of accesses are written anew, {size} stay as they are",
        len(versions),
    )
    say(text.format(count=len(versions), size=show_size(sum(version.size for version in versions))))


def _report(tally: Tally, *, dry: bool, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json(
            {
                "versions": tally.versions,
                "changed": tally.changed,
                "envelope_bytes": tally.envelope_bytes,
                "other_accesses": tally.others,
                "not_opened": list(tally.closed),
                "dry_run": dry,
            }
        )
        return
    if quiet:
        return
    unchanged = tally.versions - tally.changed - len(tally.closed)
    print_pairs(
        [
            (_("to change") if dry else _("changed"), str(tally.changed)),
            (_("as they should be"), str(unchanged)),
            (_("to send") if dry else _("sent"), show_size(tally.envelope_bytes)),
        ]
    )
    if tally.others:
        text = ngettext(
            "note: {count} access by another password goes with it; add it again",
            "note: {count} accesses by other passwords go with them; add them again",
            tally.others,
        )
        say(text.format(count=tally.others))
