"""Writes the vectors and their index: ``python -m tests.vectors.scelle.generate``.

What is there already is never written again: the containers are kept for ever, as the proof that what was
sealed once stays readable. HPKE and ML-DSA draw their own randomness, so a vector made anew has other bytes;
a test makes each of them anew and sees that it ends in the same way.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.vault.container.forge import Actor, Password
from tests.vectors.scelle.recipes_good import good_vectors
from tests.vectors.scelle.recipes_inside import inside_vectors
from tests.vectors.scelle.recipes_outside import outside_vectors
from tests.vectors.scelle.vector import ACTORS, Vector

FOLDER = Path(__file__).parent
INDEX = FOLDER / "index.json"


def vectors() -> list[Vector]:
    """Make them all anew."""
    return [*good_vectors(), *outside_vectors(), *inside_vectors()]


def describe(vector: Vector, stored: bytes) -> dict[str, Any]:
    """Return the entry of one vector in the index, its container being ``stored``."""
    entry: dict[str, Any] = {
        "name": vector.name,
        "says": vector.says,
        "file": f"{vector.name}.scelle",
        "sha256": hashlib.sha256(stored).hexdigest(),
        "access": _access(vector.access),
        "expected": {name: _expectation(value) for name, value in vector.expected.items()},
        "outcome": vector.outcome,
        "without_key": vector.outcome if vector.keyless else "accepted",
    }
    files = [
        {"path": file.path, "size": len(file.data), "sha256": hashlib.sha256(file.data).hexdigest()}
        for file in vector.forged.sorted_files
    ]
    if vector.outcome == "opened":
        forged = vector.forged
        identities = [password.identity for password in forged.passwords]
        entry |= {
            "without_key": "accepted",
            "files": files,
            "identity": identities[0].hex() if identities else "",
            "derived": {
                "context": forged.ctx.hex(),
                "container_key": forged.key.hex(),
                "payload_key": forged.payload_key.hex(),
            },
        }
    elif vector.released:
        entry["files"] = files[: vector.released]
    return entry


def index_of(stored: dict[str, bytes]) -> str:
    """Return the index as text; ``stored`` are the containers by name."""
    document = {
        "format": "scelle/1",
        "identities": {actor.name: {"seed": actor.seed.hex()} for actor in ACTORS},
        "vectors": [describe(vector, stored[vector.name]) for vector in vectors()],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _access(access: Actor | Password) -> dict[str, str]:
    if isinstance(access, Password):
        return {"username": access.username, "password": access.password}
    return {"identity": access.name}


def _expectation(value: Any) -> Any:
    if isinstance(value, Actor):
        return value.signing_id.hex()
    if isinstance(value, list | tuple):
        return [_expectation(item) for item in value]
    return value


def main() -> None:
    """Write what is missing."""
    stored = {}
    for vector in vectors():
        path = FOLDER / f"{vector.name}.scelle"
        if not path.exists():
            path.write_bytes(vector.data)
        stored[vector.name] = path.read_bytes()
    INDEX.write_text(index_of(stored), encoding="utf-8")


if __name__ == "__main__":
    main()
