"""One vector, and the short ways to make a good and a bad one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.vault.container.forge import (
    AUTHORITY,
    DOSSIER,
    EDITOR,
    MEL,
    READER,
    RECOVERY,
    STRANGER,
    Actor,
    Forge,
    Password,
    forge,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SUCCESSOR: Final = Actor("successor of the authority")
ACTORS: Final = (EDITOR, STRANGER, AUTHORITY, READER, DOSSIER, RECOVERY, SUCCESSOR)
WITH_IDENTITY: Final = Password(MEL.username, MEL.password, EDITOR.seed)


@dataclass(frozen=True)
class Vector:
    """One container, who opens it, what is expected of it, and how that must end."""

    name: str
    says: str
    outcome: str
    forged: Forge
    data: bytes
    access: Actor | Password = READER
    expected: dict[str, Any] = field(default_factory=dict)
    keyless: bool = True
    """Whether a reader without a key meets the same outcome; if not, it finds nothing wrong."""
    released: int = 0
    """How many files are proven whole before the failure."""


def good(name: str, says: str, **options: Any) -> Vector:
    forged = forge(**{key: options.pop(key) for key in list(options) if key not in {"access", "expected"}})
    return Vector(name, says, "opened", forged, forged.data, **options)


def bad(
    outcome: str, name: str, says: str, change: Callable[[Forge], bytes] | None = None, **options: Any
) -> Vector:
    """A container that is right but for one thing; ``change`` gives other bytes in the end."""
    own = {key: options.pop(key) for key in ("access", "expected", "keyless", "released") if key in options}
    forged = forge(**options)
    return Vector(name, says, outcome, forged, change(forged) if change else forged.data, **own)


def inside(outcome: str, name: str, says: str, **options: Any) -> Vector:
    """As `bad`, for what only somebody with a key can see."""
    return bad(outcome, name, says, keyless=False, **options)


def flip(data: bytes, position: int) -> bytes:
    position %= len(data)
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
