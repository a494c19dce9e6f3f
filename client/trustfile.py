"""Whom to trust, handed on from person to person: one file of canonical JSON, nothing in it secret."""

from __future__ import annotations

from typing import Final

from client.errors import N_, UsageProblem
from client.exchange.targets import AtomicFile
from client.records import PIN, Pin
from keys.canonical import decode, encode
from keys.errors import KeyMaterialError

MAX_FILE: Final = 1024 * 1024


def write_trust_file(path: str, pin: Pin, *, force: bool = False) -> None:
    """Write whom to trust.

    Raises:
        ConflictProblem: something of that name is there.
        OSError: the system refuses.
    """
    with AtomicFile(path, force=force) as file:
        file.write(encode(PIN, pin))
        file.commit()


def read_trust_file(path: str, *, url: str | None = None) -> Pin:
    """Return whom to trust.

    Args:
        path: what `write_trust_file` wrote.
        url: the service that it has to be about.

    Raises:
        UsageProblem: not such a file, one about another service, or one that names no authority.
        OSError: it is not there or cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
        data = file.read(MAX_FILE + 1)
    try:
        pin = decode(PIN, data, maximum=MAX_FILE)
    except KeyMaterialError as error:
        raise UsageProblem(
            N_("{path}: this is not a file that scelle trust export wrote; get it again"), path=path
        ) from error
    if url is not None and pin.url != url:
        raise UsageProblem(
            N_("{path}: this says whom to trust at {other}, not at {url}"), path=path, other=pin.url, url=url
        )
    if pin.authority is None:
        raise UsageProblem(N_("{path}: this names no authority"), path=path)
    return pin
