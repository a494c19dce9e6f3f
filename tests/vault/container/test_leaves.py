"""Leaves and root, whole and in pieces."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.container.spec import BLOCK, leaves_of, named, tree
from vault.container.leaves import LeafHasher, leaf_of, root_of_leaves
from vault.merkle import TreeHasher

LARGE = named("payload", 2 * BLOCK + 12_345)


def test_leaf():
    assert leaf_of(b"block") == hashlib.sha256(b"\x00block").digest()
    assert leaf_of(memoryview(b"block")) == leaf_of(b"block")


@pytest.mark.parametrize(
    "length", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 2 * BLOCK + 1, len(LARGE)]
)
def test_last_leaf_is_short_or_full_and_never_empty(length):
    payload = LARGE[:length]
    hasher = LeafHasher()
    hasher.update(payload)
    leaves = hasher.finalize()
    assert leaves == b"".join(leaves_of(payload))
    assert len(leaves) == 32 * -(-length // BLOCK)
    assert hasher.finalize() == leaves


def test_nothing_has_no_leaf():
    hasher = LeafHasher()
    hasher.update(b"")
    assert hasher.finalize() == b""


@given(st.lists(st.integers(1, len(LARGE) - 1), max_size=12))
def test_pieces_of_any_size(cuts):
    hasher = LeafHasher()
    edges = [0, *sorted(cuts), len(LARGE)]
    view = memoryview(LARGE)
    for start, stop in pairwise(edges):
        hasher.update(view[start:stop])
        assert len(hasher.leaves) == 32 * (stop // BLOCK)
    assert hasher.finalize() == b"".join(leaves_of(LARGE))


@given(st.integers(0, 300))
def test_root_is_the_recursive_definition(count):
    leaves = [named(f"leaf {number}", 32) for number in range(count)]
    hasher = TreeHasher()
    for leaf in leaves:
        hasher.append(leaf)
    assert root_of_leaves(b"".join(leaves)) == hasher.root() == tree(leaves)


def test_root_depends_on_order_number_and_level():
    leaves = [named(f"leaf {number}", 32) for number in range(4)]
    roots = {
        root_of_leaves(b"".join(some))
        for some in (
            leaves,
            leaves[::-1],
            leaves[:3],
            [*leaves, leaves[3]],
            [tree(leaves[:2]), tree(leaves[2:])],
            [tree(leaves)],
        )
    }
    # Only the last is the same: a tree of one leaf is that leaf. Hence H(00 ‖ block), which no node is.
    assert len(roots) == 4
    assert tree(leaves) == root_of_leaves(tree(leaves))


def test_leaves_that_are_cut_short_are_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        root_of_leaves(bytes(33))
