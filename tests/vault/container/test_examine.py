"""Examining without a key: what comes first, what is read, and that the first failure ends it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from tests.vault.container.forge import EDITOR, READER, STRANGER, File, For, forge
from tests.vault.container.reading import (
    arrive,
    examine_bytes,
    open_bytes,
    outcome_of,
    read_all,
    reader_of,
)
from tests.vault.container.spec import BLOCK, canonical, named
from vault.container.examine import Expectations, examine, verify_blocks
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess
from vault.container.steps import Read, run

LARGE = forge(files=[File("a", named("a", 3 * BLOCK))])


def test_what_can_be_known():
    examined = examine_bytes(LARGE.data)
    assert examined.size == len(LARGE.data)
    assert examined.leaves == b"".join(LARGE.leaves)
    assert examined.preamble.payload_length == len(LARGE.payload)
    assert examined.seal.seal_id == LARGE.seal_id


def test_reads_seal_before_envelope_and_no_block():
    requests = []

    def read_at(offset, length):
        requests.append(Read(offset, length))
        return LARGE.data[offset : offset + length]

    examined = run(examine(len(LARGE.data)), read_at)
    preamble, seal_at = examined.preamble, examined.preamble.seal_offset
    assert requests == [
        Read(0, 22),
        Read(seal_at, 4),
        Read(seal_at + 4, len(LARGE.seal_json) + 3373),
        Read(22, preamble.envelope_length),
        Read(preamble.leaves_offset, 32 * len(LARGE.leaves)),
    ]
    requests.clear()
    run(verify_blocks(examined), read_at)
    assert requests == [examined.block_range(index) for index in range(len(LARGE.leaves))]


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_every_block_is_verified(index):
    examined = examine_bytes(LARGE.data)
    for position in (0, BLOCK - 1, 77):
        at = index * BLOCK + position
        if at < len(LARGE.payload):
            data = bytearray(LARGE.data)
            data[examined.preamble.payload_offset + at] ^= 1
            wrong = bytes(data)
            refused = outcome_of(run, verify_blocks(examined), reader_of(wrong), match=f"block {index} ")
            assert refused is Outcome.PAYLOAD_DAMAGED
            # Examining without the blocks does not see it; whoever reads the block does.
            run(examine(len(wrong)), reader_of(wrong))
            assert outcome_of(arrive, wrong) is Outcome.PAYLOAD_DAMAGED


def test_every_leaf_counts():
    examined = examine_bytes(LARGE.data)
    for position in range(len(examined.leaves)):
        data = bytearray(LARGE.data)
        data[examined.preamble.leaves_offset + position] ^= 1
        assert outcome_of(run, examine(len(data)), reader_of(bytes(data))) is Outcome.PAYLOAD_DAMAGED


class Fault(NamedTuple):
    """One thing that is wrong, or that the caller expects otherwise."""

    name: str
    outcome: Outcome
    changes: Mapping[str, Any] = {}
    expected: Mapping[str, Any] = {}
    preamble: Callable[[bytes], bytes] | None = None
    seal: Callable[[bytes], bytes] | None = None
    envelope: Callable[[bytes], bytes] | None = None
    leaves: bytes | None = None


def space_after(data):
    return data + b" "


# In the order in which a reader must meet them.
FAULTS = [
    Fault("magic", Outcome.MALFORMED, preamble=lambda data: b"\x88" + data[1:]),
    Fault("version", Outcome.UNSUPPORTED_VERSION, preamble=lambda data: data[:9] + b"\x02" + data[10:]),
    Fault("limits", Outcome.LIMIT_EXCEEDED, preamble=lambda data: data[:10] + b"\x7f" + data[11:]),
    Fault("length", Outcome.MALFORMED, {"tail": b"\x00"}),
    Fault("seal JSON", Outcome.MALFORMED, seal=space_after),
    Fault("seal signature", Outcome.SEAL_INVALID, {"seal_signer": STRANGER}),
    Fault("envelope JSON", Outcome.MALFORMED, envelope=space_after),
    Fault("envelope writer", Outcome.ENVELOPE_TAMPERED, {"writer": STRANGER}),
    Fault("generation", Outcome.ENVELOPE_STALE, expected={"generation": 9}),
    Fault("leaves", Outcome.PAYLOAD_DAMAGED, leaves=bytes(32)),
    Fault("dossier", Outcome.WRONG_DOSSIER, expected={"dossier": "another"}),
    Fault("signers", Outcome.UNKNOWN_SIGNER, expected={"signers": ()}),
    Fault("Argon2 bounds", Outcome.LIMIT_EXCEEDED, {"kdf": (1, 2, 1)}),
    Fault("access", Outcome.NO_ACCESS, {"recipients": [For(STRANGER)]}),
]


def combined(faults):
    """Return a container with these faults, and what the caller expects of it."""
    changes, expected = {}, {}
    for fault in faults:
        changes |= fault.changes
        expected |= fault.expected

    def apply(stage, data):
        for fault in faults:
            change = getattr(fault, stage)
            data = change(data) if change else data
        return data

    def at_preamble(forged):
        forged.preamble = apply("preamble", forged.preamble)
        # Here, not at their own stage, where the root would follow them.
        forged.leaves = [fault.leaves for fault in faults if fault.leaves] or forged.leaves

    def at_seal(forged):
        forged.seal = apply("seal", canonical(forged.seal))

    def at_envelope(forged):
        forged.envelope = apply("envelope", canonical(forged.envelope))

    forged = forge(at_preamble=at_preamble, at_seal=at_seal, at_envelope=at_envelope, **changes)
    return forged.data, Expectations(**expected)


@pytest.mark.parametrize("first", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_the_first_failure_is_the_outcome(first):
    """A fault alone, with each later fault, and with all later faults at once."""
    groups = [FAULTS[first : first + 1], FAULTS[first:]]
    groups += [[FAULTS[first], later] for later in FAULTS[first + 1 :]]
    for faults in groups:
        data, expected = combined(faults)
        outcome = outcome_of(open_bytes, data, READER.kem, expected)
        assert outcome is FAULTS[first].outcome, [fault.name for fault in faults]


def test_nothing_wrong_without_a_fault():
    data, expected = combined([])
    assert read_all(data, READER.kem, expected).finished


def test_expectations_that_are_met():
    forged = forge(generation=7)
    expected = Expectations("DOS-2026-001", [EDITOR.signing_id], 7, {STRANGER.signing_id: READER.signing_id})
    assert examine_bytes(forged.data, expected) == arrive(forged.data, expected)
    access = PasswordAccess("nobody", "nothing")
    assert outcome_of(open_bytes, forged.data, access, expected) is Outcome.NO_ACCESS


@pytest.mark.parametrize("length", [0, 1, 21, 22, 23, 5_000])
def test_short_files(length):
    assert outcome_of(examine_bytes, LARGE.data[:length]) is Outcome.MALFORMED


def test_size_that_the_driver_got_wrong():
    """The size that is announced and the bytes that are there disagree: still a named outcome."""
    data = forge().data
    for size in (len(data) - 1, len(data) + 1, 0, 10):
        assert outcome_of(run, examine(size), reader_of(data)) is Outcome.MALFORMED
    for there in (0, 10, 22, 5_000, len(data) - 1):
        assert outcome_of(run, examine(len(data)), reader_of(data[:there])) is Outcome.MALFORMED


def test_leaves_are_read_in_pieces_of_a_block(monkeypatch):
    """Leaves of a payload of more than 32 GiB take several reads: 4 TiB announced, with a leaf so large."""
    monkeypatch.setattr("vault.container.examine.BLOCK", 64)
    requests = []

    def read_at(offset, length):
        requests.append(length)
        return LARGE.data[offset : offset + length]

    run(examine(len(LARGE.data)), read_at)
    assert requests[4:] == [64, 64]
