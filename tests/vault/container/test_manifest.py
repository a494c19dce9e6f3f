"""Every rule of the manifest, broken alone: encrypted, hashed and sealed as if it were right."""

import hashlib

import pytest

from keys.errors import LimitError, MalformedError
from tests.vault.container.forge import DOSSIER, READER, RECOVERY, File, For, forge
from tests.vault.container.reading import assert_refused_inside, open_bytes, outcome_of, read_all
from tests.vault.container.spec import H, b64, canonical, named
from tests.vault.container.spoil import changed, each, spoilt, wrong_binary
from vault.container import limits
from vault.container.manifest import (
    CarriedRecipient,
    FileEntry,
    Manifest,
    content_digest,
    encode_manifest,
    parse_manifest,
)
from vault.container.outcomes import Outcome

FILES = (File("a.txt", b"alpha"), File("b.txt", b"bravo" * 4000), File("c/d.txt", b""))
CARRIED = (For(DOSSIER, "dossier", 3), For(RECOVERY, "recovery"))


def with_manifest(edit, **changes):
    """A container whose manifest was edited; ``content`` is sealed as it then is."""

    def hook(forged):
        result = edit(forged.manifest)
        if isinstance(result, bytes):
            forged.manifest = result

    return forge(files=FILES, carried=CARRIED, at_manifest=hook, **changes)


def edit_file(number, **values):
    return lambda manifest: manifest["files"][number].update(values)


@pytest.fixture(scope="module")
def right():
    return forge(files=FILES, carried=CARRIED)


def parse(forged, data):
    return parse_manifest(data, manifest_offset=forged.manifest_at, content=forged._content())


def test_reads_what_the_specification_writes(right):
    manifest = open_bytes(right.data, READER.kem).manifest
    offsets = (0, len(right.wires[0]), len(right.wires[0]) + len(right.wires[1]))
    assert manifest == Manifest(
        1_790_000_000,
        tuple(
            FileEntry(
                file.path,
                len(file.data),
                hashlib.sha256(file.data).digest(),
                "text/plain",
                1_700_000_000,
                named(f"container 1 file {number}", 16),
                offsets[number],
                len(right.wires[number]),
            )
            for number, file in enumerate(FILES)
        ),
        (CarriedRecipient("dossier", 3, DOSSIER.public), CarriedRecipient("recovery", 0, RECOVERY.public)),
        "une note",
    )
    assert encode_manifest(manifest) == canonical(right.manifest)


def test_every_other_spelling_is_malformed(right):
    taken = [
        what
        for what, data in spoilt(right.manifest)
        if outcome_of(parse, right, data) is not Outcome.MALFORMED
    ]
    assert taken == []


def test_some_other_spellings_in_a_whole_container(right):
    variants = list(spoilt(right.manifest))
    for what, data in variants[:: len(variants) // 50]:
        forged = with_manifest(lambda _: data)  # noqa: B023 - called at once
        trail = assert_refused_inside(Outcome.MALFORMED, forged.data, READER.kem)
        assert trail.released == {}, what


def test_byte_strings_have_exactly_the_stated_length(right):
    places = [("files", 1, "sha256"), ("files", 1, "id"), ("recipients", 0, "public")]
    for what, data in each(right.manifest, wrong_binary, *places):
        assert outcome_of(parse, right, data) is Outcome.MALFORMED, what
    for place in places:
        assert outcome_of(parse, right, changed(right.manifest, place, "")) is Outcome.MALFORMED


@pytest.mark.parametrize("role", ["", "owner", "Reader", "password"])
def test_roles_of_recipients(role):
    forged = with_manifest(lambda manifest: manifest["recipients"][0].update(role=role))
    assert_refused_inside(Outcome.MALFORMED, forged.data, READER.kem, match="role")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda m: m["files"].reverse(), "not sorted"),
        (lambda m: m["files"].insert(0, m["files"].pop(1)), "not sorted"),
        (lambda m: m["files"].append(dict(m["files"][2])), "names a path twice"),
        (edit_file(1, path="a.txt"), "names a path twice"),
        (edit_file(1, path="A.txt"), "not sorted"),
        (lambda m: m["files"][1].update(id=m["files"][0]["id"]), "same id"),
        (lambda m: m["files"].pop(0), "gap"),
        (lambda m: m["files"].pop(1), "gap"),
        (lambda m: m["files"].pop(2), "do not end where"),
        (lambda m: m["files"].clear(), "do not end where"),
        (edit_file(0, offset=1), "gap"),
        (edit_file(1, offset=0), "gap"),
        (lambda m: m["files"][1].update(offset=m["files"][1]["offset"] - 1), "gap"),
        (lambda m: m["files"][1].update(offset=m["files"][1]["offset"] + 1), "gap"),
        (lambda m: m["files"][2].update(offset=0), "gap"),
        (edit_file(0, length=76), "gap"),
        (edit_file(0, length=78), "gap"),
        (edit_file(0, length=0), "gap"),
        (edit_file(0, size=4), "gap"),
        (edit_file(0, size=6), "gap"),
        (edit_file(2, size=1), "gap"),
        (edit_file(0, size=limits.PAYLOAD), "gap"),
        (edit_file(2, offset=limits.PAYLOAD), "gap"),
        # A longer message hidden in a file: size and length agree, the next file overlaps.
        (edit_file(0, size=6, length=78), "gap"),
        (edit_file(2, size=1, length=73), "do not end where"),
    ],
)
def test_full_accounting(edit, sentence):
    trail = assert_refused_inside(Outcome.MALFORMED, with_manifest(edit).data, READER.kem, match=sentence)
    assert trail.released == {}


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (edit_file(0, size=limits.PAYLOAD + 1), "size"),
        (edit_file(0, offset=limits.PAYLOAD + 1), "offset"),
        (edit_file(0, length=limits.PAYLOAD + 1), "length"),
    ],
)
def test_numbers_beyond_any_payload(edit, field):
    assert_refused_inside(Outcome.MALFORMED, with_manifest(edit).data, READER.kem, match=field)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("gap", [b"\x00", bytes(72), bytes(100)], ids=len)
def test_bytes_that_no_file_accounts_for(place, gap):
    """The offsets are right, the content is sealed: bytes stand before, between or after the files."""
    forged = forge(files=FILES, gaps={place: gap})
    sentence = "do not end where" if place == 3 else "gap"
    assert_refused_inside(Outcome.MALFORMED, forged.data, READER.kem, match=sentence)


def test_hidden_message_is_not_accounted_for():
    """A whole file message that the manifest does not name hides nowhere."""
    forged = forge(files=FILES, at_manifest=lambda f: f.manifest["files"].pop(1))
    assert_refused_inside(Outcome.MALFORMED, forged.data, READER.kem, match="gap")


def test_one_message_for_two_files():
    def hook(forged):
        first = forged.manifest["files"][0]
        forged.manifest["files"][0:1] = [first, first | {"path": "a2.txt", "id": b64(bytes(16))}]

    assert_refused_inside(
        Outcome.MALFORMED, forge(files=FILES, at_manifest=hook).data, READER.kem, match="gap"
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_messages_may_lie_in_any_order(order):
    forged = forge(files=FILES, storage_order=order)
    trail = read_all(forged.data, READER.kem)
    assert trail.released == forged.true_files
    assert trail.finished == [FILES[number].path for number in order]


def test_no_files():
    forged = forge(files=())
    assert read_all(forged.data, READER.kem).released == {}
    assert open_bytes(forged.data, READER.kem).manifest.files == ()


def test_content_covers_all_but_offsets_and_lengths(right):
    files = open_bytes(right.data, READER.kem).manifest.files
    digest = content_digest(files)
    listed = [
        {k: v for k, v in file.items() if k not in {"offset", "length"}} for file in right.manifest["files"]
    ]
    assert digest == H("scelle/1 content", canonical(listed))
    moved = tuple(file._replace(offset=file.offset + 7, length=1) for file in files)
    assert content_digest(moved) == digest
    first = files[0]
    for change in (
        {"path": "a.txu"},
        {"size": 6},
        {"sha256": bytes(32)},
        {"media_type": ""},
        {"modified": 0},
        {"id": bytes(16)},
    ):
        assert content_digest((first._replace(**change), *files[1:])) != digest
    assert content_digest(files[1:]) != digest
    assert content_digest(()) == H("scelle/1 content", b"[]")


@pytest.mark.parametrize(
    "edit",
    [
        edit_file(0, modified=1),
        edit_file(0, media_type="image/png"),
        edit_file(0, sha256=b64(bytes(32))),
        edit_file(0, path="a.txs"),
        edit_file(0, id=b64(bytes(16))),
    ],
)
def test_manifest_is_the_one_that_was_sealed(edit):
    """A manifest that whoever knows the container's key wrote anew, all else sealed by the signer."""
    sealed = forge(files=FILES)
    forged = with_manifest(edit, at_seal=lambda f: f.seal.update(content=sealed.seal["content"]))
    trail = assert_refused_inside(
        Outcome.PAYLOAD_DAMAGED, forged.data, READER.kem, match="not the one that was sealed"
    )
    assert trail.released == {}


def test_note_and_media_type_are_limited():
    for files, note in (((File("a", b"", "x" * 127),), "é" * 2048), ((File("a", b"", "é" * 63),), "")):
        assert read_all(forge(files=files, note=note).data, READER.kem).finished
    over = (
        (forge(note="x" * 4097), "note"),
        (forge(note="é" * 2049), "note"),
        (forge(files=[File("a", b"", "x" * 128)]), "media_type"),
        (forge(files=[File("a", b"", "é" * 64)]), "media_type"),
    )
    for forged, field in over:
        assert_refused_inside(Outcome.LIMIT_EXCEEDED, forged.data, READER.kem, match=field)


@pytest.mark.parametrize("bad", ["a\nb", "a\x00b", "\x7f", "a\tb"])
def test_note_without_control_characters(bad):
    escaped = f'"{bad}"'.replace("\n", "\\n").replace("\x00", "\\u0000").replace("\t", "\\t").encode()
    for text in (escaped, f'"{bad}"'.encode()):
        forged = with_manifest(lambda m: canonical(m).replace(b'"une note"', text))  # noqa: B023
        assert_refused_inside(Outcome.MALFORMED, forged.data, READER.kem)


def test_twenty_thousand_files_and_not_one_more():
    for count, outcome in ((20_000, None), (20_001, Outcome.LIMIT_EXCEEDED)):
        entries, offset = [], 0
        for number in range(count):
            entries.append(
                FileEntry(f"{number:05d}", 0, bytes(32), "", 0, number.to_bytes(16, "big"), offset, 72)
            )
            offset += 72
        listed = [
            {
                "path": entry.path,
                "size": 0,
                "sha256": b64(bytes(32)),
                "media_type": "",
                "modified": 0,
                "id": b64(entry.id),
            }
            for entry in entries
        ]
        documents = [
            file | {"offset": entry.offset, "length": 72} for file, entry in zip(listed, entries, strict=True)
        ]
        data = canonical({"created": 0, "files": documents, "recipients": [], "note": ""})
        content = H("scelle/1 content", canonical(listed))
        parsed = outcome_of(parse_manifest, data, manifest_offset=offset, content=content, match="20001|^$")
        assert parsed is outcome


def test_recipients_are_limited():
    one = canonical({"role": "reader", "generation": 0, "public": b64(READER.public)}).decode()
    for count, outcome in ((64, None), (65, Outcome.LIMIT_EXCEEDED)):
        data = f'{{"created":0,"files":[],"recipients":[{",".join([one] * count)}],"note":""}}'.encode()
        digest = H("scelle/1 content", b"[]")
        assert outcome_of(parse_manifest, data, manifest_offset=0, content=digest) is outcome


def test_manifest_longer_than_its_limit_is_not_parsed(monkeypatch):
    monkeypatch.setattr("json.loads", lambda *_, **__: pytest.fail("parsed"))
    data = bytes(limits.MANIFEST + 1)
    assert outcome_of(parse_manifest, data, manifest_offset=0, content=bytes(32)) is Outcome.LIMIT_EXCEEDED


def test_writes_only_what_a_reader_accepts(right):
    manifest = open_bytes(right.data, READER.kem).manifest
    first = manifest.files[0]
    for change in ({"size": -1}, {"sha256": b""}, {"id": bytes(15)}, {"path": "a\x00"}, {"path": "\ud800"}):
        with pytest.raises(MalformedError):
            encode_manifest(manifest._replace(files=(first._replace(**change),)))
    with pytest.raises(LimitError):
        encode_manifest(manifest._replace(note="x" * 4097))
    with pytest.raises(LimitError):
        encode_manifest(manifest._replace(files=(first,) * 20_001))
