"""Planning: every length before a byte is read, and no plan that a reader would refuse."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.container.forge import DOSSIER, READER
from tests.vault.container.spec import message_length, padme
from vault.container import limits
from vault.container.manifest import INDEX_LENGTH, CarriedRecipient, content_digest, encode_manifest
from vault.container.outcomes import MisuseError
from vault.container.plan import DeclaredFile, declare_again, plan_payload


def plan(*files, note="", recipients=(), created=0):
    return plan_payload(files, created=created, recipients=recipients, note=note)


def test_files_are_laid_out_by_the_bytes_of_their_paths():
    paths = ["z", "a/b", "a.b", "é", "\U00010000", "\uffee", "B", "a!"]
    entries = plan(*(DeclaredFile(path, number) for number, path in enumerate(paths))).manifest.files
    assert [entry.path for entry in entries] == ["B", "a!", "a.b", "a/b", "z", "é", "\uffee", "\U00010000"]
    position = 0
    for entry in entries:
        assert entry.size == paths.index(entry.path)
        assert (entry.offset, entry.length) == (position, message_length(entry.size))
        position += entry.length


def test_ids_are_fresh():
    files = [DeclaredFile(str(number), 0) for number in range(100)]
    ids = {entry.id for _ in range(2) for entry in plan(*files).manifest.files}
    assert len(ids) == 200
    assert {len(one) for one in ids} == {16}


def test_what_is_sealed_again_keeps_its_ids():
    once = plan(DeclaredFile("b", 2, "text/plain", 7), DeclaredFile("a/c", 1)).manifest.files
    again = plan(*declare_again(once)).manifest.files
    assert again == once
    assert content_digest(again) == content_digest(once)
    assert content_digest(plan(*(file._replace(id=b"") for file in declare_again(once))).manifest.files) != (
        content_digest(once)
    )


def test_what_was_sealed_by_a_writer_that_knows_more_is_sealed_again():
    paths = ("a\u0378", "A", "a")
    again = plan(*(DeclaredFile(path, 0, id=bytes([number]) * 16) for number, path in enumerate(paths)))
    assert [file.path for file in again.manifest.files] == sorted(paths)
    with pytest.raises(MisuseError):
        plan(*(DeclaredFile(path, 0) for path in paths))
    with pytest.raises(MisuseError):
        plan(*(DeclaredFile(path, 0, id=bytes([number])) for number, path in enumerate(paths)))


@pytest.mark.parametrize(
    "files",
    [
        (DeclaredFile("a", 0, id=bytes(15)),),
        (DeclaredFile("a", 0, id=bytes(17)),),
        (DeclaredFile("a", 0, id=b"1" * 16), DeclaredFile("b", 0, id=b"1" * 16)),
        (DeclaredFile("../a", 0, id=b"1" * 16),),
        (DeclaredFile("a", 0, id=b"1" * 16), DeclaredFile("a/b", 0, id=b"2" * 16)),
    ],
)
def test_no_id_and_no_path_that_a_reader_would_refuse(files):
    with pytest.raises(MisuseError):
        plan(*files)


@given(
    st.lists(st.integers(0, 2**36), max_size=20),
    st.text(alphabet="aé", max_size=200),
    st.integers(0, 2),
)
def test_lengths_add_up(sizes, note, recipients):
    planned = plan(
        *(DeclaredFile(f"{number:02d}", size) for number, size in enumerate(sizes)),
        note=note,
        recipients=[CarriedRecipient("reader", 0, READER.public)] * recipients,
    )
    assert planned.manifest_offset == sum(map(message_length, sizes))
    # Digests are all of one length, so this is known before.
    files = tuple(entry._replace(sha256=b"\xff" * 32) for entry in planned.manifest.files)
    assert planned.manifest_size == len(encode_manifest(planned.manifest._replace(files=files)))
    unpadded = planned.manifest_offset + message_length(planned.manifest_size) + INDEX_LENGTH
    padding = 0 if planned.padding is None else message_length(planned.padding)
    assert planned.payload_length == unpadded + padding == padme(planned.payload_length)
    if unpadded >= 2_000:
        assert planned.payload_length <= 1.10 * unpadded


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([DeclaredFile("../a", 0)], "leaves its folder"),
        ([DeclaredFile("", 0)], "empty"),
        ([DeclaredFile("CON", 0)], "Windows"),
        ([DeclaredFile("a\u0378", 0)], "not assigned"),
        ([DeclaredFile("a\ud800", 0)], "not allowed"),
        ([DeclaredFile("a\x00", 0)], "not allowed"),
        ([DeclaredFile("a", 0), DeclaredFile("a", 0)], "same path"),
        ([DeclaredFile("a", 0), DeclaredFile("A", 0)], "same path"),
        ([DeclaredFile("é", 0), DeclaredFile("e\u0301", 0)], "same path"),
        ([DeclaredFile("a", 0), DeclaredFile("A/b", 0)], "folder of another"),
    ],
)
def test_paths_that_no_reader_would_take(files, sentence):
    with pytest.raises(MisuseError, match=sentence):
        plan(*files)


@pytest.mark.parametrize(
    "file",
    [
        DeclaredFile("a", -1),
        DeclaredFile("a", 2**53),
        DeclaredFile("a", limits.PAYLOAD + 1),
        DeclaredFile("a", 0, "x" * 128),
        DeclaredFile("a", 0, "text/\nplain"),
        DeclaredFile("a", 0, "\ud800"),
        DeclaredFile("a", 0, "", -1),
        DeclaredFile("a", 0, "", 2**53),
        DeclaredFile("a", 1.0),
        DeclaredFile("a", True),
        DeclaredFile("a", 0, "", 1.5),
    ],
    ids=repr,
)
def test_values_that_no_reader_would_take(file):
    with pytest.raises(MisuseError, match=r"files\[0\]\.(size|media_type|modified): "):
        plan(file)


def test_twenty_thousand_files_and_not_one_more():
    files = [DeclaredFile(f"{number:05d}", 0) for number in range(20_001)]
    assert len(plan(*files[:20_000]).manifest.files) == 20_000
    with pytest.raises(MisuseError, match="20001 files"):
        plan(*files)


def test_a_manifest_that_is_too_long():
    """Few enough files, but with names so long that their list passes 16 MiB."""
    folders = "/".join(["x" * 255] * 3 + ["y" * 200])
    files = [DeclaredFile(f"{folders}/{number:05d}", 0) for number in range(16_000)]
    with pytest.raises(MisuseError, match="list of files is too long"):
        plan(*files)


def test_a_payload_of_four_tebibytes_and_not_more():
    largest = plan(DeclaredFile("a", limits.PAYLOAD * 9 // 10))
    assert largest.payload_length <= limits.PAYLOAD
    with pytest.raises(MisuseError, match="not between"):
        plan(DeclaredFile("a", limits.PAYLOAD))
    with pytest.raises(MisuseError, match="fit in a container"):
        plan(DeclaredFile("a", limits.PAYLOAD // 2), DeclaredFile("b", limits.PAYLOAD // 2))


def test_paths_are_kept_as_they_were_given():
    """Neither normalised nor lowered: what a person named a file is theirs."""
    decomposed = unicodedata.normalize("NFD", "Pièce É.pdf")
    assert plan(DeclaredFile(decomposed, 0)).manifest.files[0].path == decomposed


def test_what_is_carried_over():
    carried = (CarriedRecipient("dossier", 3, DOSSIER.public), CarriedRecipient("reader", 0, READER.public))
    planned = plan(recipients=carried, note="une note", created=7)
    assert planned.manifest.recipients == carried
    assert (planned.manifest.note, planned.manifest.created) == ("une note", 7)
    assert re.search(rb'"note":"une note"', encode_manifest(planned.manifest))
