"""``scelle recover``: the recovery key opens a container from its body alone."""

from __future__ import annotations

from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from client.cli.asking import load_identity
from client.cli.opening import describe_seal, folder_for
from client.cli.options import (
    container_argument,
    expected_options,
    force_option,
    json_option,
    passphrase_option,
    quiet_option,
)
from client.cli.output import print_json, show_size
from client.cli.recovery import collect
from client.cli.results import describe_files
from client.cli.style import command
from client.errors import N_, UsageProblem
from client.exchange.opening import open_body
from client.keyfiles import naming
from client.terminal import escape, progress, say
from keys.keyfile import Use, require_use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.unwrapping import DecapsulationKey
    from vault.container.examine import Expectations


@command(
    "recover",
    help=_(
        "Take files out of a container with the recovery key, from its body alone: without a service, and "
        "even where the list of accesses is lost or damaged. CONTAINER may be a whole container, a damaged "
        "one, or an object as a service stores it. The key is a key file, or its shares: in files, or else "
        "typed in, and then never written to disk."
    ),
    examples=(
        "scelle recover aipd.scelle -o aipd",
        "scelle recover aipd.scelle -o aipd --identity recovery.key",
        "scelle recover aipd.scelle -o aipd --share share-1-of-3.txt --share share-3-of-3.txt",
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
@click.option("-i", "--identity", metavar=_("FILE"), help=_("Key file of the recovery key."))
@passphrase_option()
@click.option(
    "--share",
    multiple=True,
    metavar=_("FILE"),
    help=_("A share of the recovery key; give as many as are needed."),
)
@expected_options()
@force_option(_("Overwrite files that exist."))
@quiet_option()
@json_option()
def recover(
    *,
    container: str,
    paths: tuple[str, ...],
    output: str | None,
    identity: str | None,
    passphrase_file: str | None,
    share: Sequence[str],
    expected: Expectations,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Extract."""
    folder = output or folder_for(container)
    if identity and share:
        raise UsageProblem(N_("--identity and --share exclude each other; give one"))

    def key() -> DecapsulationKey:
        if identity is None:
            return collect(share).decapsulation
        loaded = load_identity(identity, passphrase_file)
        with naming(identity):
            require_use(loaded.public, Use.RECOVERY)
        return loaded.decapsulation

    with open_body(container, key, expected) as opened:
        total = sum(file.size for file in opened.select(paths) or opened.opened.manifest.files)
        with progress(_("opening"), total, quiet=quiet) as advance:
            files = opened.extract(folder, paths, force=force, advance=advance)
        # Not a notice that --quiet takes away: whoever reads on must know what was not checked.
        say(
            _("{path}: opened from its body alone; the list of accesses was not read").format(
                path=escape(container)
            )
        )
        if as_json:
            print_json(
                {
                    "folder": folder,
                    "files": describe_files(files),
                    "accesses_read": False,
                    **describe_seal(opened.opened.examined.seal),
                }
            )
        elif not quiet:
            text = ngettext(
                "opened {count} file into {path} ({size})",
                "opened {count} files into {path} ({size})",
                len(files),
            )
            say(text.format(count=len(files), path=escape(folder), size=show_size(total)))
