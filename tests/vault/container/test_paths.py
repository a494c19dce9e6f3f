"""Every path rule, broken alone; in whole containers and in the function itself."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.container.forge import READER, File, forge
from tests.vault.container.reading import assert_refused_inside, outcome_of, read_all
from vault.container.outcomes import Outcome
from vault.container.paths import (
    FORBIDDEN_RANGES,
    check_path,
    check_sealable_tree,
    check_tree,
    fold,
    why_unsealable,
)

FORBIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
PUNCTUATION = '\\:*?"<>|'
DEVICES = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
DEVICES += [f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"]


def is_safe(path):
    return outcome_of(check_path, path) is None


def seal(*paths):
    return forge(files=[File(path, b"text") for path in paths])


GOOD = [
    "a",
    "a.txt",
    "rapport final (v2) [signé].pdf",
    "dossier/sous-dossier/pièce n°1.pdf",
    ".hidden",
    "...a",
    " leading space",
    "a b",
    "a..b",
    "a/.b",
    "日本語/テキスト.txt",
    "смета.xlsx",
    "e\u0301",
    "😀",
    "#%&{}$!'@+`=~;,^()[]-_",
    "/".join("abcdefghijklmnopqrstuvwxyzabcdef"),
    "x" * 255,
    "é" * 127,
    "/".join(["x" * 255] * 3 + ["x" * 254, "y"]),
    "console",
    "CON1",
    "com",
    "com10",
    "lpt",
    "lpt10.txt",
    "nul_",
    "xnul",
    "a.con",
    "conin",
    "$con",
    "con$",
    "COM⁴",
    "COM٣",
]


def test_good_paths():
    for path in GOOD:
        assert is_safe(path), path
        assert why_unsealable(path) is None
        if path not in {"e\u0301", "com10"}:
            assert read_all(seal(path).data, READER.kem).finished == [path]


BAD = [
    "",
    ".",
    "..",
    "/",
    "/a",
    "a/",
    "a//b",
    "//a",
    "./a",
    "a/.",
    "a/./b",
    "../a",
    "a/..",
    "a/../b",
    "a/../../b",
    "C:",
    "C:/a",
    "c:a",
    "\\a",
    "a\\b",
    "..\\a",
    "\\\\host\\share",
    "a.",
    "a ",
    "a. ",
    "a .",
    "a./b",
    "a /b",
    "...",
    ". ",
    " ",
    "a/ /b",
    "a/...",
    "a\x00",
    "a\nb",
    "a\u2028b",
    "a\u202eb",
    "a\u200b",
    "\ufeffa",
    "a\x85",
    "a\x9f",
    "/".join("abcdefghijklmnopqrstuvwxyzabcdefg"),
    "x" * 256,
    "é" * 128,
    "a/" + "x" * 256 + "/b",
    "x" * 255 + "é",
    "/".join(["x" * 255] * 3 + ["x" * 255, "y"]),
    "/".join(["é" * 127] * 4 + ["é" * 4]),
    "x" * 1025,
]


@pytest.mark.parametrize("path", BAD, ids=lambda path: repr(path)[:30])
def test_bad_paths(path):
    assert outcome_of(check_path, path) is Outcome.UNSAFE_PATH
    assert why_unsealable(path) is not None
    # Control characters are refused before, by the form of the manifest.
    controlled = re.search("[\x00-\x1f\x7f]", path)
    outcome = Outcome.MALFORMED if controlled else Outcome.UNSAFE_PATH
    trail = assert_refused_inside(outcome, seal("0", path).data, READER.kem)
    assert trail.released == {}


def test_reasons():
    """Each rule refuses in its own words, so that no other rule stood in for it."""
    for path, reason in (
        ("x" * 1025, "longer than 1024"),
        ("é" * 513, "longer than 1024"),
        ("x" * 256, "name longer than 255"),
        ("é" * 128, "name longer than 255"),
        ("/".join(["a"] * 33), "deeper than 32"),
        ("a/../b", "leaves its folder"),
        ("a|b", "not allowed"),
        ("a.", "ends in a dot"),
        ("nul", "Windows"),
    ):
        assert outcome_of(check_path, path, match=reason) is Outcome.UNSAFE_PATH


@pytest.mark.parametrize("name", DEVICES)
def test_windows_devices(name):
    for spelled in (name, name.lower(), name.title(), name.swapcase()):
        for path in (
            spelled,
            f"{spelled}.txt",
            f"{spelled}.tar.gz",
            f"{spelled}..txt",
            f"{spelled} .txt",
            f"a/{spelled}",
            f"a/{spelled}.txt/b",
        ):
            assert outcome_of(check_path, path, match="Windows") is Outcome.UNSAFE_PATH, path
        for path in (
            f"{spelled}x",
            f"x{spelled}",
            f"x.{spelled}",
            f"{spelled}_.txt",
            f" {spelled}",
            f"{spelled}x.txt",
        ):
            assert is_safe(path), path


@pytest.mark.parametrize("path", ["CON", "aux.txt", "COM¹", "docs/lpt³.pdf", "nul.tar.gz"])
def test_windows_devices_in_a_container(path):
    assert_refused_inside(Outcome.UNSAFE_PATH, seal("0", path).data, READER.kem, match="Windows")


@pytest.mark.parametrize("character", PUNCTUATION)
def test_punctuation_that_windows_keeps(character):
    for path in (character, f"a{character}b", f"a/b{character}"):
        assert outcome_of(check_path, path, match="not allowed") is Outcome.UNSAFE_PATH
    assert_refused_inside(Outcome.UNSAFE_PATH, seal(f"a{character}b").data, READER.kem)


def test_every_code_point():
    """A code point is refused if it lies in the fixed list, and the list is that of the categories."""
    listed = {point for first, last in FORBIDDEN_RANGES for point in range(first, last + 1)}
    special = {ord(character) for character in PUNCTUATION}
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        path = f"a{character}b"
        if (is_safe(path)) == (point in listed or point in special):
            pytest.fail(f"U+{point:04X}")
        category = unicodedata.category(character)
        # This Python's Unicode may be older than the list: what it does not know yet may be listed.
        if category != "Cn" and (category in FORBIDDEN_CATEGORIES) != (point in listed):
            pytest.fail(f"U+{point:04X} has category {category}")


def test_the_list_is_the_one_of_version_1():
    """It is part of the format: a reader with another list would take or refuse other containers."""
    text = ",".join(f"{first:04X}-{last:04X}" for first, last in FORBIDDEN_RANGES)
    assert text == (
        "0000-001F,007F-009F,00AD-00AD,0600-0605,061C-061C,06DD-06DD,070F-070F,0890-0891,08E2-08E2,180E-180E,"
        "200B-200F,2028-202E,2060-2064,2066-206F,D800-F8FF,FEFF-FEFF,FFF9-FFFB,110BD-110BD,110CD-110CD,"
        "13430-1343F,1BCA0-1BCA3,1D173-1D17A,E0001-E0001,E0020-E007F,F0000-FFFFD,100000-10FFFD"
    )


def test_edges_of_the_ranges():
    assert list(FORBIDDEN_RANGES) == sorted(FORBIDDEN_RANGES)
    for first, last in FORBIDDEN_RANGES:
        assert first <= last
        for point in (first, last):
            assert not is_safe(f"a{chr(point)}")
        for point in (first - 1, last + 1):
            if 0 <= point <= sys.maxunicode and chr(point) not in PUNCTUATION:
                assert is_safe(f"a{chr(point)}b"), hex(point)


def test_unassigned_characters_are_refused_when_sealing_only():
    for character in ("\u0378", "\u2065", "\ufdd0", "\uffff", "\U000e0fff", "\U0010ffff"):
        path = f"a{character}b"
        assert is_safe(path)
        assert "not assigned" in why_unsealable(path)
        assert read_all(seal(path).data, READER.kem).finished == [path]


COLLISIONS = [
    ("é", "e\u0301"),
    ("Å", "\u212b"),
    ("a/é", "a/e\u0301"),
    ("q\u0307\u0323", "q\u0323\u0307"),
    ("가", "\u1100\u1161"),
]
IN_EACH_OTHER = [
    ("a", "a/b"),
    ("a", "a/b/c"),
    ("a/b", "a/b/c"),
    ("é", "e\u0301/b"),
    ("a/e\u0301", "a/é/b/c"),
]


@pytest.mark.parametrize(("one", "other"), COLLISIONS)
def test_paths_equal_in_nfc(one, other):
    assert outcome_of(check_tree, [one, other], match="same path") is Outcome.UNSAFE_PATH
    assert_refused_inside(Outcome.UNSAFE_PATH, seal(one, other).data, READER.kem, match="same path")


@pytest.mark.parametrize(("one", "other"), IN_EACH_OTHER)
def test_no_file_is_a_folder(one, other):
    for paths in ((one, other), (other, one)):
        assert outcome_of(check_tree, paths, match="folder of another") is Outcome.UNSAFE_PATH
    trail = assert_refused_inside(Outcome.UNSAFE_PATH, seal(one, other).data, READER.kem, match="folder")
    assert trail.released == {}


def test_file_and_folder_with_others_between_them():
    """Sorted by bytes, ``a.txt`` and ``a-b`` stand between ``a`` and ``a/b``."""
    paths = ["a", "a b", "a!", "a-b", "a.txt", "a/b", "b"]
    assert sorted(paths) == paths
    assert outcome_of(check_tree, paths, match="folder") is Outcome.UNSAFE_PATH
    assert outcome_of(check_tree, [path for path in paths if path != "a"]) is None
    assert_refused_inside(Outcome.UNSAFE_PATH, seal(*paths).data, READER.kem, match="folder")


def test_folders_may_share_beginnings():
    paths = ["a/b", "a/c", "a.b", "ab", "ab/c"[:2] + "c", "a/bb/c", "b"]
    assert outcome_of(check_tree, paths) is None
    assert set(read_all(seal(*paths).data, READER.kem).finished) == set(paths)


ALIKE = [
    ("a", "A"),
    ("Straße", "STRASSE"),
    ("ﬁ", "fi"),
    ("Σ", "ς"),
    ("\u212a", "k"),
    ("a/B", "A/b"),
    ("É", "e\u0301"),
    ("\u01f0", "J\u030c"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_paths_alike_are_not_sealed_together_but_read(one, other):
    assert fold(one) == fold(other)
    assert outcome_of(check_sealable_tree, [one, other]) is Outcome.UNSAFE_PATH
    if unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", other):
        assert set(read_all(seal(one, other).data, READER.kem).finished) == {one, other}


def test_file_alike_a_folder_is_not_sealed():
    assert outcome_of(check_sealable_tree, ["A", "a/b"], match="folder") is Outcome.UNSAFE_PATH
    assert outcome_of(check_tree, ["A", "a/b"]) is None


@given(st.text(max_size=30))
def test_whatever_is_sealable_is_safe_and_stays_inside(path):
    if why_unsealable(path) is None:
        assert is_safe(path)
        parts = path.split("/")
        assert all(part and part not in {".", ".."} and part.strip(". ") for part in parts)
        # Normalising for a file system brings nothing forbidden back.
        for form in ("NFC", "NFD"):
            assert unicodedata.normalize(form, path).count("/") == path.count("/")


@given(st.lists(st.text(alphabet="aAéE\u0301/-", min_size=1, max_size=6), max_size=8, unique=True))
def test_trees_by_their_definition(paths):
    names = [unicodedata.normalize("NFC", path) for path in paths]
    clash = len(set(names)) < len(names) or any(
        other.startswith(f"{name}/") for name in names for other in names
    )
    assert (outcome_of(check_tree, paths) is not None) == clash
