"""A stored body: what an examiner of deposits would refuse is found, and named as the part that it is."""

import pytest

from tests.vault.container.forge import File, forge
from tests.vault.container.spec import BLOCK, named
from vault.container.arrival import ArrivalExaminer
from vault.container.outcomes import ContainerError
from vault.container.seal import parse_stored_seal
from vault.server.services.bodies import BodyCheck, body_size, find_seal, leaf_count
from vault.server.services.damage import Kind

SMALL = forge(files=[File("a", b"some bytes")])
LARGE = forge(files=[File("a", named("a", 3 * BLOCK + 12_345))])
LEAF = 32


def split(container):
    """Return head and body."""
    head = container.preamble + container.envelope_bytes
    return head, container.data[len(head) :]


def seal_of(container):
    """Return the seal and where it begins in the body."""
    _, body = split(container)
    start = len(container.payload) + LEAF * len(container.leaves)
    return parse_stored_seal(body[start:]), start


def findings(container, body, size=BLOCK):
    seal, _ = seal_of(container)
    check = BodyCheck(seal)
    for start in range(0, len(body), size):
        check.update(body[start : start + size])
    return [(one.kind, one.block, one.blocks) for one in check.findings()]


def is_refused(head, body) -> bool:
    examiner = ArrivalExaminer()
    try:
        examiner.update(head + body)
        examiner.finalize()
    except ContainerError:
        return True
    return False


def flipped(data, *places):
    spoilt = bytearray(data)
    for place in places:
        spoilt[place] ^= 4
    return bytes(spoilt)


@pytest.mark.parametrize("size", [1, 1_000, BLOCK + 1, 10 * BLOCK])
def test_a_good_body_has_no_findings_however_it_comes(size):
    container = SMALL if size == 1 else LARGE
    head, body = split(container)
    assert not is_refused(head, body)
    assert findings(container, body, size) == []
    assert body_size(seal_of(container)[0]) == len(body)
    assert leaf_count(seal_of(container)[0]) == len(container.leaves)


def test_every_part_of_it_counts():
    head, body = split(SMALL)
    _, seal_at = seal_of(SMALL)
    payload = len(SMALL.payload)
    places = {0, payload - 1, payload, seal_at - 1, seal_at, len(body) - 1, *range(0, len(body), 211)}
    for place in sorted(places):
        spoilt = flipped(body, place)
        assert is_refused(head, spoilt)
        if place < payload:
            expected = [(Kind.BLOCK_DAMAGED, 0, 1)]
        elif place < seal_at:
            expected = [(Kind.LEAVES_DAMAGED, None, None)]
        else:
            expected = [(Kind.SEAL_DAMAGED, None, None)]
        assert findings(SMALL, spoilt) == expected, place


def test_blocks_that_stand_together_are_named_together():
    _, body = split(LARGE)
    assert findings(LARGE, flipped(body, 0, BLOCK - 1)) == [(Kind.BLOCK_DAMAGED, 0, 1)]
    assert findings(LARGE, flipped(body, 0, BLOCK, 3 * BLOCK)) == [
        (Kind.BLOCK_DAMAGED, 0, 2),
        (Kind.BLOCK_DAMAGED, 3, 1),
    ]
    assert findings(LARGE, flipped(body, BLOCK, 2 * BLOCK, 3 * BLOCK)) == [(Kind.BLOCK_DAMAGED, 1, 3)]


def test_where_the_leaves_are_wrong_too_no_block_can_be_named():
    _, body = split(LARGE)
    spoilt = flipped(body, BLOCK, len(LARGE.payload) + 3)
    assert findings(LARGE, spoilt) == [(Kind.LEAVES_DAMAGED, None, None), (Kind.PAYLOAD_DAMAGED, None, None)]


def test_a_seal_is_found_at_the_end_of_whatever_it_ends():
    seal, start = seal_of(LARGE)
    _, body = split(LARGE)
    for end in (body[start:], body[start - 1 :], body[-100_000:]):
        assert find_seal(end, seal.seal_id) == seal
    assert find_seal(body[start + 1 :], seal.seal_id) is None
    assert find_seal(body[-100_000:], bytes(32)) is None
    assert find_seal(b"", seal.seal_id) is None
    assert find_seal(flipped(body[-20_000:], -3_400), seal.seal_id) is None
