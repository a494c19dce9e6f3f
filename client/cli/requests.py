"""From the options of ``seal`` to what is to be sealed, for whom and by whom."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from client.cli.asking import checked_username, load_sealer, new_password_for
from client.errors import N_, UsageProblem
from client.keyfiles import read_recipient
from client.media import allowed_types
from client.policies import FORBIDDEN, asked_of
from keys.randomness import random_bytes
from keys.signing import SEED_LENGTH, SigningKey
from vault.container import limits
from vault.container.seal import is_dossier
from vault.container.sealing import SealRequest
from vault.container.slots import PasswordAccess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vault.container.manifest import CarriedRecipient

DEFAULT_TYPE: Final = "other"
_SEAL_ID: Final = re.compile("[0-9a-f]{64}")


class SealOptions(NamedTuple):
    """What was typed after ``scelle seal``."""

    dossier: str | None
    evidence_type: str | None
    recipient: Sequence[str]
    generation: int
    username: str | None
    password_file: str | None
    no_password: bool
    identity: str | None
    passphrase_file: str | None
    template: str | None
    supersedes: str | None
    note: str
    any_content: bool
    force: bool


class Order(NamedTuple):
    """What is to be sealed and by whom.

    Attributes:
        request: what.
        signer: by whom.
        anonymous: by a fresh key that nobody will have again.
        without_password: there would be an access by password, if the organisation allowed it.
        generated: the access whose password was made here, and has to be shown.
    """

    request: SealRequest
    signer: SigningKey
    anonymous: bool = False
    without_password: bool = False
    generated: PasswordAccess | None = None


def make_order(options: SealOptions) -> Order:
    """Return what the options ask for.

    Raises:
        UsageProblem: options that are missing or do not go together.
        ClientError: a key file or template that does not open.
    """
    check_note(options.note)
    allowed_types(options.evidence_type or DEFAULT_TYPE)
    return _from_template(options) if options.template else _from_options(options)


def read_recipients(paths: Sequence[str], generation: int) -> list[CarriedRecipient]:
    """Return the public keys in files, each once.

    Raises:
        ClientError: not a public key file.
    """
    return list(dict.fromkeys(read_recipient(path, generation=generation) for path in paths))


def check_dossier(dossier: str) -> str:
    """Return ``dossier`` if it can be a dossier's id.

    Raises:
        UsageProblem: it cannot.
    """
    if not is_dossier(dossier):
        raise UsageProblem(
            N_("{dossier}: a dossier's id has 1 to 64 characters: letters without accents, digits and . _ -"),
            dossier=dossier,
        )
    return dossier


def check_note(note: str) -> None:
    """Refuse a note that no container may hold.

    Raises:
        UsageProblem: it is too long, or has control characters.
    """
    if len(note.encode(errors="replace")) > limits.NOTE or re.search("[\x00-\x1f\x7f\ud800-\udfff]", note):
        raise UsageProblem(N_("a note has one line of at most {limit} bytes"), limit=limits.NOTE)


def _from_options(options: SealOptions) -> Order:
    if options.dossier is None:
        raise UsageProblem(N_("say which dossier it belongs to: --dossier ID, or --template FILE"))
    if options.evidence_type is None:
        raise UsageProblem(N_("say what kind of evidence it is: --type TYPE"))
    if options.no_password:
        raise UsageProblem(N_("--no-password goes with --template only; leave --username out instead"))
    dossier = check_dossier(options.dossier)
    recipients = read_recipients(options.recipient, options.generation)
    if not options.username and all(recipient.role == "recovery" for recipient in recipients):
        raise UsageProblem(N_("nobody could open it; add --recipient FILE or --username NAME"))
    username = checked_username(options.username) if options.username else ""
    supersedes = _superseded(options.supersedes)
    signer = _signer(options)
    passwords, generated = [], False
    if username:
        policy = asked_of(dossier)
        password, generated = new_password_for(username, options.password_file, policy=policy)
        passwords = [PasswordAccess(username, password)]
    request = SealRequest(
        dossier=dossier,
        evidence_type=options.evidence_type,
        sealed_at=int(time.time()),
        recipients=recipients,
        passwords=passwords,
        supersedes=supersedes,
        note=options.note,
    )
    return Order(
        request, signer, anonymous=not options.identity, generated=passwords[0] if generated else None
    )


def _from_template(options: SealOptions) -> Order:
    from client.cli.who import Who, open_template  # noqa: PLC0415 - sealing to public keys unlocks nothing

    if options.identity or options.dossier:
        raise UsageProblem(N_("dossier and key come from the template; leave --dossier and --identity out"))
    assert options.template is not None
    who = Who(
        username=options.username,
        password_file=options.password_file,
        identity=(),
        passphrase_file=None,
        template=options.template,
        grant=(),
    )
    supersedes = _superseded(options.supersedes)
    template = open_template(options.template, who)
    forbidden = template.policy == FORBIDDEN
    recipients = dict.fromkeys((*template.recipients, template.reader))
    recipients.update(dict.fromkeys(read_recipients(options.recipient, options.generation)))
    request = SealRequest(
        dossier=template.seal.dossier,
        evidence_type=options.evidence_type or DEFAULT_TYPE,
        sealed_at=int(time.time()),
        recipients=list(recipients),
        passwords=() if options.no_password or forbidden else (who.password_access(),),
        writers=template.seal.writers,
        supersedes=supersedes,
        note=options.note,
    )
    return Order(request, template.identity.signing, without_password=forbidden and not options.no_password)


def _signer(options: SealOptions) -> SigningKey:
    if not options.identity:
        return SigningKey(random_bytes(SEED_LENGTH))
    return load_sealer(options.identity, options.passphrase_file)


def _superseded(given: str | None) -> bytes:
    """Return the seal id that ``--supersedes`` names: 64 hexadecimal digits, or a receipt's file."""
    if not given:
        return b""
    if _SEAL_ID.fullmatch(given.lower()):
        return bytes.fromhex(given)
    from keys.errors import KeyMaterialError  # noqa: PLC0415 - only with a receipt
    from keys.kinds import Receipt  # noqa: PLC0415 - as above
    from keys.statements import MAX_CARRIED, decode_signed, read_unjudged  # noqa: PLC0415 - as above

    with open(given, "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
        data = file.read(MAX_CARRIED + 1)
    try:
        return read_unjudged(decode_signed(data), Receipt).seal_id
    except KeyMaterialError as error:
        raise UsageProblem(
            N_("{path}: this is neither a receipt nor a seal id of 64 hexadecimal digits"), path=given
        ) from error
