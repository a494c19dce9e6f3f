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
)

COMMANDS: Final = {entry.name: entry for section in SECTIONS for entry in section.entries}
