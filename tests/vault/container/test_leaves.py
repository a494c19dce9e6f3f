"""Leaves and root, whole and in pieces."""

import hashlib
import random
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.container.spec import BLOCK, leaves_of, named, tree
from vault.container.lanes import InlineLane, ThreadLane
from vault.container.leaves import MAX_ROOM, LeafHasher, OutgoingBlocks, leaf_of, root_of_leaves
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


@pytest.mark.parametrize("make_lane", [ThreadLane, InlineLane])
@pytest.mark.parametrize("length", [1, BLOCK, BLOCK + 1, 9 * BLOCK, 30 * BLOCK + 17])
def test_outgoing_blocks_have_the_leaves_of_what_was_kept(make_lane, length):
    """Pieces of all sizes, filled in place or passed on, through both areas and round again."""
    noise = random.Random(length)  # noqa: S311 - any sizes will do
    payload = noise.randbytes(length)
    out, offset = bytearray(), 0
    with closing(make_lane()) as lane:
        blocks = OutgoingBlocks(lane, length)
        while offset < length:
            size = min(
                noise.choice([1, 700, 16_400, BLOCK - 1, BLOCK, BLOCK + 1040, MAX_ROOM]), length - offset
            )
            piece = payload[offset : offset + size]
            if noise.random() < 0.5:
                blocks.pass_on(piece)
                out += piece
            else:
                # More room than is needed, as an encryptor asks for.
                blocks.room(min(size + 100, MAX_ROOM))[:size] = piece
                out += blocks.keep(size)
            offset += size
        assert blocks.finalize() == b"".join(leaves_of(payload))
    assert out == payload


def test_outgoing_blocks_pass_on_more_than_there_is_room_for():
    payload = random.Random(1).randbytes(25 * BLOCK + 5)  # noqa: S311 - any bytes will do
    blocks = OutgoingBlocks(InlineLane(), len(payload))
    blocks.pass_on(payload)
    assert blocks.finalize() == b"".join(leaves_of(payload))


def test_memory_is_not_used_again_before_its_leaves_are_known():
    """The lane is held up while both areas fill: every leaf is still that of what was kept."""
    payload = random.Random(2).randbytes(40 * BLOCK)  # noqa: S311 - any bytes will do
    slow = _SlowLane()
    blocks = OutgoingBlocks(slow, len(payload))
    for offset in range(0, len(payload), BLOCK):
        blocks.room(BLOCK)[:] = payload[offset : offset + BLOCK]
        blocks.keep(BLOCK)
    assert blocks.finalize() == b"".join(leaves_of(payload))


class _SlowLane:
    """Does nothing before its result is asked for."""

    def submit(self, work):
        return _Later(work)

    offer = submit

    def close(self):
        pass


class _Later:
    def __init__(self, work):
        self.result = work
