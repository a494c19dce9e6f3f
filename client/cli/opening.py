"""``scelle list``, ``scelle open`` and ``scelle cat``: what needs a key or a password."""

from __future__ import annotations

import codecs
import sys
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from client.cli.options import (
    container_argument,
    expected_options,
    force_option,
    json_option,
    quiet_option,
    who_options,
)
from client.cli.output import print_json, print_pairs, print_table, show_size, show_time
from client.cli.results import describe_files
from client.cli.style import command
from client.errors import N_, ClientError, UsageProblem
from client.exchange.opening import open_file
from client.terminal import escape, progress, say

if TYPE_CHECKING:
    from client.cli.who import Who
    from vault.container.examine import Expectations
    from vault.container.seal import SignedSeal

_SUFFIX = ".scelle"


@command(
    "list",
    help=_("List the files in a container: size, time of the last change, kind, path."),
    examples=(
        "scelle list aipd.scelle --username a.martin",
        "scelle list aipd.scelle --identity me.key --json",
    ),
)
@container_argument()
@who_options()
@expected_options()
@json_option()
def list_(*, container: str, who: Who, expected: Expectations, as_json: bool) -> None:
    """Print the manifest."""
    with open_file(container, who.access(), expected) as opened:
        files, note = opened.opened.manifest.files, opened.opened.manifest.note
        if as_json:
            print_json({"files": describe_files(files), "note": note, **describe_seal(opened.examined.seal)})
            return
        rows = [(str(file.size), show_time(file.modified), file.media_type, file.path) for file in files]
        if rows:
            print_table(rows, right=0)
        print_pairs([(_("note"), note)])


@command(
    "open",
    help=_(
        "Take files out of a container into a folder: those whose paths you name, or all of them. "
        "They appear when every one of them is proven to be what was sealed, or not at all."
    ),
    examples=(
        "scelle open aipd.scelle -o aipd --username a.martin",
        "scelle open aipd.scelle annexes/plan.png -o . --identity me.key",
        "scelle open aipd.scelle -o aipd --identity me.key --grant D-1.grant",
    ),
)
@container_argument()
@click.argument("paths", nargs=-1, metavar=_("[PATH]..."))
@click.option(
    "-o",
    "--output",
    metavar=_("FOLDER"),
    help=_("Where the files go; by default a folder called like the container."),
)
@who_options()
@expected_options()
@force_option(_("Overwrite files that exist."))
@quiet_option()
@json_option()
def open_(
    *,
    container: str,
    paths: tuple[str, ...],
    output: str | None,
    who: Who,
    expected: Expectations,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Extract."""
    folder = output or folder_for(container)
    with open_file(container, who.access(), expected) as opened:
        total = sum(file.size for file in opened.select(paths) or opened.opened.manifest.files)
        with progress(_("opening"), total, quiet=quiet) as advance:
            files = opened.extract(folder, paths, force=force, advance=advance)
        if as_json:
            print_json(
                {"folder": folder, "files": describe_files(files), **describe_seal(opened.examined.seal)}
            )
        elif not quiet:
            text = ngettext(
                "opened {count} file into {path} ({size})",
                "opened {count} files into {path} ({size})",
                len(files),
            )
            say(text.format(count=len(files), path=escape(folder), size=show_size(total)))


@command(
    "cat",
    help=_(
        "Write one file of a container to stdout. Every byte is authentic; where the rest is damaged, the "
        "command says so and fails after what came before."
    ),
    examples=("scelle cat aipd.scelle journal.log --username a.martin | grep ERROR",),
)
@container_argument()
@click.argument("path", metavar=_("PATH"))
@who_options()
@expected_options()
@force_option(_("Write to a terminal even what is no plain text."))
def cat(*, container: str, path: str, who: Who, expected: Expectations, force: bool) -> None:
    """Copy to stdout."""
    with open_file(container, who.access(), expected) as opened:
        file = opened.find(path)
        check = None if force or not sys.stdout.isatty() else _PlainText(path)
        for piece in opened.contents(file):
            if check is not None:
                check(piece)
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


class _PlainText:
    """Refuses to send to a terminal what could act on it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __call__(self, data: bytes | memoryview) -> None:
        text = self._decoder.decode(bytes(data)).translate({ord(character): None for character in "\n\r\t"})
        if escape(text) != text or "\N{REPLACEMENT CHARACTER}" in text:
            raise ClientError(
                N_("{path}: this is no plain text; send it to a file, or use --force"), path=self._path
            )


def folder_for(container: str) -> str:
    """Return the folder that is called like a container.

    Raises:
        UsageProblem: its name does not tell.
    """
    name = container.rpartition("/")[2]
    folder = name.removesuffix(_SUFFIX)
    if folder in {"", "-", name}:
        raise UsageProblem(N_("say where the files go: --output FOLDER"))
    return folder


def describe_seal(signed: SignedSeal) -> dict[str, object]:
    """Return what JSON says of a seal."""
    return {
        "seal_id": signed.seal_id.hex(),
        "signer": signed.seal.signer_key_id.hex(),
        "dossier": signed.seal.dossier,
        "evidence_type": signed.seal.evidence_type,
        "sealed_at": signed.seal.sealed_at,
    }
