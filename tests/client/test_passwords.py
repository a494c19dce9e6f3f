import io
import itertools
import math
import os
import re
import sys
from collections import Counter

import pytest

from client import passwords
from client.errors import ClientError
from client.passwords import (
    ENTROPY_BITS,
    GROUPS,
    SYLLABLES,
    SYLLABLES_PER_GROUP,
    generate_password,
    read_password,
)


def test_it_has_more_than_ninety_bits():
    bits = GROUPS * SYLLABLES_PER_GROUP * math.log2(len(SYLLABLES))
    assert len(set(SYLLABLES)) == len(SYLLABLES) == 65
    assert 90 <= ENTROPY_BITS <= bits < ENTROPY_BITS + 1


def test_it_is_made_of_four_groups_of_four_syllables():
    syllable = f"[{passwords.CONSONANTS}][{passwords.VOWELS}]"
    assert re.fullmatch(f"(?:{syllable}){{4}}(?:-(?:{syllable}){{4}}){{3}}", generate_password())


def test_one_spelling_can_be_read_in_one_way_only():
    # Every syllable is one consonant and one vowel, so the hyphens carry nothing.
    assert all(left != right for left, right in itertools.combinations(SYLLABLES, 2))
    assert not set(passwords.CONSONANTS) & set(passwords.VOWELS)


def test_every_syllable_is_drawn_equally_often(monkeypatch):
    draws = iter(range(256))
    monkeypatch.setattr(passwords, "random_bytes", lambda _length: bytes([next(draws)]))
    drawn = Counter()
    for _ in range(3 * 65):
        drawn[passwords._syllable()] += 1
    assert set(drawn.values()) == {3}
    # The other 61 values are drawn again, never folded onto the first syllables.
    with pytest.raises(StopIteration):
        passwords._syllable()


def test_two_are_never_the_same():
    assert len({generate_password() for _ in range(200)}) == 200


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b" two words \n\n", " two words \n"),
        ("pâté\n".encode(), "pâté"),
        (b"x" * 1024, "x" * 1024),
    ],
)
def test_a_file_holds_one_password(tmp_path, content, password):
    path = tmp_path / "password"
    path.write_bytes(content)
    assert read_password(str(path)) == password


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 1027])
def test_other_files_hold_none(tmp_path, content):
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(ClientError, match="holds no password"):
        read_password(str(path))


def test_it_can_come_from_a_pipe(monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(b"secret\n")
    assert read_password(f"/dev/fd/{reader}") == "secret"
    os.close(reader)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"other\n")))
    assert read_password("-") == "other"


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_password(str(tmp_path / "nothing"))
