"""Every command: its name, what it is for, and the module that is imported when it is typed."""

from __future__ import annotations

from typing import Final, NamedTuple

from client.errors import N_


class Entry(NamedTuple):
    """One command: ``attribute`` of ``module`` is the click command; ``purpose`` is to be translated."""

    name: str
    module: str
    attribute: str
    purpose: str


class Section(NamedTuple):
    """Commands that are shown together under a heading, which is to be translated."""

    heading: str
    entries: tuple[Entry, ...]


_ONLINE: Final = "client.cli.online."

SECTIONS: Final = (
    Section(
        N_("Sealing"),
        (
            Entry("seal", "client.cli.sealing", "seal", N_("seal files and folders into a container")),
            Entry("new", "client.cli.local", "new", N_("make a container to work with, with a password")),
            Entry("add", "client.cli.local", "add", N_("add files and folders to a container")),
            Entry("remove", "client.cli.local", "remove", N_("remove files from a container")),
        ),
    ),
    Section(
        N_("Opening"),
        (
            Entry("list", "client.cli.opening", "list_", N_("list the files in a container")),
            Entry("open", "client.cli.opening", "open_", N_("take files out of a container")),
            Entry("cat", "client.cli.opening", "cat", N_("write one file of a container to stdout")),
            Entry(
                "recover", "client.cli.recover", "recover", N_("open a container with the recovery key alone")
            ),
        ),
    ),
    Section(
        N_("Checking, without a key"),
        (
            Entry(
                "inspect", "client.cli.checking", "inspect", N_("show what a stranger sees of a container")
            ),
            Entry(
                "verify", "client.cli.checking", "verify", N_("check that a container is whole, and by whom")
            ),
        ),
    ),
    Section(
        N_("Keys and accesses"),
        (
            Entry("keygen", "client.cli.keygen", "keygen", N_("make a key pair")),
            Entry(
                "access", "client.cli.access", "access", N_("list, add and remove accesses to a container")
            ),
            Entry("passwd", "client.cli.access", "passwd", N_("change your password for a container")),
        ),
    ),
    Section(
        N_("With a service"),
        (
            Entry("login", _ONLINE + "login", "login", N_("sign in, and decide whom to trust")),
            Entry("logout", _ONLINE + "login", "logout", N_("end the session")),
            Entry("whoami", _ONLINE + "login", "whoami", N_("show who you are to the service")),
            Entry("trust", _ONLINE + "trust", "trust", N_("show whom you trust, and hand it on")),
            Entry("enrol", _ONLINE + "enrol", "enrol", N_("tie your key to an account")),
            Entry("template", _ONLINE + "template", "template", N_("make, fetch and take over templates")),
            Entry("deposit", _ONLINE + "deposit", "deposit", N_("deposit or replace a proof")),
            Entry("evidence", _ONLINE + "evidence", "evidence", N_("list, fetch and archive proofs")),
            Entry("receipt", _ONLINE + "receipt", "receipt", N_("fetch and verify receipts")),
            Entry(
                "certificate",
                _ONLINE + "certificate",
                "certificate",
                N_("fetch and verify certificates of erasures and rotations"),
            ),
        ),
    ),
    Section(
        N_("Running a service"),
        (
            Entry("dossier", _ONLINE + "dossier", "dossier", N_("open, list, close and erase dossiers")),
            Entry("approve", _ONLINE + "approve", "approve", N_("agree to something dangerous")),
            Entry("approval", _ONLINE + "approval", "approval", N_("list and withdraw approvals")),
            Entry(
                "retention", _ONLINE + "retention", "retention", N_("say how long closed dossiers are kept")
            ),
            Entry("depositor", _ONLINE + "depositor", "depositor", N_("say who may deposit")),
            Entry("grant", _ONLINE + "grant", "grant", N_("say who can open a dossier")),
            Entry("group", _ONLINE + "group", "group", N_("keep lists of reviewers")),
            Entry("rotate", _ONLINE + "rotate", "rotate", N_("put new keys in the place of old ones")),
            Entry(
                "reencrypt", _ONLINE + "reencrypt", "reencrypt", N_("seal anew what a kept key still opens")
            ),
            Entry("reviewer", _ONLINE + "reviewer", "reviewer", N_("see who can be given a dossier")),
            Entry(
                "habilitate",
                _ONLINE + "habilitating",
                "habilitate",
                N_("let an account act, for the authority"),
            ),
            Entry("withdraw", _ONLINE + "habilitating", "withdraw", N_("end an account's habilitation")),
            Entry("account", _ONLINE + "account", "account", N_("make, list and disable accounts")),
            Entry("token", _ONLINE + "token", "token", N_("make, list, rotate and revoke service tokens")),
            Entry("org", _ONLINE + "org", "org", N_("make, list and change organisations")),
            Entry("authority", _ONLINE + "authority", "authority", N_("make and publish the authority")),
            Entry(
                "recovery-key", "client.cli.recovery", "recovery_key", N_("make the recovery key, in shares")
            ),
            Entry("journal", _ONLINE + "journal", "journal", N_("read and verify the journal")),
        ),
    ),
)

COMMANDS: Final = {entry.name: entry for section in SECTIONS for entry in section.entries}
