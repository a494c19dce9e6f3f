"""A container that arrives front to back, in pieces of any size: judged as `examine` judges it."""

import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.container.forge import READER, RECOVERY, STRANGER, File, For, forge
from tests.vault.container.reading import arrive, assert_refused, examine_bytes, outcome_of
from tests.vault.container.spec import BLOCK, MAGIC, SIGNATURE, named
from vault.container import limits
from vault.container.arrival import ArrivalExaminer
from vault.container.examine import Expectations
from vault.container.outcomes import Outcome

SMALL = forge(recipients=[For(READER)], recovery=[RECOVERY])
LARGE = forge(files=[File("a", named("a", 2 * BLOCK + 99_999)), File("b", b"b")])


@pytest.mark.parametrize("piece", [1, 7, 22, 23, 1_000, BLOCK, 10 * BLOCK])
def test_pieces_of_one_size(piece):
    for forged in (SMALL, LARGE) if piece > 100 else (SMALL,):
        assert arrive(forged.data, piece=piece) == examine_bytes(forged.data)


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(LARGE.data)), max_size=20))
def test_pieces_of_any_size(cuts):
    examiner = ArrivalExaminer()
    view = memoryview(LARGE.data)
    for start, stop in itertools.pairwise([0, *sorted(cuts), len(view)]):
        examiner.update(view[start:stop])
        assert examiner.received == stop
    assert examiner.finalize() == examine_bytes(LARGE.data)


def test_what_is_known_and_when():
    examiner = ArrivalExaminer()
    envelope_end = 22 + len(SMALL.envelope_bytes)
    for position, byte in enumerate(SMALL.data):
        assert (examiner.preamble is None) == (position < 22)
        assert (examiner.envelope is None) == (position < envelope_end)
        examiner.update(bytes([byte]))
    assert examiner.finalize() is examiner.finalize()


def test_every_truncation_is_malformed():
    """Byte by byte; asking at each place whether that was all."""
    examiner = ArrivalExaminer()
    for byte in SMALL.data:
        assert outcome_of(examiner.finalize) is Outcome.MALFORMED
        examiner.update(bytes([byte]))
        examiner.update(b"")
    examiner.finalize()


def refused_after(data, expected=None):
    """How many bytes were taken before the refusal, and with which outcome."""
    examiner = ArrivalExaminer(*([expected] if expected else []))
    for count, byte in enumerate(data, 1):
        outcome = outcome_of(examiner.update, bytes([byte]))
        if outcome:
            return count, outcome
    return len(data), outcome_of(examiner.finalize)


ENVELOPE_END = 22 + len(SMALL.envelope_bytes)


@pytest.mark.parametrize(
    ("data", "at", "outcome"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(100), 1, Outcome.MALFORMED),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), 2, Outcome.MALFORMED),
        (MAGIC[:7] + b"\x0b" + bytes(100), 8, Outcome.MALFORMED),
        (MAGIC + b"\x00\x02" + bytes(100), 22, Outcome.UNSUPPORTED_VERSION),
        (MAGIC + b"\x00\x01\xff" + bytes(100), 22, Outcome.LIMIT_EXCEEDED),
        (SMALL.preamble + b"x" * len(SMALL.envelope_bytes), ENVELOPE_END, Outcome.MALFORMED),
        (SMALL.data + b"\x00", len(SMALL.data) + 1, Outcome.MALFORMED),
        (b"", 0, Outcome.MALFORMED),
        (MAGIC, 8, Outcome.MALFORMED),
    ],
    ids=["JPEG", "PNG", "last of the magic", "version", "limit", "envelope", "trailing", "nothing", "magic"],
)
def test_refuses_as_early_as_it_can(data, at, outcome):
    assert refused_after(data) == (at, outcome)


def test_seal_length_is_judged_before_the_seal_comes():
    start = len(SMALL.data) - len(SMALL.seal_bytes)
    data = SMALL.data[:start] + (limits.SEAL + 1).to_bytes(4, "big") + bytes(10)
    assert refused_after(data) == (start + 4, Outcome.LIMIT_EXCEEDED)


@pytest.mark.parametrize(
    ("data", "expected", "outcome"),
    [
        (SMALL.data + b"\x00", None, Outcome.MALFORMED),
        (forge(seal_signer=STRANGER).data, None, Outcome.SEAL_INVALID),
        (forge(writer=STRANGER).data, None, Outcome.ENVELOPE_TAMPERED),
        (SMALL.data, Expectations(dossier="another"), Outcome.WRONG_DOSSIER),
        (forge(at_leaves=lambda f: f.leaves.__setitem__(0, bytes(32))).data, None, Outcome.PAYLOAD_DAMAGED),
        (b"JPEG", None, Outcome.MALFORMED),
    ],
)
@pytest.mark.parametrize("piece", [1, 10_000_000])
def test_a_refusal_is_final(data, expected, outcome, piece):
    """Whatever a caller does after an exception that it swallowed, it is never given a result."""
    examiner = ArrivalExaminer(*([expected] if expected else []))
    outcomes = [
        outcome_of(examiner.update, data[start : start + piece]) for start in range(0, len(data), piece)
    ]
    first = next(found for found in outcomes if found)
    assert first is outcome
    for _ in range(2):
        assert outcome_of(examiner.finalize) is outcome
        assert outcome_of(examiner.update, b"more") is outcome
        assert outcome_of(examiner.update, SMALL.data) is outcome


def test_every_block_and_leaf_is_compared():
    start = len(LARGE.preamble + LARGE.envelope_bytes)
    for position in (0, BLOCK - 1, BLOCK, 2 * BLOCK, len(LARGE.payload) - 1):
        data = bytearray(LARGE.data)
        data[start + position] ^= 0x10
        assert outcome_of(arrive, bytes(data)) is Outcome.PAYLOAD_DAMAGED
    for position in range(0, 96, 5):
        data = bytearray(LARGE.data)
        data[start + len(LARGE.payload) + position] ^= 0x10
        assert outcome_of(arrive, bytes(data)) is Outcome.PAYLOAD_DAMAGED


def test_leaves_that_fit_the_root_but_not_the_blocks():
    """Sealed by the signer: a payload whose stored leaves are those of another one."""

    def hook(forged):
        forged.payload = forged.payload[:-1] + bytes([forged.payload[-1] ^ 1])

    assert_refused(Outcome.PAYLOAD_DAMAGED, forge(at_leaves=hook).data, match="changed")


def test_memory_stays_constant():
    """Four tebibytes announced, 64 MiB sent."""

    def hook(forged):
        forged.preamble = forged.preamble[:14] + limits.PAYLOAD.to_bytes(8, "big")

    head = forge(at_preamble=hook)
    piece = bytes(BLOCK)
    examiner = ArrivalExaminer()
    tracemalloc.start()
    examiner.update(head.preamble + head.envelope_bytes)
    for _ in range(64):
        examiner.update(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert examiner.received == len(head.preamble + head.envelope_bytes) + 64 * BLOCK
    assert peak < BLOCK


def test_an_announced_envelope_is_not_allocated_before_it_comes():
    examiner = ArrivalExaminer()
    tracemalloc.start()
    examiner.update(MAGIC + b"\x00\x01" + limits.ENVELOPE.to_bytes(4, "big") + (1).to_bytes(8, "big"))
    examiner.update(bytes(SIGNATURE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 1024
