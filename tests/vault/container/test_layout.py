"""The preamble and the exact length of everything."""

import tracemalloc

import pytest

from tests.vault.container.forge import forge
from tests.vault.container.reading import arrive, assert_refused, examine_bytes, outcome_of
from tests.vault.container.spec import BLOCK, MAGIC, SIGNATURE
from vault.container import limits
from vault.container.layout import Preamble, parse_preamble, parse_seal_length
from vault.container.outcomes import Outcome

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb") + bytes(2000)


def preamble(envelope=SIGNATURE + 1, payload=1, version=1, magic=MAGIC):
    return magic + version.to_bytes(2, "big") + envelope.to_bytes(4, "big") + payload.to_bytes(8, "big")


def test_preamble_byte_for_byte():
    stored = bytes.fromhex("89 53 43 4c 0d 0a 1a 0a 0001 00012345 000000ab54a98ceb")
    assert Preamble(0x12345, 0xAB54A98CEB).encode() == stored
    assert parse_preamble(stored) == Preamble(0x12345, 0xAB54A98CEB)
    # What follows is not its business.
    assert parse_preamble(stored + b"more") == Preamble(0x12345, 0xAB54A98CEB)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        JPEG,
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(100),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\x00" + forge().data,
        forge().data.replace(b"\r\n", b"\n", 1),
        forge().data.replace(b"\n", b"\r\n", 1),
    ],
    ids=["empty", "JPEG", "PDF", "zip", "PNG", "byte before", "CRLF to LF", "LF to CRLF"],
)
def test_other_files_are_malformed(data):
    assert_refused(Outcome.MALFORMED, data)


@pytest.mark.parametrize("position", range(8))
def test_every_byte_of_the_magic_counts(position):
    for bit in range(8):
        wrong = bytearray(preamble())
        wrong[position] ^= 1 << bit
        assert outcome_of(parse_preamble, bytes(wrong)) is Outcome.MALFORMED


def test_every_beginning_of_a_preamble_is_malformed():
    for length in range(22):
        assert outcome_of(parse_preamble, preamble()[:length]) is Outcome.MALFORMED


@pytest.mark.parametrize("version", [0, 2, 256, 0x0101, 65_535])
def test_versions(version):
    def hook(forged):
        forged.preamble = forged.preamble[:8] + version.to_bytes(2, "big") + forged.preamble[10:]

    assert_refused(Outcome.UNSUPPORTED_VERSION, forge(at_preamble=hook).data, match=f"version {version},")
    # The magic is judged before, limits and lengths after the version.
    worst = preamble(2**32 - 1, 2**64 - 1, version)
    assert outcome_of(parse_preamble, worst) is Outcome.UNSUPPORTED_VERSION
    assert outcome_of(parse_preamble, b"\x88" + worst[1:]) is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("envelope", "payload", "outcome"),
    [
        (limits.ENVELOPE, limits.PAYLOAD, None),
        (SIGNATURE + 1, 1, None),
        (limits.ENVELOPE + 1, 1, Outcome.LIMIT_EXCEEDED),
        (10 * 2**30 % 2**32, 1, Outcome.LIMIT_EXCEEDED),
        (2**32 - 1, 1, Outcome.LIMIT_EXCEEDED),
        (SIGNATURE + 1, limits.PAYLOAD + 1, Outcome.LIMIT_EXCEEDED),
        (SIGNATURE + 1, 2**64 - 1, Outcome.LIMIT_EXCEEDED),
        (0, limits.PAYLOAD + 1, Outcome.LIMIT_EXCEEDED),
        (SIGNATURE, 1, Outcome.MALFORMED),
        (0, 1, Outcome.MALFORMED),
        (SIGNATURE + 1, 0, Outcome.MALFORMED),
    ],
)
def test_lengths_in_the_preamble(envelope, payload, outcome):
    assert outcome_of(parse_preamble, preamble(envelope, payload)) is outcome
    assert limits.ENVELOPE == 256 * 1024
    assert limits.PAYLOAD == 4 * 1024**4


@pytest.mark.parametrize(
    ("payload", "leaves"), [(1, 1), (BLOCK - 1, 1), (BLOCK, 1), (BLOCK + 1, 2), (limits.PAYLOAD, 4 * 2**20)]
)
def test_positions(payload, leaves):
    layout = Preamble(5000, payload)
    assert layout.payload_offset == 5022
    assert layout.leaf_count == leaves
    assert layout.leaves_offset == 5022 + payload
    assert layout.seal_offset == 5022 + payload + 32 * leaves
    assert layout.total_length(700) == 5022 + payload + 32 * leaves + 4 + 700 + 3373


def test_total_length_is_exact():
    data = forge().data
    for wrong in (data + b"\x00", data + data, data[:-1]):
        assert_refused(Outcome.MALFORMED, wrong)


@pytest.mark.parametrize("claimed", [10 * 2**30, limits.PAYLOAD])
def test_a_huge_announced_payload_costs_nothing(claimed):
    """Ten gibibytes, or four tebibytes, in the header of a small file."""

    def hook(forged):
        forged.preamble = forged.preamble[:14] + claimed.to_bytes(8, "big")

    data = forge(at_preamble=hook).data
    tracemalloc.start()
    assert_refused(Outcome.MALFORMED, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"", Outcome.MALFORMED),
        (b"\x00\x00\x01", Outcome.MALFORMED),
        (limits.SEAL.to_bytes(4, "big"), None),
        ((limits.SEAL + 1).to_bytes(4, "big"), Outcome.LIMIT_EXCEEDED),
        (b"\xff\xff\xff\xff", Outcome.LIMIT_EXCEEDED),
    ],
)
def test_length_of_the_seal(data, outcome):
    assert outcome_of(parse_seal_length, data) is outcome
    assert limits.SEAL == 64 * 1024


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda n: n + 1, Outcome.MALFORMED),
        (lambda n: n - 1, Outcome.MALFORMED),
        (lambda _: 0, Outcome.MALFORMED),
        (lambda _: limits.SEAL, Outcome.MALFORMED),
        (lambda _: limits.SEAL + 1, Outcome.LIMIT_EXCEEDED),
        (lambda _: 2**32 - 1, Outcome.LIMIT_EXCEEDED),
    ],
    ids=["longer", "shorter", "none", "largest", "too large", "huge"],
)
def test_seal_length_that_lies(change, outcome):
    def hook(forged):
        forged.seal_length = change(forged.seal_length)

    assert_refused(outcome, forge(at_preamble=hook).data)


def test_envelope_length_that_lies():
    """One byte of the envelope counted to the payload, or the other way round: lengths still add up."""
    for shift in (1, -1, 500):

        def hook(forged, shift=shift):
            envelope, payload = len(forged.envelope_bytes) + shift, len(forged.payload) - shift
            forged.preamble = preamble(envelope, payload)

        data = forge(at_preamble=hook).data
        assert outcome_of(examine_bytes, data) is Outcome.MALFORMED
        assert outcome_of(arrive, data) is Outcome.MALFORMED


def test_extra_leaf():
    """A leaf more or less than the payload has blocks: nothing is where the lengths say."""
    for hook in (lambda f: f.leaves.append(bytes(32)), lambda f: f.leaves.clear()):
        data = forge(at_leaves=hook).data
        assert outcome_of(examine_bytes, data) in {Outcome.MALFORMED, Outcome.LIMIT_EXCEEDED}
        assert outcome_of(arrive, data) in {Outcome.MALFORMED, Outcome.LIMIT_EXCEEDED}
