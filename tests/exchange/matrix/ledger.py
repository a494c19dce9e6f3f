"""What the server keeps, seen from beside: to tell whether anything changed, and to put it back."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

FORGOTTEN = {"challenges", "failures"}
"""Tables of what is forgotten anyway; a refusal may count a failure there."""

_SHARD_LENGTH = len("ab")


class State(NamedTuple):
    """Digests of tables by name, and the stored objects by path and size."""

    tables: dict[str, tuple[int, bytes]]
    objects: dict[str, int]

    def entries(self) -> int:
        """Return how many entries the journal has."""
        return self.tables["journal"][0]


class Ledger:
    """Reads records and objects of a server that runs, as the world was when this was made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._live = sqlite3.connect(folder / "records.db", timeout=30)
        self._copy = sqlite3.connect(":memory:")
        self._live.backup(self._copy)
        self._bytes = {path: path.read_bytes() for path in self._objects()}
        self._names = [
            name
            for (name,) in self._live.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        self.state = self.look()

    def close(self) -> None:
        self._live.close()
        self._copy.close()

    def look(self) -> State:
        """Return what there is now."""
        return State(
            {name: self._digest(name) for name in self._names},
            {str(path.relative_to(self._folder)): path.stat().st_size for path in self._objects()},
        )

    def version(self) -> int:
        """Return a number that changes with every commit of the server."""
        (found,) = self._live.execute("PRAGMA data_version").fetchone()
        return int(found)

    def restore(self) -> None:
        """Put everything back to how it was at first."""
        self._copy.backup(self._live)
        for path in self._objects():
            if path not in self._bytes:
                path.unlink()
                # What came in parts stands in a folder of its own.
                if not any(path.parent.iterdir()) and len(path.parent.name) > _SHARD_LENGTH:
                    path.parent.rmdir()
        for path, data in self._bytes.items():
            if not path.exists():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                path.write_bytes(data)

    def _digest(self, table: str) -> tuple[int, bytes]:
        # The name comes from the schema itself.
        rows = sorted(map(repr, self._live.execute(f'SELECT * FROM "{table}"')))  # noqa: S608
        return len(rows), hashlib.sha256("\n".join(rows).encode()).digest()

    def _objects(self) -> list[Path]:
        return [path for path in (self._folder / "store").rglob("*") if path.is_file()]
