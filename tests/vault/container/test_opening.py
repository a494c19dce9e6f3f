"""Opening: index, manifest, padding and files, each rule broken alone by whoever knows all keys."""

import itertools
import random
import threading

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor

import vault.container.opening as opening_module
from tests.vault.container.forge import READER, File, forge
from tests.vault.container.reading import (
    Trail,
    assert_refused_inside,
    open_bytes,
    outcome_of,
    read_all,
    reader_of,
)
from tests.vault.container.spec import BLOCK, CHUNK, message_length, named
from vault.container import limits
from vault.container.examine import examine
from vault.container.opening import open_container
from vault.container.outcomes import Outcome
from vault.container.steps import FileFinished, FileStarted, Plaintext, Read, run
from vault.container.unlocking import unlock

THREE = (File("a.txt", b"alpha" * 100), File("b.bin", named("b", 40_000)), File("c/d", b"delta"))


def indexed(offset=None, length=None, raw=None):
    """A container whose index says something else than where the manifest is."""

    def hook(forged):
        there = forged.manifest_at, len(forged.manifest_wire)
        values = [
            there[0] if offset is None else offset(there[0]),
            there[1] if length is None else length(there[1]),
        ]
        forged.index = raw if raw is not None else b"".join(value.to_bytes(8, "big") for value in values)

    return forge(files=THREE, at_index=hook)


@pytest.mark.parametrize(
    ("index", "outcome"),
    [
        (indexed(offset=lambda _: 2**64 - 1), Outcome.MALFORMED),
        (indexed(offset=lambda _: 2**63), Outcome.MALFORMED),
        (indexed(offset=lambda _: limits.PAYLOAD), Outcome.MALFORMED),
        (indexed(length=lambda _: 2**64 - 1), Outcome.LIMIT_EXCEEDED),
        (indexed(length=lambda _: limits.MANIFEST + 1), Outcome.LIMIT_EXCEEDED),
        (indexed(length=lambda _: limits.MANIFEST), Outcome.MALFORMED),
        (indexed(offset=lambda _: 2**64 - 1, length=lambda _: 2**64 - 1), Outcome.LIMIT_EXCEEDED),
        # A sum that wraps around in 64 bits.
        (indexed(offset=lambda _: 2**64 - 72, length=lambda _: 72), Outcome.MALFORMED),
        (indexed(offset=lambda _: 0, length=lambda _: 0), Outcome.MALFORMED),
        (indexed(length=lambda _: 0), Outcome.MALFORMED),
        (indexed(length=lambda _: 71), Outcome.MALFORMED),
        (indexed(length=lambda _: 72), Outcome.PAYLOAD_DAMAGED),
        (indexed(length=lambda n: n - 1), Outcome.PAYLOAD_DAMAGED),
        (indexed(length=lambda n: n + 1), Outcome.PAYLOAD_DAMAGED),
        (indexed(offset=lambda n: n + 1), Outcome.PAYLOAD_DAMAGED),
        (indexed(offset=lambda n: n - 1), Outcome.PAYLOAD_DAMAGED),
        (indexed(offset=lambda _: 0), Outcome.PAYLOAD_DAMAGED),
        (indexed(raw=b""), None),
        (indexed(raw=bytes(15)), None),
        (indexed(raw=bytes(17)), None),
        (indexed(raw=bytes(32)), None),
    ],
)
def test_index(index, outcome):
    """Wherever the index points, the outcome has a name and nothing is released."""
    if outcome is None:
        # Another length: what stands in the last 88 bytes is then no message, or another.
        outcome = outcome_of(read_all, index.data, READER.kem)
        assert outcome in {Outcome.PAYLOAD_DAMAGED, Outcome.MALFORMED}
    trail = assert_refused_inside(outcome, index.data, READER.kem)
    assert trail.released == {}


def test_a_huge_manifest_is_refused_before_it_is_read():
    """A manifest message of 16 MiB and a byte, announced by the index: not one block of it is asked for."""
    data = indexed(length=lambda _: limits.MANIFEST + 1).data
    opened = []

    def read_at(offset, length):
        opened.append((offset, length))
        return data[offset : offset + length]

    assert outcome_of(_open_with, data, read_at) is Outcome.LIMIT_EXCEEDED
    assert max(length for _, length in opened) <= max(len(data), BLOCK)


def _open_with(data, read_at):
    examined = run(examine(len(data)), read_at)
    return run(open_container(examined, unlock(examined, READER.kem)), read_at)


@pytest.mark.parametrize("length", [1, 71, 87])
def test_payload_without_room_for_an_index(length):
    def hook(forged):
        forged.payload = forged.payload[-length:]

    assert_refused_inside(Outcome.MALFORMED, forge(at_payload=hook).data, READER.kem, match="no index")


def test_index_alone():
    """88 bytes and nothing else: an index that points at itself."""

    def hook(forged):
        forged.payload = forged.message("scelle/1 index", bytes(8) + (88).to_bytes(8, "big"))

    trail = assert_refused_inside(Outcome.MALFORMED, forge(at_payload=hook).data, READER.kem)
    assert trail.released == {}


def padded(make):
    def hook(forged):
        forged.padding_wire = make(forged)

    return forge(files=THREE, at_tail=hook)


@pytest.mark.parametrize("size", [0, 1, 5_000, 16_384, 50_000, 2 * BLOCK])
def test_any_amount_of_padding_is_the_writers_business(size):
    forged = padded(lambda f: f.zeros(size))
    assert read_all(forged.data, READER.kem).released == forged.true_files


def test_no_padding():
    assert read_all(padded(lambda _: b"").data, READER.kem).finished


@pytest.mark.parametrize("size", [1, 100, 16_384, 20_000, BLOCK + 3])
@pytest.mark.parametrize("position", [0, -1], ids=["first", "last"])
def test_padding_is_zeros(size, position):
    content = bytearray(size)
    content[position] = 1
    forged = padded(lambda f: f.message("scelle/1 padding", bytes(content)))
    # The files before it are proven whole by then; the reading as a whole is refused.
    assert_refused_inside(Outcome.MALFORMED, forged.data, READER.kem, match="not zeros", finished=3)


def test_some_files_are_read_without_looking_at_the_padding():
    forged = padded(lambda f: f.message("scelle/1 padding", b"\x01"))
    opened = open_bytes(forged.data, READER.kem)
    trail = Trail()
    run(opened.read_files([opened.manifest.files[1]]), reader_of(forged.data), trail.take)
    assert trail.finished == ["b.bin"]
    trail.assert_authentic(forged.true_files)


@pytest.mark.parametrize("room", [1, 71])
def test_padding_that_no_message_fills(room):
    trail = assert_refused_inside(Outcome.MALFORMED, padded(lambda _: bytes(room)).data, READER.kem)
    assert trail.released == {}
    unreachable = message_length(CHUNK - 1) + 1
    assert_refused_inside(Outcome.MALFORMED, padded(lambda _: bytes(unreachable)).data, READER.kem)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: bytes(100),
        lambda f: f.message("scelle/1 file", bytes(44), f.file_id(0)),
        lambda f: f.message("scelle/1 manifest", bytes(44)),
        lambda f: f.message("scelle/1 index", bytes(44)),
        lambda f: f.zeros(44)[:-1] + b"\x00",
        lambda f: f.zeros(10) + f.zeros(10),
        lambda f: f.wires[0],
    ],
    ids=["raw zeros", "a file's", "a manifest's", "an index's", "bad tag", "two messages", "hidden file"],
)
def test_padding_is_one_message_of_its_own_kind(make):
    forged = padded(make)
    assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem, finished=3)


def test_padding_between_files_and_manifest():
    forged = forge(files=THREE, gaps={3: bytes(72)})
    assert_refused_inside(Outcome.MALFORMED, forged.data, READER.kem, match="do not end where")


def rewired(edit):
    return forge(files=THREE, at_wires=lambda f: edit(f.wires, f))


def flip(data, position):
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    ("number", "position"),
    [(0, 0), (0, 24), (0, 55), (0, 56), (0, -1), (1, 56 + 16_400), (1, -1), (2, 60)],
)
def test_damage_inside_a_file_message_though_the_leaves_fit(number, position):
    """The Cobblestone message itself is checked, not only the seal's tree."""

    def edit(wires, _):
        wires[number] = flip(wires[number], position % len(wires[number]))

    forged = rewired(edit)
    trail = assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem, finished=number)
    trail.assert_authentic(forged.true_files)


def test_every_byte_of_the_payload_though_the_leaves_fit():
    """One bit of each byte, leaves and root computed and sealed anew by the signer."""
    right = forge(files=THREE[:1])
    for position in range(len(right.payload)):
        forged = forge(files=THREE[:1], at_payload=lambda f, at=position: _flip_payload(f, at))
        trail = Trail()
        outcome = outcome_of(read_all, forged.data, READER.kem, trail=trail)
        assert outcome is Outcome.PAYLOAD_DAMAGED, position
        trail.assert_authentic(forged.true_files)


def _flip_payload(forged, position):
    forged.payload = flip(forged.payload, position)


def swap(wires, one, other):
    wires[one], wires[other] = wires[other], wires[one]


def test_messages_of_two_files_exchanged():
    files = [File("a", b"first"), File("b", b"other")]
    forged = forge(files=files, at_wires=lambda f: swap(f.wires, 0, 1))
    trail = assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem)
    assert set(trail.released.values()) <= {b""}


def test_message_of_another_kind_in_a_files_place():
    for label in ("scelle/1 manifest", "scelle/1 padding", "scelle/1 index", "scelle/1 payload"):

        def edit(wires, forged, label=label):
            wires[0] = forged.message(label, THREE[0].data)

        assert_refused_inside(Outcome.PAYLOAD_DAMAGED, rewired(edit).data, READER.kem)


def test_truncated_message_in_a_files_place():
    """Whole authentic chunks with the last one replaced: the length fits, the message does not."""

    def edit(wires, _):
        wires[1] = wires[1][: 56 + 2 * 16_400] + bytes(len(wires[1]) - 56 - 2 * 16_400)

    forged = rewired(edit)
    trail = assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem, finished=1)
    trail.assert_authentic(forged.true_files)


def test_digest_is_the_one_that_was_sealed():
    """Whoever knows the container's key writes another message; the manifest stands, and so its digest."""

    def edit(wires, forged):
        wires[0] = forged.message("scelle/1 file", b"omega" * 100, forged.file_id(0))

    forged = rewired(edit)
    trail = assert_refused_inside(Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem, match="digest")
    # These bytes are in a sealed block and an authentic chunk; but the file is never called finished.
    assert trail.finished == []


@pytest.fixture(scope="module")
def large():
    """Three blocks and more: a file over several blocks between small ones."""
    files = [
        File("0", b"zero"),
        File("1", named("large", 3 * BLOCK + 12_345)),
        File("2", b""),
        File("3", b"3"),
    ]
    return forge(files=files)


def test_some_files_in_the_order_in_which_they_lie(large):
    opened = open_bytes(large.data, READER.kem)
    for count in range(5):
        for chosen in itertools.combinations(opened.manifest.files, count):
            trail = Trail()
            run(opened.read_files(chosen[::-1]), reader_of(large.data), trail.take)
            assert trail.finished == [file.path for file in chosen]
            trail.assert_authentic(large.true_files)


def test_events_come_in_order(large):
    events = []
    opened = open_bytes(large.data, READER.kem)
    run(opened.read_files(), reader_of(large.data), events.append)
    kinds = "".join(
        type(event).__name__[0] if not isinstance(event, FileFinished) else "." for event in events
    )
    assert kinds.replace("P", "") == "F.F.F.F."
    assert sum(isinstance(event, FileStarted) for event in events) == 4
    # What is released at once is at most a block, so memory stays constant.
    assert max(len(event.data) for event in events if isinstance(event, Plaintext)) <= BLOCK + CHUNK


def test_only_the_blocks_of_a_file_are_read(large):
    opened = open_bytes(large.data, READER.kem)
    start = opened.examined.preamble.payload_offset
    asked = []

    def read_at(offset, length):
        asked.append((offset - start) // BLOCK)
        return large.data[offset : offset + length]

    run(opened.read_files([opened.find("0")]), read_at)
    assert asked == [0]


def test_find(large):
    opened = open_bytes(large.data, READER.kem)
    assert opened.find("1").size == 3 * BLOCK + 12_345
    assert opened.find("") is None
    assert opened.find("10") is None


def test_bytes_that_change_between_two_reads(large):
    """A driver whose file is changed after it was examined: blocks are compared with the sealed leaves."""
    opened = open_bytes(large.data, READER.kem)
    chooser = random.Random(7)  # noqa: S311 - which byte changes
    preamble = opened.examined.preamble
    for _ in range(30):
        position = chooser.randrange(preamble.payload_offset, preamble.leaves_offset)
        wrong, trail = flip(large.data, position), Trail()
        assert outcome_of(run, opened.read_files(), reader_of(wrong), trail.take) is Outcome.PAYLOAD_DAMAGED
        trail.assert_authentic(large.true_files)


def test_chunks_reach_the_library_only_from_verified_blocks(large, monkeypatch):
    """What the decryptor is given is byte for byte the sealed payload, even where a later block is bad."""
    given_wire = []

    class Watching:
        def __init__(self, *arguments):
            self._real = Cobblestone256Decryptor(*arguments)

        def update(self, wire):
            given_wire.append(bytes(wire))
            return self._real.update(wire)

        def finalize(self):
            return self._real.finalize()

    monkeypatch.setattr(opening_module, "Cobblestone256Decryptor", Watching)
    opened = open_bytes(large.data, READER.kem)
    wrong = flip(large.data, opened.examined.preamble.payload_offset + 2 * BLOCK + 9)
    assert outcome_of(run, opened.read_files(), reader_of(wrong)) is Outcome.PAYLOAD_DAMAGED
    assert b"".join(given_wire) == large.payload[: 2 * BLOCK]


def test_threads_end_when_reading_stops_early(large):
    files = [File("a", named("a", 5 * BLOCK))]
    data = forge(files=files).data
    before = threading.active_count()
    opened = open_bytes(data, READER.kem)
    steps = opened.read_files()
    request = next(steps)
    while isinstance(request, (Read, FileStarted)):
        answer = data[request.offset : request.offset + request.length] if isinstance(request, Read) else None
        request = steps.send(answer)
    assert threading.active_count() > before
    steps.close()
    assert threading.active_count() == before
