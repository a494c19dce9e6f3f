"""The tree of RFC 6962 and RFC 9162 over SHA-256: leaves of a payload, entries of the journal.

The empty tree is H(), a leaf H(00 ‖ data), a node H(01 ‖ left ‖ right), and a tree of n leaves splits at the
largest power of two below n. Everything here takes leaf *digests* (`leaf_hash` of the data), so that stored
leaves can be used without their data. Verification raises; nothing returns a boolean that could be forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DIGEST_LENGTH: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root of a tree without leaves."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


class ProofError(Exception):
    """A proof does not show what it should; the text says which, never by how much."""


def leaf_hash(data: bytes) -> bytes:
    """Return the digest of a leaf, H(00 ‖ data), 32 bytes."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the digest of an inner node, H(01 ‖ left ‖ right), 32 bytes."""
    return hashlib.sha256(_NODE + left + right).digest()


class TreeHasher:
    """The root of leaves that arrive one after the other, in logarithmic memory.

    ``frontier`` is the whole state beside ``size``: the roots of the complete subtrees, largest first, one
    for each 1 in the binary notation of ``size``. `resume` takes it back.
    """

    def __init__(self) -> None:
        self._size = 0
        self._frontier: list[bytes] = []

    @classmethod
    def resume(cls, size: int, frontier: Sequence[bytes]) -> TreeHasher:
        """Return the hasher that had this ``size`` and ``frontier``.

        Raises:
            ValueError: not the state of any tree: a caller's mistake or a damaged store.
        """
        if size < 0 or len(frontier) != size.bit_count() or any(len(d) != DIGEST_LENGTH for d in frontier):
            raise ValueError("not the frontier of a tree of that size")
        hasher = cls()
        hasher._size = size
        hasher._frontier = list(frontier)
        return hasher

    @property
    def size(self) -> int:
        """How many leaves were appended."""
        return self._size

    @property
    def frontier(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, largest first."""
        return tuple(self._frontier)

    def append(self, leaf_digest: bytes) -> None:
        """Add one leaf, given as its 32-byte digest.

        Raises:
            ValueError: a digest of another length.
        """
        if len(leaf_digest) != DIGEST_LENGTH:
            raise ValueError(f"a leaf digest has {DIGEST_LENGTH} bytes")
        node = leaf_digest
        carry = self._size
        while carry & 1:
            node = node_hash(self._frontier.pop(), node)
            carry >>= 1
        self._frontier.append(node)
        self._size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far, 32 bytes; more leaves may follow."""
        if not self._frontier:
            return EMPTY_ROOT
        root = self._frontier[-1]
        for left in reversed(self._frontier[:-1]):
            root = node_hash(left, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf digests, 32 bytes; they are read once and not kept."""
    hasher = TreeHasher()
    for leaf in leaves:
        hasher.append(leaf)
    return hasher.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return PATH(index, leaves) of RFC 9162, 2.1.3.1: the siblings from the leaf up, 32 bytes each.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError("no leaf of that index")
    siblings = []
    start, stop = 0, len(leaves)
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            siblings.append((middle, stop))
            stop = middle
        else:
            siblings.append((start, middle))
            start = middle
    return tuple(_range_root(leaves, *sibling) for sibling in reversed(siblings))


def verify_inclusion(*, leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Return only if ``leaf`` is the leaf of that ``index`` in the tree of that ``size`` and ``root``.

    Source: RFC 9162, 2.1.3.2.

    Raises:
        ProofError: it is not, or the proof has a wrong form.
    """
    if not 0 <= index < size:
        raise ProofError("the leaf lies outside the tree")
    _check_lengths(leaf, root, *proof)
    sides = _sides(index, size - 1)
    if len(proof) != len(sides):
        raise ProofError("the inclusion proof has a wrong length")
    digest = leaf
    for sibling, stands_left in zip(proof, sides, strict=True):
        digest = node_hash(sibling, digest) if stands_left else node_hash(digest, sibling)
    if not hmac.compare_digest(digest, root):
        raise ProofError("the leaf is not in the tree at that place")


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return PROOF(old_size, leaves) of RFC 9162, 2.1.4.1: that the first leaves are still the same.

    Empty for an old tree of no leaves and for an equal one.

    Raises:
        ValueError: the old tree is larger than the new one.
    """
    if not 0 <= old_size <= len(leaves):
        raise ValueError("the old tree is not smaller than the new one")
    if old_size in (0, len(leaves)):
        return ()
    parts = []
    start, stop = 0, len(leaves)
    while stop != old_size:
        middle = start + _split(stop - start)
        if old_size <= middle:
            parts.append((middle, stop))
            stop = middle
        else:
            parts.append((start, middle))
            start = middle
    if start:
        # The old root is not itself a node of the new tree: its last subtree opens the proof.
        parts.append((start, stop))
    return tuple(_range_root(leaves, *part) for part in reversed(parts))


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Return only if the new tree starts with all the leaves of the old one, in the same order.

    Source: RFC 9162, 2.1.4.2; an empty old tree is a prefix of every tree and needs no proof.

    Raises:
        ProofError: it does not, or the proof has a wrong form.
    """
    _check_lengths(old_root, new_root, *proof)
    if not 0 <= old_size <= new_size:
        raise ProofError("the old tree is larger than the new one")
    if old_size in (0, new_size):
        old, new, rest = (EMPTY_ROOT if old_size == 0 else new_root), new_root, proof
    else:
        # The walk starts at the root of the old tree's last complete subtree. If that is the whole old tree,
        # the proof leaves its root out: the verifier has it.
        level = (old_size & -old_size).bit_length() - 1
        position, last = (old_size - 1) >> level, (new_size - 1) >> level
        steps = (*(() if position else (old_root,)), *proof)
        sides = _sides(position, last)
        if len(steps) <= len(sides):
            raise ProofError("the consistency proof is too short")
        old = new = steps[0]
        for sibling, stands_left in zip(steps[1:], sides, strict=False):
            if stands_left:
                old, new = node_hash(sibling, old), node_hash(sibling, new)
            else:
                new = node_hash(new, sibling)
        rest = steps[len(sides) + 1 :]
    if rest:
        raise ProofError("the consistency proof is too long")
    if not (hmac.compare_digest(old, old_root) and hmac.compare_digest(new, new_root)):
        raise ProofError("the trees are not consistent")


def _sides(position: int, last: int) -> list[bool]:
    """Return, from a node up to the root, whether each sibling stands to the left of the way.

    Args:
        position: the node's index in its level.
        last: index of the last node of that level.
    """
    sides = []
    while last:
        stands_left = bool(position & 1) or position == last
        sides.append(stands_left)
        if stands_left:
            # A node without a right neighbour is its own parent: those levels have no sibling.
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        position >>= 1
        last >>= 1
    return sides


def _split(size: int) -> int:
    """Return the largest power of two smaller than ``size``, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(leaves: Sequence[bytes], start: int, stop: int) -> bytes:
    return root_of(islice(leaves, start, stop))


def _check_lengths(*digests: bytes) -> None:
    if any(len(digest) != DIGEST_LENGTH for digest in digests):
        raise ProofError(f"a digest in the proof has not {DIGEST_LENGTH} bytes")
