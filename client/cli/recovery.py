"""``scelle recovery-key``: made in shares that people keep, and put together from them again."""

from __future__ import annotations

import hmac
from contextlib import ExitStack
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from client.cli.keygen import choose_passphrase, labels_of
from client.cli.online.confirming import same_fingerprint
from client.cli.options import json_option, stacked
from client.cli.output import print_json, print_pairs
from client.cli.style import group
from client.errors import N_, AccessProblem, ConflictProblem, UsageProblem
from client.keyfiles import naming, read_public_key
from client.shares import put_together, read_file, share_out, write_file
from client.terminal import can_ask, escape, say
from keys.files import public_path
from keys.keyfile import Use, require_use
from keys.keyring import Identity
from keys.slip39.phrase import MAX_SHARES
from keys.store import write_identity, write_public

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.cli.options import Decorator
    from keys.keyfile import PublicIdentity

_FOLDER_MODE: Final = 0o700


def _locking_options() -> Decorator:
    return stacked(
        click.option(
            "--passphrase-file",
            metavar=_("FILE"),
            help=_("File that holds the passphrase; otherwise you are asked."),
        ),
        click.option("--no-passphrase", is_flag=True, help=_("Whoever has the file can use the key.")),
        click.option("--name", default="", metavar=_("TEXT"), help=_("Words shown to people above the key.")),
        json_option(),
    )


@group(
    "recovery-key", help=_("The recovery key: it opens everything, and is kept offline for the worst case.")
)
def recovery_key() -> None:
    """Hold the commands."""


@recovery_key.command(
    "create",
    help=_(
        "Make the recovery key, split into shares of 33 words for several people: any THRESHOLD of them open "
        "everything, fewer open nothing. The shares are shown one after the other, to be written down; only "
        "the public half is written to disk, for scelle authority publish. They are in the form of SLIP-39, "
        "without a passphrase, so other programs can put them together as well."
    ),
    examples=(
        "scelle recovery-key create -o recovery.pub",
        "scelle recovery-key create -o recovery.pub --threshold 3 --shares 5 --out-dir /media/stick",
        "scelle recovery-key create --identity recovery.key",
    ),
)
@click.option(
    "-o", "--output", metavar=_("FILE"), help=_("The public file to make; with --identity it is FILE.pub.")
)
@click.option(
    "-k",
    "--threshold",
    type=click.IntRange(2, MAX_SHARES),
    default=2,
    show_default=True,
    metavar=_("NUMBER"),
    help=_("How many shares are needed."),
)
@click.option(
    "-n",
    "--shares",
    type=click.IntRange(2, MAX_SHARES),
    default=3,
    show_default=True,
    metavar=_("NUMBER"),
    help=_("How many shares are made."),
)
@click.option(
    "--out-dir", metavar=_("FOLDER"), help=_("Write each share to a file of its own in this folder.")
)
@click.option("--print", "as_text", is_flag=True, help=_("Print the shares to stdout, wherever that leads."))
@click.option("-i", "--identity", metavar=_("FILE"), help=_("Write the whole key to a key file as well."))
@_locking_options()
def create(
    *,
    output: str | None,
    threshold: int,
    shares: int,
    out_dir: str | None,
    as_text: bool,
    identity: str | None,
    passphrase_file: str | None,
    no_passphrase: bool,
    name: str,
    as_json: bool,
) -> None:
    """Make the key, hand out its shares, and only then write what others will rely on."""
    target = _target(output, identity)
    if threshold > shares:
        raise UsageProblem(N_("--threshold {threshold}: more shares than are made"), threshold=threshold)
    if out_dir and as_text:
        raise UsageProblem(N_("--out-dir and --print exclude each other; give one"))
    if not identity and (passphrase_file or no_passphrase):
        raise UsageProblem(N_("a passphrase locks the file of --identity; name that file, or leave it out"))
    if not out_dir and not as_text and not can_ask():
        raise UsageProblem(N_("no terminal to show the shares on; give --out-dir FOLDER, or --print"))
    passphrase = (
        choose_passphrase(identity, passphrase_file, no_passphrase=no_passphrase) if identity else None
    )
    made = Identity.generate(Use.RECOVERY)
    phrases = share_out(made, threshold, shares)
    with ExitStack() as undo:
        files = _hand_out(phrases, threshold, made.public, out_dir, undo=undo, as_text=as_text)
        if identity:
            with naming(identity):
                write_identity(Path(identity), made, passphrase, names=labels_of(name))
        else:
            with naming(target):
                write_public(Path(target), made.public, names=labels_of(name))
        undo.pop_all()
    _warn(identity, no_passphrase=no_passphrase)
    if as_json:
        print_json(
            {
                "secret": identity,
                "public": target,
                "fingerprint": made.public.fingerprint,
                "encryption_key": made.public.kem_key_id.hex(),
                "threshold": threshold,
                "shares": shares,
                "files": files,
                "phrases": phrases if as_text else [],
            }
        )
        return
    if as_text:
        for phrase in phrases:
            click.echo(phrase)
        return
    print_pairs(
        [
            (_("public file"), target),
            (_("fingerprint"), made.public.fingerprint),
            (_("to open with"), _("{threshold} of {count} shares").format(threshold=threshold, count=shares)),
        ]
    )


def _target(output: str | None, identity: str | None) -> str:
    """Return the name of the public file, before anybody writes shares down for nothing.

    Raises:
        UsageProblem: neither or both were named.
        ConflictProblem: something has one of the names.
    """
    if bool(output) == bool(identity):
        raise UsageProblem(N_("say where the public half goes: --output FILE, or --identity FILE"))
    target = output or str(public_path(Path(identity or "")))
    for path in filter(None, (target, identity)):
        if Path(path).exists():
            raise ConflictProblem(
                N_("{path}: this key file exists already; keys are never overwritten, choose another name"),
                path=path,
            )
    return target


def _hand_out(
    phrases: Sequence[str],
    threshold: int,
    public: PublicIdentity,
    out_dir: str | None,
    *,
    undo: ExitStack,
    as_text: bool,
) -> list[str]:
    """Write or show the shares; returns the files. ``undo`` removes them again."""
    if as_text:
        return []
    if out_dir is None:
        from client.cli.sharescreen import show_shares  # noqa: PLC0415 - only where somebody reads them

        if not show_shares(phrases, threshold, public.fingerprint):
            say(_("this terminal keeps what was shown; close it, or clear it and its history"))
        return []
    folder = Path(out_dir)
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    files = []
    for number, phrase in enumerate(phrases, 1):
        path = folder / f"share-{number}-of-{len(phrases)}.txt"
        write_file(
            path,
            phrase,
            number=number,
            threshold=threshold,
            count=len(phrases),
            fingerprint=public.fingerprint,
        )
        undo.callback(path.unlink, missing_ok=True)
        files.append(str(path))
    return files


@recovery_key.command(
    "combine",
    help=_(
        "Put the recovery key together from its shares, and write it to a key file: from files that hold one "
        "share each, or else typed in one after the other, each checked at once. Do this on a machine that "
        "is offline, compare the fingerprint, and remove the key file when the worst is over."
    ),
    examples=(
        "scelle recovery-key combine -o recovery.key --public recovery.pub",
        "scelle recovery-key combine share-1-of-3.txt share-3-of-3.txt -o recovery.key",
    ),
)
@click.argument("share", nargs=-1, metavar=_("[SHARE]..."))
@click.option("-o", "--output", required=True, metavar=_("FILE"), help=_("The key file to make."))
@click.option(
    "--public",
    metavar=_("FILE"),
    help=_("Refuse shares that give another key than that of this public file."),
)
@click.option(
    "--fingerprint", metavar=_("FINGERPRINT"), help=_("Refuse shares that give a key with another one.")
)
@_locking_options()
def combine(
    *,
    share: Sequence[str],
    output: str,
    public: str | None,
    fingerprint: str | None,
    passphrase_file: str | None,
    no_passphrase: bool,
    name: str,
    as_json: bool,
) -> None:
    """Collect shares, prove what they give, and write it."""
    _target(None, output)
    expected = _expected(public)
    identity = collect(share)
    if expected is not None and not hmac.compare_digest(expected.encoded, identity.public.encoded):
        raise AccessProblem(N_("the shares give another key than that of {path}"), path=public)
    if fingerprint is not None and not same_fingerprint(identity.public, fingerprint):
        raise AccessProblem(
            N_("the shares give a key with another fingerprint, {fingerprint}"),
            fingerprint=identity.public.fingerprint,
        )
    passphrase = choose_passphrase(output, passphrase_file, no_passphrase=no_passphrase)
    with naming(output):
        write_identity(Path(output), identity, passphrase, names=labels_of(name))
    _warn(output, no_passphrase=no_passphrase)
    if as_json:
        print_json(
            {
                "secret": output,
                "public": str(public_path(Path(output))),
                "fingerprint": identity.public.fingerprint,
                "encryption_key": identity.public.kem_key_id.hex(),
            }
        )
        return
    print_pairs([(_("key file"), output), (_("fingerprint"), identity.public.fingerprint)])


def _expected(public: str | None) -> PublicIdentity | None:
    if public is None:
        return None
    expected = read_public_key(public)
    with naming(public):
        require_use(expected, Use.RECOVERY)
    return expected


def collect(paths: Sequence[str]) -> Identity:
    """Return the recovery key that shares give: in files, or else typed in.

    Raises:
        ClientError: they do not give a key.
        UsageProblem: there are no files, and nobody can be asked.
    """
    if paths:
        return put_together([read_file(path) for path in paths], paths)
    if not can_ask():
        raise UsageProblem(N_("no terminal to ask for the shares on; name their files"))
    from client.cli.sharescreen import ask_for_shares  # noqa: PLC0415 - only where somebody types

    shares = ask_for_shares()
    return put_together(shares, [_("share {number}").format(number=at + 1) for at in range(len(shares))])


def _warn(path: str | None, *, no_passphrase: bool) -> None:
    if path and no_passphrase:
        say(
            _("warning: {path} has no passphrase; whoever has the file has the key").format(path=escape(path))
        )
