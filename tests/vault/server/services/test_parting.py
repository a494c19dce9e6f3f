import pytest

from vault.container.layout import BLOCK
from vault.container.limits import PAYLOAD
from vault.server.services.parting import MAX_PARTS, part_size


@pytest.mark.parametrize("least", [BLOCK, 8 * BLOCK])
@pytest.mark.parametrize("length", [1, 8 * BLOCK, MAX_PARTS * BLOCK, MAX_PARTS * BLOCK + 1, PAYLOAD])
def test_parts_are_whole_blocks_and_never_too_many(least, length):
    size = part_size(length, least)
    assert size % BLOCK == 0
    assert size >= least
    assert -(-length // size) <= MAX_PARTS
    # No longer than it takes.
    assert size == least or -(-length // (size - BLOCK)) > MAX_PARTS
