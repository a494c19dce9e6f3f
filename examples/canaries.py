"""What must appear nowhere on the server's side, and whether it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from documents import AIPD, MIB, RISKS, TERMS

from client.shares import put_together, read_file
from keys.canonical import encode_binary
from keys.store import load_identity

if TYPE_CHECKING:
    from pathlib import Path


class Secrets:
    """The secrets of everybody who has a folder in ``folder``; the one of ``server`` is the server's."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self.server = server

    def everything(self) -> list[bytes]:
        """Return content, passwords, tokens, private keys."""
        return [*self.contents(), *self.keys_and_passwords(), *self.tokens()]

    def contents(self) -> list[bytes]:
        """Return pieces of every document that was sealed."""
        return [
            *(line.encode("cp1252") for line in AIPD),
            *(row[0].encode() for row in RISKS),
            *(line.encode() for line in TERMS.splitlines() if line),
            b"patient=pseudonym-",
            *(middle_of(self.folder / "editor" / name) for name in ("aipd.pdf", "risques.xlsx", "cgu.txt")),
        ]

    def keys_and_passwords(self) -> list[bytes]:
        """Return the editor's password and everybody's private seeds, raw and as they stand in key files."""
        found = [(self.folder / "portal/password.txt").read_bytes().strip()]
        # The server's own key is its own; it signs and never opens.
        files = [path for path in self.folder.glob("*/*.key") if path.parent != self.server]
        shares = [str(path) for path in self.folder.glob("*/shares/*.txt")]
        keys = [load_identity(path, lambda: None) for path in files]
        keys.append(put_together([read_file(path) for path in shares], shares))
        return found + [form for key in keys for form in (key.seed, encode_binary(key.seed).encode())]

    def tokens(self) -> list[bytes]:
        """Return all service tokens."""
        return [
            (self.folder / name / f"{name}.token").read_bytes().strip()
            for name in ("admin", "portal", "auditor")
        ]


def middle_of(path: Path) -> bytes:
    """Return 32 bytes of a file, whatever they are."""
    data = path.read_bytes()
    return data[len(data) // 2 :][:32]


def holds(path: Path, secret: bytes) -> bool:
    """Tell whether ``secret`` stands anywhere in a file, read in pieces that overlap."""
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(4 * MIB):
            if secret in tail + piece:
                return True
            tail = piece[-len(secret) :]
    return False
