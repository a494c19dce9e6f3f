"""``scelle inspect`` and ``scelle verify``: what can be known of a container without any key."""

from __future__ import annotations

from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any

import click

from client.cli.options import container_argument, expected_options, json_option, quiet_option
from client.cli.output import print_json, print_pairs, print_table, show_size, show_time
from client.cli.style import command
from client.exchange.containers import ContainerFile
from client.refusals import RefusedContainer
from client.terminal import progress
from keys.derivation import key_id
from vault.container.envelope import PasswordSlot

if TYPE_CHECKING:
    from vault.container.envelope import Slot
    from vault.container.examine import Examined, Expectations


@command(
    "inspect",
    help=_(
        "Show what a stranger sees of a container, without any key: dossier, kind of evidence, times, size, "
        "who sealed it, and what accesses there are. Names and content of the files are not among it."
    ),
    examples=("scelle inspect aipd.scelle", "scelle inspect aipd.scelle --json"),
)
@container_argument()
@json_option()
def inspect(*, container: str, as_json: bool) -> None:
    """Print seal and envelope."""
    with ContainerFile.open(container) as file:
        examined = file.examine()
    if as_json:
        print_json(_describe(examined))
        return
    seal, envelope = examined.seal.seal, examined.envelope.envelope
    print_pairs(
        [
            *_seal_lines(examined),
            (_("size"), show_size(examined.size)),
            (_("recovery accesses"), str(len(seal.recovery) or "")),
            (_("later changes by"), ", ".join(writer.hex() for writer in seal.writers)),
            (_("generation"), str(envelope.generation)),
            (_("written by"), key_id(envelope.writer).hex()),
        ]
    )
    print_table([describe_slot(slot) for slot in envelope.slots])


@command(
    "verify",
    help=_(
        "Check, without any key, that a container is whole and which key sealed it: both signatures and "
        "every block. Whether that key is the right one, only you can say: give --signer with the keys that "
        "you know."
    ),
    examples=(
        "scelle verify aipd.scelle",
        "scelle verify aipd.scelle --signer depositor.pub --dossier D-1",
    ),
)
@container_argument()
@expected_options()
@quiet_option()
@json_option()
def verify(*, container: str, expected: Expectations, quiet: bool, as_json: bool) -> None:
    """Verify everything that can be verified without a key."""
    try:
        with ContainerFile.open(container) as file:
            examined = file.examine(expected)
            length = examined.preamble.payload_length
            with progress(_("verifying"), length, quiet=quiet) as advance:
                file.verify(examined, advance)
    except RefusedContainer as refused:
        if as_json:
            print_json({"whole": False, "outcome": refused.outcome.value, "detail": refused.detail})
        raise
    known = expected.signers is not None
    if as_json:
        print_json({"whole": True, "known_signer": known, **_describe(examined)})
        return
    blocks = examined.preamble.leaf_count
    whole = ngettext("yes, {count} block", "yes, {count} blocks", blocks).format(count=blocks)
    print_pairs([(_("whole"), whole), *_seal_lines(examined)])
    click.echo(_("sealed by a key that you gave") if known else _("sealed by an unknown key"))


def describe_slot(slot: Slot) -> tuple[str, str, str]:
    """Return an access as people are shown it: its id, its kind, whose key."""
    if isinstance(slot, PasswordSlot):
        return slot.id.hex(), _("password"), ""
    kinds = {"dossier": _("dossier key"), "reader": _("reader"), "recovery": _("recovery key")}
    kind = kinds[slot.role]
    if slot.generation:
        kind = _("{kind}, generation {number}").format(kind=kind, number=slot.generation)
    return slot.id.hex(), kind, slot.key.hex()


def slot_document(slot: Slot) -> dict[str, Any]:
    """Return an access as JSON is shown it."""
    if isinstance(slot, PasswordSlot):
        return {"id": slot.id.hex(), "type": "password", "holds_identity": bool(slot.identity)}
    return {
        "id": slot.id.hex(),
        "type": "recipient",
        "role": slot.role,
        "key": slot.key.hex(),
        "generation": slot.generation,
    }


def _seal_lines(examined: Examined) -> list[tuple[str, str]]:
    signed = examined.seal
    return [
        (_("seal id"), signed.seal_id.hex()),
        (_("dossier"), signed.seal.dossier),
        (_("kind of evidence"), signed.seal.evidence_type),
        (_("sealed at"), show_time(signed.seal.sealed_at)),
        (_("sealed by"), signed.seal.signer_key_id.hex()),
        (_("supersedes"), signed.seal.supersedes.hex()),
    ]


def _describe(examined: Examined) -> dict[str, Any]:
    signed, seal, envelope = examined.seal, examined.seal.seal, examined.envelope.envelope
    return {
        "format": seal.format,
        "size": examined.size,
        "container": seal.container.hex(),
        "seal_id": signed.seal_id.hex(),
        "dossier": seal.dossier,
        "evidence_type": seal.evidence_type,
        "supersedes": seal.supersedes.hex(),
        "sealed_at": seal.sealed_at,
        "signer": seal.signer_key_id.hex(),
        "writers": [writer.hex() for writer in seal.writers],
        "recovery": [slot_document(slot) for slot in seal.recovery],
        "payload_length": seal.payload_length,
        "root": seal.root.hex(),
        "content": seal.content.hex(),
        "envelope": {
            "digest": examined.envelope.digest.hex(),
            "generation": envelope.generation,
            "writer": key_id(envelope.writer).hex(),
            "kdf": {
                "memory_kib": envelope.kdf.memory_kib,
                "passes": envelope.kdf.passes,
                "lanes": envelope.kdf.lanes,
            },
            "slots": [slot_document(slot) for slot in envelope.slots],
        },
    }
