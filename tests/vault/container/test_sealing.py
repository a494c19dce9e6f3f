"""Sealing: what comes out is what the specification says, and every misuse is refused before it does harm."""

import contextlib
import hashlib
import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.derivation import PasswordCost
from tests.vault.container.forge import (
    AUTHORITY,
    DOSSIER,
    EDITOR,
    READER,
    RECOVERY,
    STRANGER,
)
from tests.vault.container.reading import arrive, examine_bytes, open_bytes, outcome_of, read_all
from tests.vault.container.spec import BLOCK, CHUNK, SIGNATURE, H, K, leaves_of, named, padme, tree
from vault.container import limits
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import MisuseError, Outcome
from vault.container.plan import DeclaredFile
from vault.container.sealing import Sealer, SealRequest
from vault.container.slots import PasswordAccess

CHEAP = PasswordCost(19_456, 2, 1)
TO_READER = CarriedRecipient("reader", 0, READER.public)
TO_DOSSIER = CarriedRecipient("dossier", 3, DOSSIER.public)
TO_RECOVERY = CarriedRecipient("recovery", 0, RECOVERY.public)
REQUEST = SealRequest("DOS-1", "other", 1_790_000_000, [TO_READER], cost=CHEAP)


def seal(files, request=REQUEST, signer=EDITOR, piece=100_000):
    """Seal {path: bytes} and return the container."""
    declared = [DeclaredFile(path, len(data)) for path, data in files.items()]
    with Sealer(request, declared, signer.signing) as sealer:
        parts = [sealer.header]
        for entry in sealer.files:
            data = files[entry.path]
            parts += [sealer.update(data[at : at + piece]) for at in range(0, len(data), piece)]
            parts.append(sealer.end_file())
        parts += sealer.finalize()
        container = b"".join(parts)
        assert len(container) == sealer.length
        assert container.endswith(sealer.seal.encode())
        return container


FILES = {"b": named("b", 50_000), "a/é.txt": b"text", "empty": b""}


def test_what_was_sealed_opens():
    request = REQUEST._replace(
        passwords=[PasswordAccess("Mel", "secret", identity=EDITOR.seed)],
        recipients=[TO_READER, TO_DOSSIER, TO_RECOVERY],
        writers=[AUTHORITY.signing_id],
        supersedes=named("before", 32),
        note="une note",
    )
    container = seal(FILES, request)
    for access in (READER.kem, DOSSIER.kem, RECOVERY.kem, PasswordAccess("mel", "secret")):
        trail = read_all(container, access)
        assert trail.released == FILES
        assert trail.finished == ["a/é.txt", "b", "empty"]
    examined = arrive(container)
    assert examined == examine_bytes(container)
    envelope, sealed = examined.envelope.envelope, examined.seal.seal
    assert (envelope.generation, envelope.writer) == (1, EDITOR.signing.public_key)
    assert (envelope.kdf.cost, len(envelope.kdf.salt)) == (CHEAP, 16)
    assert [slot.type for slot in envelope.slots] == ["password", "recipient", "recipient"]
    assert [(slot.role, slot.generation) for slot in envelope.recipient_slots] == [
        ("reader", 0),
        ("dossier", 3),
    ]
    assert [slot.role for slot in sealed.recovery] == ["recovery"]
    assert (sealed.dossier, sealed.evidence_type, sealed.sealed_at) == ("DOS-1", "other", 1_790_000_000)
    assert (sealed.writers, sealed.supersedes) == ((AUTHORITY.signing_id,), named("before", 32))
    assert sealed.signer == EDITOR.signing.public_key
    manifest = open_bytes(container, READER.kem).manifest
    assert manifest.recipients == tuple(request.recipients)
    assert (manifest.note, manifest.created) == ("une note", 1_790_000_000)
    assert {file.path: file.sha256 for file in manifest.files} == {
        path: hashlib.sha256(data).digest() for path, data in FILES.items()
    }


def test_derivations_by_the_specification():
    examined = examine_bytes(seal(FILES))
    sealed = examined.seal.seal
    ctx = H("scelle/1", sealed.container, EDITOR.signing_id, b"DOS-1")
    slot = examined.envelope.envelope.recipient_slots[0]
    info = b"scelle/1 slot\x00" + ctx + slot.id + READER.kem_id + b"reader"
    key = READER.kem.unwrap(slot.wrapped, info)
    assert sealed.commitment == examined.envelope.envelope.commitment == K(key, "scelle/1 commit", ctx)


@pytest.mark.parametrize("size", [0, CHUNK, 4 * BLOCK - 1, 6 * BLOCK + 77])
def test_leaves_root_and_padding(size):
    container = seal({"a": named("a", size)}, piece=BLOCK)
    examined = examine_bytes(container)
    preamble = examined.preamble
    payload = container[preamble.payload_offset : preamble.leaves_offset]
    assert examined.leaves == b"".join(leaves_of(payload))
    assert examined.seal.seal.root == tree(leaves_of(payload))
    assert len(payload) == padme(len(payload))
    assert read_all(container, READER.kem).released == {"a": named("a", size)}


@settings(max_examples=40)
@given(
    st.dictionaries(st.text(alphabet="abcdé", min_size=1, max_size=4), st.integers(0, 3 * CHUNK), max_size=6),
    st.integers(1, 40_000),
)
def test_any_files_in_any_pieces(sizes, piece):
    files = {path: named(path, size) for path, size in sizes.items()}
    container = seal(files, piece=piece)
    trail = read_all(container, READER.kem)
    assert trail.released == files
    assert len(trail.finished) == len(files)
    assert arrive(container, piece=piece) == examine_bytes(container)


@given(st.lists(st.integers(0, 40_000), max_size=12))
def test_pieces_of_changing_size(cuts):
    data = named("data", 40_000)
    edges = [0, *sorted(cuts), len(data)]
    with Sealer(REQUEST, [DeclaredFile("a", len(data))], EDITOR.signing) as sealer:
        parts = [sealer.header]
        for start, stop in pairwise(edges):
            parts.append(sealer.update(data[start:stop]))
        container = b"".join([*parts, sealer.end_file(), *sealer.finalize()])
    assert read_all(container, READER.kem).released == {"a": data}


def test_twenty_thousand_files():
    """The most there may be, some of them with a byte in them."""
    files = {f"{number % 100:02d}/{number:05d}": b"x" * (number % 3 == 0) for number in range(20_000)}
    trail = read_all(seal(files), READER.kem)
    assert trail.released == files
    assert trail.finished == sorted(files)


def test_two_containers_of_the_same_share_nothing_secret():
    first, second = (examine_bytes(seal({"a": b"text"})) for _ in range(2))
    for field in ("container", "commitment", "root", "content"):
        assert getattr(first.seal.seal, field) != getattr(second.seal.seal, field)
    assert first.envelope.envelope.slots[0].id != second.envelope.envelope.slots[0].id
    assert first.envelope.envelope.kdf.salt != second.envelope.envelope.kdf.salt


def test_a_template():
    """No files, the password carries the identity that seals it."""
    access = PasswordAccess("depositor", "generated", identity=STRANGER.seed)
    request = SealRequest(
        "DOS-1",
        "template",
        0,
        passwords=[access],
        writers=[AUTHORITY.signing_id],
        cost=CHEAP,
        carried=[TO_DOSSIER, TO_RECOVERY],
    )
    container = seal({}, request, STRANGER)
    opened = open_bytes(container, access)
    assert opened.manifest.files == ()
    assert opened.manifest.recipients == tuple(request.carried)
    # What it carries to seal to does not open the template itself.
    for actor in (DOSSIER, RECOVERY):
        assert outcome_of(open_bytes, container, actor.kem) is Outcome.NO_ACCESS


BAD_REQUESTS = {
    "nobody could open": {"recipients": []},
    "nobody could open it (recovery alone)": {
        "recipients": [CarriedRecipient("recovery", 0, RECOVERY.public)]
    },
    "dossier": {"dossier": "a/b"},
    "dossier too long": {"dossier": "x" * 65},
    "dossier's id has": {"dossier": "é"},
    "evidence_type": {"evidence_type": "Other"},
    "sealed_at or created": {"sealed_at": -1},
    "supersedes": {"supersedes": bytes(31)},
    "writers[0]": {"writers": [bytes(31)]},
    "listed twice": {"writers": [bytes(32), bytes(32)]},
    "writers: 9 items": {"writers": [named(str(n), 32) for n in range(9)]},
    "role": {"recipients": [CarriedRecipient("owner", 0, READER.public)]},
    "dossier slot has a generation": {"recipients": [CarriedRecipient("dossier", 0, READER.public)]},
    "any other has 0": {"recipients": [CarriedRecipient("reader", 1, READER.public)]},
    "recovery slot has generation 0": {
        "recipients": [TO_READER, CarriedRecipient("recovery", 1, RECOVERY.public)]
    },
    "public": {"recipients": [CarriedRecipient("reader", 0, bytes(1664))]},
    "not a public key": {"recipients": [CarriedRecipient("reader", 0, bytes(1665))]},
    "note": {"note": "x" * 4097},
    "note with a control character": {"note": "a\nb"},
    "user name": {"passwords": [PasswordAccess("", "secret")]},
    "password has": {"passwords": [PasswordAccess("mel", "")]},
    "identity": {"passwords": [PasswordAccess("mel", "secret", identity=bytes(31))]},
    "Argon2 memory": {"cost": PasswordCost(1024, 3, 4)},
    "Argon2 lanes": {"cost": PasswordCost(65_536, 3, 9)},
    "password slots": {"passwords": [PasswordAccess(f"user{n}", "secret") for n in range(17)]},
    "64 are allowed": {"recipients": [TO_READER] * 65},
    "recovery: 9 items": {"recipients": [TO_READER, *[CarriedRecipient("recovery", 0, RECOVERY.public)] * 9]},
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_what_no_reader_would_accept(name):
    threads = threading.active_count()
    with pytest.raises(MisuseError) as caught:
        Sealer(REQUEST._replace(**BAD_REQUESTS[name]), [DeclaredFile("a", 5)], EDITOR.signing)
    assert "secret" not in str(caught.value)
    assert ("nobody" in name) == ("nobody could open" in str(caught.value))
    assert threading.active_count() == threads


@pytest.mark.parametrize("path", ["../a", "/a", "a\\b", "CON", "a\u0378", "a\nb", ""])
def test_unsealable_path(path):
    with pytest.raises(MisuseError):
        Sealer(REQUEST, [DeclaredFile(path, 0)], EDITOR.signing)


def sealer_of(*sizes):
    return Sealer(
        REQUEST, [DeclaredFile(str(number), size) for number, size in enumerate(sizes)], EDITOR.signing
    )


def test_more_bytes_than_declared():
    for before, piece in ((b"", b"123456"), (b"12345", b"6"), (b"123", b"456")):
        sealer = sealer_of(5)
        sealer.update(before)
        with pytest.raises(MisuseError, match="longer"):
            sealer.update(piece)
        # It stays refused: neither more nothing nor an end makes it right again.
        with pytest.raises(MisuseError):
            sealer.update(b"")
        with pytest.raises(MisuseError):
            sealer.end_file()


def test_fewer_bytes_than_declared():
    with sealer_of(5) as sealer:
        sealer.update(b"1234")
        with pytest.raises(MisuseError, match="shorter"):
            sealer.end_file()
        sealer.update(b"5")
        sealer.end_file()
    with sealer_of(5) as sealer, pytest.raises(MisuseError, match="shorter"):
        sealer.end_file()


def test_files_out_of_turn():
    with sealer_of(1, 0) as sealer:
        with pytest.raises(MisuseError, match="not all"):
            next(sealer.finalize())
        sealer.update(b"1")
        with pytest.raises(MisuseError, match="not all"):
            next(sealer.finalize())
        sealer.end_file()
        with pytest.raises(MisuseError, match="not all"):
            next(sealer.finalize())
        sealer.end_file()
        for act in (lambda: sealer.update(b""), sealer.end_file):
            with pytest.raises(MisuseError, match="already"):
                act()
        with pytest.raises(MisuseError, match="not finished"):
            _ = sealer.seal
        assert list(sealer.finalize())


def test_finalize_once():
    with sealer_of() as sealer:
        assert list(sealer.finalize())
        with pytest.raises(MisuseError, match="finished"):
            next(sealer.finalize())
        assert sealer.seal


@pytest.mark.parametrize("size", [0, 8 * BLOCK])
def test_after_the_block_nothing_more_can_be_done(size):
    """Small or large: no hanging, no half container."""
    with sealer_of(size) as sealer:
        sealer.update(bytes(size))
    for act in (lambda: sealer.update(b""), sealer.end_file, lambda: next(sealer.finalize())):
        with pytest.raises(MisuseError):
            act()
    sealer.close()


def test_threads_end_with_the_block():
    before = threading.active_count()
    with contextlib.suppress(MisuseError), sealer_of(8 * BLOCK) as sealer:
        sealer.update(bytes(BLOCK))
        assert threading.active_count() == before + 1
        sealer.end_file()
    assert threading.active_count() == before


@given(st.lists(st.integers(0, 2**39), max_size=5), st.integers(0, 200))
def test_promised_length(sizes, name):
    """Known before a byte is read, whatever the size."""
    declared = [DeclaredFile(f"{number}{'x' * name}", size) for number, size in enumerate(sizes)]
    with Sealer(REQUEST, declared, EDITOR.signing) as sealer:
        rest = sealer.length - len(sealer.header)
        payload = int.from_bytes(sealer.header[14:22], "big")
        assert payload <= limits.PAYLOAD
        assert rest > payload + 32 * -(-payload // BLOCK) + SIGNATURE
        assert padme(payload) == payload


def fill(sealer, data, at):
    """Give a piece through the sealer's own memory."""
    room = sealer.room()
    assert len(room) == BLOCK
    room[: len(data)] = data
    return sealer.update(room[: len(data)])


@pytest.mark.parametrize("size", [0, 1, BLOCK, 3 * BLOCK + 5, 25 * BLOCK + 77])
def test_through_the_sealers_own_memory(size):
    """More pieces than the sealer has memory for: each is hashed and encrypted before it is overwritten."""
    data = named("data", size)
    with Sealer(REQUEST, [DeclaredFile("a", size)], EDITOR.signing) as sealer:
        out = bytearray(sealer.header)
        for at in range(0, size, BLOCK):
            out += fill(sealer, data[at : at + BLOCK], at)
        out += sealer.end_file()
        out += b"".join(sealer.finalize())
    assert len(out) == sealer.length
    container = bytes(out)
    assert arrive(container) == examine_bytes(container)
    assert read_all(container, READER.kem).released == {"a": data}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, BLOCK), st.sampled_from(["room", "halves", "bytes", "view"])), max_size=30
    )
)
def test_pieces_of_any_kind(pieces):
    """Own memory, whole or in two halves, fresh bytes and views of other memory, in any order."""
    total = sum(size for size, _ in pieces)
    data, position = named("data", total), 0
    with Sealer(REQUEST, [DeclaredFile("a", total)], EDITOR.signing) as sealer:
        out = bytearray(sealer.header)
        for size, kind in pieces:
            piece = data[position : position + size]
            position += size
            if kind == "room":
                out += fill(sealer, piece, position)
            elif kind == "halves":
                room = sealer.room()
                room[:size] = piece
                out += sealer.update(room[: size // 2])
                out += sealer.update(room[size // 2 : size])
            else:
                out += sealer.update(piece if kind == "bytes" else memoryview(bytearray(piece)))
        out += sealer.end_file()
        out += b"".join(sealer.finalize())
    assert arrive(bytes(out)) == examine_bytes(bytes(out))
    assert read_all(bytes(out), READER.kem).released == {"a": data}


def test_several_files_through_the_sealers_own_memory():
    files = {f"{number:02d}": named(str(number), number * 300_000) for number in range(12)}
    declared = [DeclaredFile(path, len(data)) for path, data in files.items()]
    with Sealer(REQUEST, declared, EDITOR.signing) as sealer:
        out = bytearray(sealer.header)
        for entry in sealer.files:
            data = files[entry.path]
            for at in range(0, len(data), BLOCK):
                out += fill(sealer, data[at : at + BLOCK], at)
            out += sealer.end_file()
        out += b"".join(sealer.finalize())
        digests = {entry.path: entry.sha256 for entry in sealer.sealed_files}
    assert digests == {path: hashlib.sha256(data).digest() for path, data in files.items()}
    assert read_all(bytes(out), READER.kem).released == files


def test_digests_are_known_at_the_end_only():
    with sealer_of() as sealer:
        with pytest.raises(MisuseError, match="not finished"):
            _ = sealer.sealed_files
        assert list(sealer.finalize())
        assert sealer.sealed_files == ()
