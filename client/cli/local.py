"""``scelle new``, ``add`` and ``remove``: a container to work with before anything is deposited."""

from __future__ import annotations

import time
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from client.cli.asking import checked_username, chosen_or_generated, load_sealer
from client.cli.options import (
    any_content_option,
    container_argument,
    evidence_type_option,
    force_option,
    json_option,
    new_password_options,
    note_option,
    passphrase_option,
    quiet_option,
    recipient_options,
    who_options,
)
from client.cli.requests import DEFAULT_TYPE, check_dossier, check_note, read_recipients
from client.cli.results import report_sealed, show_password, tell_disagreements
from client.cli.style import command
from client.exchange.opening import open_file
from client.exchange.resealing import Change, reseal
from client.exchange.sealing import gather, seal_files
from client.policies import asked_of
from client.terminal import progress, say
from keys.keyfile import Use
from keys.keyring import Identity
from vault.container.sealing import SealRequest
from vault.container.slots import PasswordAccess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.cli.who import Who
    from client.exchange.opening import OpenContainer


@command(
    "new",
    help=_(
        "Make a container to work with: add files, take some out, add others. It opens with your user name "
        "and a password that is made for you, shown once, and nowhere kept."
    ),
    examples=(
        "scelle new work.scelle --username a.martin",
        "scelle new aipd.scelle report.pdf -u a.martin --dossier D-1 --type aipd --recipient dossier.pub",
    ),
)
@container_argument()
@click.argument("paths", nargs=-1, metavar=_("[PATH]..."))
@click.option(
    "-u", "--username", required=True, metavar=_("NAME"), help=_("Your user name in the container.")
)
@new_password_options("--password-file")
@click.option("--dossier", metavar="ID", default="local", show_default=True, help=_("The dossier."))
@evidence_type_option(default=DEFAULT_TYPE)
@recipient_options()
@click.option(
    "-i",
    "--identity",
    metavar=_("FILE"),
    help=_("Your key file, to seal with; otherwise a key is made and kept inside."),
)
@passphrase_option()
@note_option()
@any_content_option()
@force_option(_("Overwrite the container if it exists."))
@quiet_option()
@json_option()
def new(
    *,
    container: str,
    paths: Sequence[str],
    username: str,
    password_file: str | None,
    ask_password: bool,
    dossier: str,
    evidence_type: str,
    recipient: Sequence[str],
    generation: int,
    identity: str | None,
    passphrase_file: str | None,
    note: str,
    any_content: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Seal a first version, which may be empty."""
    check_note(note)
    username = checked_username(username)
    recipients = read_recipients(recipient, generation)
    check_dossier(dossier)
    gathered = gather(paths, evidence_type, any_content=any_content)
    tell_disagreements(gathered, quiet=quiet)
    if identity:
        signer, seed = load_sealer(identity, passphrase_file), b""
    else:
        made = Identity.generate(Use.PERSON)
        signer, seed = made.signing, made.seed
    password, generated = chosen_or_generated(
        username, password_file, ask=ask_password, policy=asked_of(dossier)
    )
    request = SealRequest(
        dossier=dossier,
        evidence_type=evidence_type,
        sealed_at=int(time.time()),
        recipients=recipients,
        passwords=(PasswordAccess(username, password, identity=seed),),
        note=note,
    )
    with progress(_("sealing"), gathered.size, quiet=quiet) as advance:
        sealed = seal_files(gathered, container, request, signer, force=force, advance=advance)
    extra = {"username": username, "password": password} if generated else {"username": username}
    report_sealed(container, sealed, as_json=as_json, quiet=quiet, extra=extra)
    if generated and not as_json:
        show_password(username, password)


@command(
    "add",
    help=_(
        "Add files and folders to a container. A container is sealed once, so it becomes a new one in the "
        "same place, which opens with your password and for the same public keys."
    ),
    examples=("scelle add work.scelle annexes/ --username a.martin",),
)
@container_argument()
@click.argument("paths", nargs=-1, required=True, metavar=_("PATH..."))
@who_options()
@any_content_option()
@force_option(_("Replace files of the container that have the same path."))
@quiet_option()
@json_option()
def add(
    *,
    container: str,
    paths: Sequence[str],
    who: Who,
    any_content: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Seal again with more files."""
    with open_file(container, who.access(password_first=True)) as opened:
        opened.file.require_replaceable()
        evidence_type = opened.examined.seal.seal.evidence_type
        gathered = gather(paths, evidence_type, any_content=any_content)
        tell_disagreements(gathered, quiet=quiet)
        _reseal(opened, Change(gathered, force=force), who, quiet=quiet, as_json=as_json)


@command(
    "remove",
    help=_(
        "Remove files and folders from a container. It becomes a new one in the same place; who kept the old "
        "one can still read them there."
    ),
    examples=("scelle remove work.scelle annexes/draft.txt --username a.martin",),
)
@container_argument()
@click.argument("paths", nargs=-1, required=True, metavar=_("PATH..."))
@who_options()
@quiet_option()
@json_option()
def remove(*, container: str, paths: Sequence[str], who: Who, quiet: bool, as_json: bool) -> None:
    """Seal again with fewer files."""
    with open_file(container, who.access(password_first=True)) as opened:
        opened.file.require_replaceable()
        removed = opened.select(paths) or []
        _reseal(opened, Change(removed=removed), who, quiet=quiet, as_json=as_json)


def _reseal(opened: OpenContainer, change: Change, who: Who, *, quiet: bool, as_json: bool) -> None:
    signer = who.signer(opened.unlocked)
    password_slots = opened.examined.envelope.envelope.password_slots
    kept = any(slot.id == opened.unlocked.slot_id for slot in password_slots)
    lost = len(password_slots) - kept
    passwords = (who.password_access(identity=opened.unlocked.identity),) if kept else ()
    total = sum(file.size for file in opened.opened.manifest.files)
    total += change.added.size if change.added else 0
    with progress(_("sealing"), total, quiet=quiet) as advance:
        sealed = reseal(
            opened, change, signer, sealed_at=int(time.time()), passwords=passwords, advance=advance
        )
    report_sealed(opened.file.path, sealed, as_json=as_json, quiet=quiet)
    if lost and not quiet:
        text = ngettext(
            "note: {count} access by another password could not be carried over; add it again",
            "note: {count} accesses by other passwords could not be carried over; add them again",
            lost,
        )
        say(text.format(count=lost))
