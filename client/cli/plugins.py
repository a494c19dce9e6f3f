"""Commands that other packages bring along (the server's), found by their groups of entry points.

Their names are read from the metadata files that installers write, because importing importlib.metadata takes
longer than all of ``scelle --help`` may; a command that is typed is loaded the usual way.
Format: https://packaging.python.org/en/latest/specifications/entry-points/
"""

# pathlib would cost start-up time.
# ruff: noqa: PTH118, PTH123, PTH208
from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from client.errors import N_, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click

GROUP: Final = "scelle.commands"
ROTATIONS: Final = "scelle.rotate"
"""What belongs to ``scelle rotate``, on a server's host."""

_OURS: Final = ("keys", "vault", "client")


def plugin_names(folders: Iterable[str] | None = None, *, group: str = GROUP) -> list[str]:
    """Return the names of all commands in the group, sorted.

    Args:
        folders: where distributions are installed; by default ``sys.path``.
        group: of entry points.
    """
    names: set[str] = set()
    for folder in dict.fromkeys(sys.path if folders is None else folders):
        try:
            found = os.listdir(folder or ".")
        except OSError:
            continue
        for name in found:
            if name.endswith((".dist-info", ".egg-info")):
                names.update(_read(os.path.join(folder, name, "entry_points.txt"), group))
    return sorted(names)


def load_plugin(name: str, *, group: str = GROUP) -> click.Command:
    """Import the command ``name`` of another package.

    Raises:
        ClientError: the server's dependencies are not installed.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - only for a command that is typed

    (found, *_others) = entry_points(group=group, name=name)
    try:
        loaded: click.Command = found.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in _OURS:
            raise
        raise ClientError(
            N_('"{name}" needs {missing}, which is not installed; run: pip install "scelle[server]"'),
            name=name,
            missing=missing,
        ) from error
    return loaded


def _read(path: str, group: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    inside = False
    for line in map(str.strip, lines):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and "=" in line and not line.startswith("#"):
            yield line.partition("=")[0].strip()
