"""The key that a command signs or opens with: named, or the one that signed in."""

from __future__ import annotations

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from client.cli.asking import load_identity
from client.cli.options import passphrase_option, stacked
from client.errors import N_, UsageProblem
from client.keyfiles import naming
from keys.keyfile import Use, require_use

if TYPE_CHECKING:
    from client.cli.online.connection import Connection
    from client.cli.options import Decorator
    from client.records import Session
    from client.trust import Anchor
    from keys.keyring import Identity


def identity_options(text: str | None = None) -> Decorator:
    """``--identity`` and ``--passphrase-file``; ``text`` says whose key."""
    shown = text or _("Your key file; by default the one that you signed in with.")
    return stacked(
        click.option("-i", "--identity", metavar=_("FILE"), help=shown),
        passphrase_option(),
    )


def own_identity(connection: Connection, identity: str | None, passphrase_file: str | None) -> Identity:
    """Return the key that was named, or else the one that signed in.

    Raises:
        UsageProblem: neither is there.
    """
    return load_identity(own_path(connection.session, identity), passphrase_file)


def own_path(session: Session | None, identity: str | None) -> str:
    """Return which key file was named, or else signed in.

    Raises:
        UsageProblem: neither is there.
    """
    path = identity or (session.identity if session else "")
    if not path:
        raise UsageProblem(N_("say with which key: --identity FILE"))
    return path


def authority_identity(anchor: Anchor, path: str, passphrase_file: str | None) -> Identity:
    """Return the authority's key, if it is that of the authority that is trusted.

    Raises:
        UsageProblem: another key.
    """
    identity = load_identity(path, passphrase_file)
    with naming(path):
        require_use(identity.public, Use.AUTHORITY)
    if identity.public.encoded != anchor.authority.encoded:
        raise UsageProblem(N_("{path}: this is not the authority that you trust here"), path=path)
    return identity
