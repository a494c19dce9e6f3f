"""A container's body alone: what was sealed, found from its end, whatever stands before it.

The recovery key opens it: its slots are in the seal. A lost, damaged or withheld envelope is in nobody's way.
Source: docs/FORMAT.md, "Unlocking".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from keys.signing import SIGNATURE_LENGTH
from vault.container import limits
from vault.container.examine import NOTHING_EXPECTED, check_block, judge_seal, read_leaves
from vault.container.layout import BLOCK, LEAF, SEAL_HEAD
from vault.container.leaves import root_of_leaves
from vault.container.outcomes import ContainerError, Outcome
from vault.container.seal import SignedSeal, seals_at_end, verify_seal
from vault.container.steps import Read

if TYPE_CHECKING:
    from vault.container.examine import Expectations
    from vault.container.steps import Steps

_LONGEST_SEAL = SEAL_HEAD + limits.SEAL + SIGNATURE_LENGTH


class Body(NamedTuple):
    """A body whose seal and leaves agree. Its blocks have not been read, and no envelope was.

    Attributes:
        seal: verified.
        leaves: the stored ones, 32 bytes each, known to give the seal's root.
        offset: where the payload begins in the file, in bytes.
    """

    seal: SignedSeal
    leaves: bytes
    offset: int

    def block_range(self, index: int) -> Read:
        """Return where block ``index`` of the payload stands in the file."""
        start = index * BLOCK
        return Read(self.offset + start, min(BLOCK, self.seal.seal.payload_length - start))

    def check_block(self, index: int, leaf: bytes) -> None:
        """Raise unless ``leaf`` is the one stored for block ``index``.

        Raises:
            ContainerError: payload_damaged.
        """
        check_block(self.leaves, index, leaf)


def examine_body(size: int, expected: Expectations = NOTHING_EXPECTED) -> Steps[Body]:
    """Examine the body that ends a file of ``size`` bytes, whatever the file begins with.

    ``expected.generation`` and ``successors`` are of envelopes, and mean nothing here.

    Raises:
        ContainerError: malformed, seal_invalid, payload_damaged, wrong_dossier or unknown_signer.
    """
    length = min(size, _LONGEST_SEAL)
    end = bytes((yield Read(size - length, length))) if length else b""
    seal = next(seals_at_end(end), None)
    if seal is None:
        raise ContainerError(Outcome.MALFORMED, "there is no seal at its end")
    verify_seal(seal)
    leaves_length = LEAF * -(-seal.seal.payload_length // BLOCK)
    leaves_offset = size - SEAL_HEAD - len(seal.json) - SIGNATURE_LENGTH - leaves_length
    offset = leaves_offset - seal.seal.payload_length
    if offset < 0:
        raise ContainerError(Outcome.MALFORMED, "the beginning of what was sealed is missing")
    leaves = yield from read_leaves(leaves_offset, leaves_offset + leaves_length)
    judge_seal(seal, root_of_leaves(leaves), expected)
    return Body(seal, leaves, offset)
