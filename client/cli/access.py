"""``scelle access`` and ``scelle passwd``: who may open a container, changed without touching its content."""

from __future__ import annotations

import re
from contextlib import contextmanager
from gettext import gettext as _
from typing import TYPE_CHECKING, NamedTuple

import click

from client.cli.asking import checked_username, chosen_or_generated
from client.cli.checking import describe_slot, slot_document
from client.cli.options import (
    NO_PROOF,
    GivenProof,
    json_option,
    new_password_options,
    optional_container_argument,
    proof_options,
    quiet_option,
    recipient_options,
    who_options,
)
from client.cli.output import print_json, print_table
from client.cli.requests import read_recipients
from client.cli.results import show_password
from client.cli.style import command, group
from client.errors import N_, NotFoundProblem, UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.rewrapping import change_accesses
from client.refusals import refusing
from client.terminal import progress, say
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client.cli.online.deposited import DepositedContainer
    from client.cli.who import Who
    from vault.container.envelope import SignedEnvelope
    from vault.container.examine import Examined
    from vault.container.manifest import CarriedRecipient
    from vault.container.unlocking import Unlocked

_SLOT_ID = re.compile("[0-9a-f]{16}")


class _Changeable(NamedTuple):
    """A container whose accesses are about to be changed by somebody who can open it."""

    file: ContainerFile
    examined: Examined
    unlocked: Unlocked
    who: Who

    def change(
        self,
        *,
        quiet: bool,
        remove: Sequence[bytes] = (),
        passwords: Sequence[PasswordAccess] = (),
        recipients: Sequence[CarriedRecipient] = (),
    ) -> SignedEnvelope:
        signer = self.who.signer(self.unlocked, self.examined.seal)
        with progress(_("copying"), self.file.size, quiet=quiet) as advance:
            return change_accesses(
                self.file,
                self.examined,
                self.unlocked,
                signer,
                remove=remove,
                passwords=passwords,
                recipients=recipients,
                advance=advance,
            )


@group(
    "access",
    help=_(
        "Who may open a container: list, add and remove accesses. The sealed content stays byte for byte as "
        "it is. Removing an access takes nothing from somebody who opened the container before, or kept a "
        "copy."
    ),
)
def access() -> None:
    """Do nothing before the command that was typed."""


@access.command(
    "list",
    help=_(
        "List the accesses to a container, without any key: who holds one is not visible, only key ids. With "
        "--proof it is what the service has, by your session of scelle login."
    ),
    examples=("scelle access list aipd.scelle", "scelle access list --proof 5f0c…"),
)
@optional_container_argument()
@proof_options()
@json_option()
def list_(*, container: str | None, given: GivenProof, as_json: bool) -> None:
    """Print the slots."""
    given.require_either(container)
    if container is None:
        from client.cli.online.deposited import envelope_of  # noqa: PLC0415 - files need no service

        envelope = envelope_of(given)
    else:
        with ContainerFile.open(container) as file:
            envelope = file.examine().envelope.envelope
    if as_json:
        slots = [slot_document(slot) for slot in envelope.slots]
        print_json({"generation": envelope.generation, "slots": slots})
    else:
        print_table([describe_slot(slot) for slot in envelope.slots])


@access.command(
    "add",
    help=_(
        "Give somebody access to a container: holders of a key, or a new user name and password. You must be "
        "able to open it, and to sign as the one who sealed it. With --proof it is done at the service."
    ),
    examples=(
        "scelle access add aipd.scelle --username a.martin --recipient bob.pub",
        "scelle access add aipd.scelle -u a.martin --template dossier.scelle --new-username b.durand",
        "scelle access add --proof 5f0c… -u a.martin --template dossier.scelle --recipient bob.pub",
    ),
)
@optional_container_argument()
@proof_options()
@who_options()
@recipient_options()
@click.option("--new-username", metavar=_("NAME"), help=_("User name that gets an access by password."))
@new_password_options()
@quiet_option()
@json_option()
def add(
    *,
    container: str | None,
    given: GivenProof,
    who: Who,
    recipient: Sequence[str],
    generation: int,
    new_username: str | None,
    new_password_file: str | None,
    ask_password: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Add slots."""
    recipients = read_recipients(recipient, generation)
    if any(found.role == "recovery" for found in recipients):
        raise UsageProblem(N_("a recovery key is part of the seal; it can only be given when sealing"))
    if not recipients and not new_username:
        raise UsageProblem(N_("say who gets access: --recipient FILE, or --new-username NAME"))
    new_username = checked_username(new_username) if new_username else ""
    with _changing(container, given, who) as changeable:
        password, generated = "", False
        if new_username:
            policy = who.policy(changeable.examined.seal.seal, container)
            password, generated = chosen_or_generated(
                new_username, new_password_file, ask=ask_password, policy=policy
            )
        passwords = (PasswordAccess(new_username, password),) if new_username else ()
        envelope = changeable.change(quiet=quiet, passwords=passwords, recipients=recipients)
    _report(envelope, new_username, password if generated else "", as_json=as_json, quiet=quiet)


@access.command(
    "remove",
    help=_("Take accesses away, by the ids that access list shows. With --proof it is done at the service."),
    examples=(
        "scelle access remove aipd.scelle 3f2a9c0d11b27e58 --username a.martin",
        "scelle access remove --proof 5f0c… 3f2a9c0d11b27e58 -u a.martin --template dossier.scelle",
    ),
)
@click.argument("arguments", nargs=-1, required=True, metavar=_("[CONTAINER] ID..."))
@proof_options()
@who_options()
@quiet_option()
@json_option()
def remove(*, arguments: Sequence[str], given: GivenProof, who: Who, quiet: bool, as_json: bool) -> None:
    """Remove slots."""
    container, ids = (None, arguments) if given.proof else (arguments[0], arguments[1:])
    if not ids:
        raise UsageProblem(N_("say which accesses to take away, by the ids that scelle access list shows"))
    with _changing(container, given, who) as changeable:
        present = {slot.id for slot in changeable.examined.envelope.envelope.slots}
        for name in ids:
            if not _SLOT_ID.fullmatch(name) or bytes.fromhex(name) not in present:
                raise NotFoundProblem(
                    N_("{container}: there is no access {id}; see scelle access list"),
                    container=container or given.proof,
                    id=name,
                )
        gone = {bytes.fromhex(name) for name in ids}
        if gone == present:
            raise UsageProblem(
                N_("nobody could open the container any more; leave one access, or add one first")
            )
        envelope = changeable.change(quiet=quiet, remove=sorted(gone))
    _report(envelope, "", "", as_json=as_json, quiet=quiet)


@command(
    "passwd",
    help=_(
        "Change your password for a container. The old one still opens copies that were made before. A "
        "sealed proof also needs the key that may change it: --template or --identity. With --dossier or "
        "--proof it is done at the service to what you deposited: it then opens with the user name and "
        "password that you give, those of your template, and with your present key; other passwords, and "
        "keys that your template had before, open it no more. What is done already is left alone, so type "
        "it again after an interruption."
    ),
    examples=(
        "scelle passwd work.scelle --username a.martin",
        "scelle passwd aipd.scelle --username a.martin --template dossier.scelle --ask-password",
        "scelle passwd --dossier D-2801 --template dossier.scelle --username a.martin --dry-run",
        "scelle passwd --proof 5f0c… --template dossier.scelle --username a.martin",
    ),
)
@click.argument("container", required=False, metavar=_("[CONTAINER]"))
@click.option("--dossier", metavar="ID", help=_("All that you deposited in this dossier, archived or not."))
@click.option("--proof", metavar=_("PROOF"), help=_("All your versions of this proof."))
@click.option(
    "--no-password", is_flag=True, help=_("With --dossier or --proof: let keys alone open it from now on.")
)
@click.option("--dry-run", is_flag=True, help=_("Say what there is to do, and write nothing."))
@click.option(
    "--server", metavar="URL", help=_("The service; by default the one that you signed in to last.")
)
@who_options()
@new_password_options()
@quiet_option()
@json_option()
def passwd(
    *,
    container: str | None,
    dossier: str | None,
    proof: str | None,
    no_password: bool,
    dry_run: bool,
    server: str | None,
    who: Who,
    new_password_file: str | None,
    ask_password: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Replace one's password slots, in a file or at the service."""
    if sum(given is not None for given in (container, dossier, proof)) != 1:
        raise UsageProblem(N_("say what to change, one of: CONTAINER, --dossier ID, --proof PROOF"))
    if container is None:
        if new_password_file or ask_password:
            raise UsageProblem(
                N_("deposited proofs get the password that you give with your user name: --password-file")
            )
        from client.cli.online.passwords import (  # noqa: PLC0415 - files need no service
            Deposits,
            change_passwords,
        )

        deposits = Deposits(dossier, proof, server, dry_run, no_password)
        change_passwords(who, deposits, quiet=quiet, as_json=as_json)
        return
    if dry_run or server or no_password:
        raise UsageProblem(N_("--dry-run, --no-password and --server go with --dossier or --proof"))
    if not who.username:
        raise UsageProblem(N_("say whose password to change: --username NAME"))
    with _changing(container, NO_PROOF, who) as changeable:
        slots = changeable.examined.envelope.envelope.password_slots
        if changeable.unlocked.slot_id not in {slot.id for slot in slots}:
            raise UsageProblem(N_("your key opens this container, not your password; see scelle access add"))
        # A template that was taken over has several, which carry one key each.
        opened = unlock_all(changeable.examined, who.password_access())
        policy = who.policy(changeable.examined.seal.seal, container)
        password, generated = chosen_or_generated(
            who.username, new_password_file, ask=ask_password, policy=policy
        )
        envelope = changeable.change(
            quiet=quiet,
            remove=[slot.slot_id for slot in opened],
            passwords=[PasswordAccess(who.username, password, identity=slot.identity) for slot in opened],
        )
    _report(envelope, who.username, password if generated else "", as_json=as_json, quiet=quiet)


@contextmanager
def _changing(
    container: str | None, given: GivenProof, who: Who
) -> Iterator[_Changeable | DepositedContainer]:
    given.require_either(container)
    if container is None:
        from client.cli.online.deposited import DepositedContainer  # noqa: PLC0415 - files need no service

        yield DepositedContainer(given, who)
        return
    with ContainerFile.open(container) as file:
        file.require_replaceable()
        examined = file.examine()
        with refusing(container):
            unlocked = who.access(password_first=True).unlock(examined)
        yield _Changeable(file, examined, unlocked, who)


def _report(envelope: SignedEnvelope, username: str, password: str, *, as_json: bool, quiet: bool) -> None:
    document = envelope.envelope
    if as_json:
        shown = {"username": username, "password": password} if password else {}
        slots = [slot_document(slot) for slot in document.slots]
        print_json({"generation": document.generation, "slots": slots, **shown})
        return
    if not quiet:
        say(_("accesses changed; generation {number}").format(number=document.generation))
    if password:
        show_password(username, password)
