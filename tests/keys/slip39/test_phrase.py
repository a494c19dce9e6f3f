"""Shares as words: what the checksum finds, and what is said about it."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic.share import Share as TheirShare
from shamir_mnemonic.wordlist import WORDLIST

from keys.errors import ShareError, ShareFlaw
from keys.slip39.phrase import Share, read_share, unknown_word, words_for, write_share
from keys.slip39.words import RANKS, WORDS

SHARE = Share(12345, True, 1, 0, 1, 1, 2, 3, bytes(range(32)))
PHRASE = write_share(SHARE)


@st.composite
def shares(draw):
    groups = draw(st.integers(1, 16))
    return Share(
        identifier=draw(st.integers(0, 2**15 - 1)),
        extendable=draw(st.booleans()),
        exponent=draw(st.integers(0, 15)),
        group=draw(st.integers(0, 15)),
        group_threshold=draw(st.integers(1, groups)),
        groups=groups,
        place=draw(st.integers(0, 15)),
        threshold=draw(st.integers(1, 16)),
        value=draw(st.integers(8, 40).flatmap(lambda half: st.binary(min_size=2 * half, max_size=2 * half))),
    )


def flaw_of(words):
    with pytest.raises(ShareError) as caught:
        read_share(" ".join(words))
    return caught.value.flaw


def test_the_list_is_the_published_one():
    assert list(WORDS) == WORDLIST
    assert len({word[:4] for word in WORDS}) == len(RANKS) == 1024


@settings(deadline=None)
@given(shares())
def test_what_is_written_is_read(share):
    phrase = write_share(share)
    assert read_share(phrase) == share
    assert len(phrase.split()) == words_for(len(share.value))


@settings(deadline=None)
@given(shares())
def test_another_program_reads_and_writes_the_same(share):
    theirs = TheirShare(*share[:6], share.place, share.threshold, share.value)
    assert theirs.mnemonic() == write_share(share)
    assert TheirShare.from_mnemonic(write_share(share)) == theirs


def test_case_and_white_space_do_not_matter():
    assert read_share("\n  ".join(PHRASE.title().split()) + "\r\n") == SHARE


def test_every_damage_to_one_word_is_found():
    words = PHRASE.split()
    assert len(words) == 33
    for at, right in enumerate(words):
        for wrong in WORDS:
            if wrong != right:
                damaged = " ".join([*words[:at], wrong, *words[at + 1 :]])
                with pytest.raises(ShareError) as caught:
                    read_share(damaged)
                assert caught.value.flaw is ShareFlaw.CHECKSUM


def test_damage_to_two_or_three_words_is_found():
    draw = random.Random(39)  # noqa: S311 - the same cases every time
    for _ in range(3000):
        words = PHRASE.split()
        for at in draw.sample(range(33), draw.choice([2, 3])):
            words[at] = draw.choice([word for word in WORDS if word != words[at]])
        assert flaw_of(words) is ShareFlaw.CHECKSUM


def test_words_swapped_left_out_or_doubled_are_found():
    words = PHRASE.split()
    for at in range(33):
        assert flaw_of(words[:at] + words[at + 1 :]) in {ShareFlaw.LENGTH, ShareFlaw.CHECKSUM}
        assert flaw_of([*words[:at], words[at], *words[at:]]) in {ShareFlaw.LENGTH, ShareFlaw.CHECKSUM}
    for at in range(32):
        if words[at] != words[at + 1]:
            swapped = [*words[:at], words[at + 1], words[at], *words[at + 2 :]]
            assert flaw_of(swapped) is ShareFlaw.CHECKSUM


@pytest.mark.parametrize("count", [0, 1, 19, 21, 513, 100_000])
def test_no_share_has_so_many_words(count):
    assert flaw_of(["academic"] * count) is ShareFlaw.LENGTH


def test_an_unknown_word_is_counted_and_not_repeated():
    words = PHRASE.split()
    words[6] = "zebra"
    with pytest.raises(ShareError) as caught:
        read_share(" ".join(words))
    assert (caught.value.flaw, caught.value.word) == (ShareFlaw.WORD, 6)
    assert "word 7" in str(caught.value)
    assert "zebra" not in str(caught.value)
    assert unknown_word(["Academic", "zero"]) is None


def test_nothing_secret_is_shown():
    assert repr(SHARE) == "Share(2 of group 0, 3 are needed, value=<redacted>)"
    assert repr(SHARE.value) not in f"{SHARE} {[SHARE]}"
