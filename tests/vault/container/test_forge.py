"""A forged container with nothing broken is a good one: the forge is a second implementation."""

import pytest

from tests.vault.container.forge import DOSSIER, MEL, READER, RECOVERY, File, For, forge
from tests.vault.container.reading import arrive, examine_bytes, read_all
from tests.vault.container.spec import BLOCK, named
from vault.container.slots import PasswordAccess

ACCESSES = [READER.kem, DOSSIER.kem, RECOVERY.kem, PasswordAccess(MEL.username, MEL.password)]


@pytest.mark.parametrize("access", ACCESSES, ids=["reader", "dossier", "recovery", "password"])
def test_forged_container_opens(access):
    forged = forge(passwords=[MEL], recipients=[For(READER), For(DOSSIER, "dossier", 3)], recovery=[RECOVERY])
    trail = read_all(forged.data, access)
    assert trail.released == forged.true_files
    assert trail.finished == [file.path for file in forged.sorted_files]


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, BLOCK - 1, BLOCK, 3 * BLOCK + 7])
def test_sizes_around_chunks_and_blocks(size):
    forged = forge(files=[File("a", named("a", size)), File("b", b"b"), File("c", bytes(size))])
    assert read_all(forged.data, READER.kem).released == forged.true_files
    assert arrive(forged.data) == examine_bytes(forged.data)
