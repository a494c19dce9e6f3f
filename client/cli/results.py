"""What is said after sealing, and about what was sealed."""

from __future__ import annotations

from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any

import click

from client.cli.output import print_json, print_pairs, show_size
from client.terminal import escape, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.exchange.sealing import Gathered, Sealed
    from vault.container.manifest import FileEntry


def tell_disagreements(gathered: Gathered, *, quiet: bool) -> None:
    """Say which files are something else than their extension announces."""
    if quiet:
        return
    for path, announced, found in gathered.disagreements:
        say(
            _("note: {path} is called like {announced}, but its content is {found}").format(
                path=escape(path), announced=announced, found=found
            )
        )


def report_sealed(
    output: str, sealed: Sealed, *, as_json: bool, quiet: bool, extra: dict[str, str] | None = None
) -> None:
    """Say what was sealed: the seal id on stdout, or everything as JSON."""
    if as_json:
        print_json(
            {
                "container": output,
                "seal_id": sealed.seal.seal_id.hex(),
                "signer": sealed.seal.seal.signer_key_id.hex(),
                "dossier": sealed.seal.seal.dossier,
                "evidence_type": sealed.seal.seal.evidence_type,
                "size": sealed.size,
                "files": describe_files(sealed.files),
                **(extra or {}),
            }
        )
        return
    click.echo(sealed.seal.seal_id.hex())
    if not quiet:
        count = len(sealed.files)
        say(
            ngettext(
                "sealed {count} file into {path} ({size})", "sealed {count} files into {path} ({size})", count
            ).format(count=count, path=escape(output), size=show_size(sealed.size))
        )


def show_password(username: str, password: str) -> None:
    """Show a generated password: the one time that anybody sees it."""
    print_pairs([(_("user name"), username), (_("password"), password)])
    say(_("write the password down now: it is shown this once, and nobody can recover it"))


def describe_files(files: Sequence[FileEntry]) -> list[dict[str, Any]]:
    """Return what is told about files in JSON."""
    return [
        {
            "path": file.path,
            "size": file.size,
            "sha256": file.sha256.hex(),
            "media_type": file.media_type,
            "modified": file.modified,
        }
        for file in files
    ]
