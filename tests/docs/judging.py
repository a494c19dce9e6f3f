"""What the project and the reader made from the text alone say about the same container."""

from __future__ import annotations

import hmac

from tests.docs import format_text
from tests.docs.by_the_book.canonical import Refused
from tests.docs.by_the_book.reader import Container
from vault.container.examine import NOTHING_EXPECTED, examine, verify_blocks
from vault.container.opening import open_container
from vault.container.outcomes import ContainerError
from vault.container.steps import run
from vault.container.unlocking import unlock

CODE_POINTS = [
    tuple(int(point.removeprefix("U+"), 16) for point in line.split("–"))
    for line in format_text.fence("text code-points")
]


def kem_seed(seed):
    """Return the KEM seed of an identity's seed, as section 20.1 derives it."""
    return hmac.digest(seed, b"scelle/1 identity kem\0\1", "sha512")[:32]


def outcome_by_the_book(container, seed):
    """Return the outcome of a full open with an identity's seed; None if it opens."""
    try:
        found = Container(container)
        found.open(found.unlock_with_seed(kem_seed(seed)), CODE_POINTS)
    except Refused as refused:
        return str(refused)
    return None


def outcome_of_project(container, access, expected=NOTHING_EXPECTED):
    """Return the outcome of a full open, every block checked before; None if it opens."""

    def everything():
        examined = yield from examine(len(container), expected)
        yield from verify_blocks(examined)
        opened = yield from open_container(examined, unlock(examined, access))
        yield from opened.read_files()

    try:
        run(everything(), lambda offset, length: container[offset : offset + length], lambda event: None)
    except ContainerError as error:
        return error.outcome.value
    return None
