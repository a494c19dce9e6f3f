"""A container that comes without its payload: judged as `examine` judges the whole one."""

import tracemalloc

import pytest

from tests.vault.container.forge import READER, RECOVERY, STRANGER, File, For, forge
from tests.vault.container.reading import examine_bytes, outcome_of
from tests.vault.container.spec import BLOCK, named
from vault.container import limits
from vault.container.announcement import AnnouncementExaminer
from vault.container.examine import Expectations
from vault.container.outcomes import Outcome

SMALL = forge(recipients=[For(READER)], recovery=[RECOVERY])
LARGE = forge(files=[File("a", named("a", 2 * BLOCK + 99_999)), File("b", b"b")])


def without_payload(forged) -> bytes:
    head = forged.preamble + forged.envelope_bytes
    return head + forged.data[len(head) + len(forged.payload) :]


def announce(data, expected=None, piece=1 << 16):
    examiner = AnnouncementExaminer(*([expected] if expected else []))
    for start in range(0, len(data), piece):
        examiner.update(data[start : start + piece])
    return examiner.finalize()


@pytest.mark.parametrize("piece", [1, 7, 31, 32, 33, 1_000_000])
@pytest.mark.parametrize("forged", [SMALL, LARGE])
def test_pieces_of_any_size(forged, piece):
    outline = announce(without_payload(forged), piece=piece)
    assert outline == examine_bytes(forged.data).outline
    assert outline.size == len(forged.data)


def test_every_byte_counts():
    """One bit of each; the outcome is one of the eleven, and never success."""
    data = bytearray(without_payload(SMALL))
    for position in range(len(data)):
        data[position] ^= 1 << position * 5 % 8
        assert outcome_of(announce, bytes(data)) is not None, position
        data[position] ^= 1 << position * 5 % 8
    announce(bytes(data))


def test_every_truncation_is_malformed():
    examiner = AnnouncementExaminer()
    for byte in without_payload(SMALL):
        assert outcome_of(examiner.finalize) is Outcome.MALFORMED
        examiner.update(bytes([byte]))
    examiner.finalize()


@pytest.mark.parametrize(
    ("data", "expected", "outcome"),
    [
        (without_payload(SMALL) + b"\x00", None, Outcome.MALFORMED),
        (without_payload(forge(seal_signer=STRANGER)), None, Outcome.SEAL_INVALID),
        (without_payload(forge(writer=STRANGER)), None, Outcome.ENVELOPE_TAMPERED),
        (without_payload(SMALL), Expectations(dossier="another"), Outcome.WRONG_DOSSIER),
        (without_payload(SMALL), Expectations(generation=2), Outcome.ENVELOPE_STALE),
        (SMALL.data, None, None),
    ],
)
def test_what_it_refuses(data, expected, outcome):
    found = outcome_of(announce, data, expected)
    assert found is not None
    assert outcome in {found, None}


def test_memory_does_not_grow_with_the_leaves():
    """Four tebibytes announced, leaves of 128 GiB sent."""

    def hook(forged):
        forged.preamble = forged.preamble[:14] + limits.PAYLOAD.to_bytes(8, "big")

    head = forge(at_preamble=hook)
    piece = bytes(BLOCK)
    examiner = AnnouncementExaminer()
    tracemalloc.start()
    examiner.update(head.preamble + head.envelope_bytes)
    for _ in range(4):
        for start in range(0, BLOCK, 1 << 16):
            examiner.update(piece[start : start + (1 << 16)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < BLOCK // 2
