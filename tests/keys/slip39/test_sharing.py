"""Secrets shared out and put together, by us and by the package ``shamir-mnemonic``, in both directions."""

import itertools

import pytest
import shamir_mnemonic
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import MalformedError, ShareError, ShareFlaw
from keys.slip39.phrase import read_share, write_share
from keys.slip39.sharing import check_together, combine, combine_shares, split

SEED = bytes(range(32))
SECRETS = st.binary(min_size=32, max_size=32)
PASSPHRASES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.encode)


@st.composite
def plans(draw):
    """How many of how many, and which of them come back, in any order."""
    threshold = draw(st.integers(2, 16))
    count = draw(st.integers(threshold, 16))
    return threshold, count, draw(st.permutations(range(count)))[:threshold]


def refused(phrases, passphrase=b""):
    with pytest.raises(ShareError) as caught:
        combine(phrases, passphrase)
    return caught.value


@pytest.mark.parametrize(("threshold", "count"), [(1, 1), (2, 2), (2, 3), (3, 5), (5, 7)])
def test_any_k_of_n_open_and_fewer_do_not(threshold, count):
    phrases = split(SEED, threshold, count, exponent=0)
    assert len(set(phrases)) == count
    for chosen in itertools.combinations(phrases, threshold):
        assert combine(chosen) == SEED
    for fewer in range(threshold):
        for chosen in itertools.combinations(phrases, fewer):
            error = refused(chosen)
            assert (error.flaw, error.needed) == (ShareFlaw.TOO_FEW, threshold if chosen else 1)


@settings(max_examples=40, deadline=None)
@given(plan=plans(), secret=SECRETS, passphrase=PASSPHRASES, extendable=st.booleans())
def test_another_program_opens_what_we_share_out(plan, secret, passphrase, extendable):
    threshold, count, chosen = plan
    phrases = split(secret, threshold, count, passphrase, exponent=0, extendable=extendable)
    mine = [phrases[at] for at in chosen]
    assert shamir_mnemonic.combine_mnemonics(mine, passphrase) == secret
    assert combine(mine, passphrase) == secret


@settings(max_examples=40, deadline=None)
@given(plan=plans(), secret=SECRETS, passphrase=PASSPHRASES, extendable=st.booleans())
def test_we_open_what_another_program_shares_out(plan, secret, passphrase, extendable):
    threshold, count, chosen = plan
    (phrases,) = shamir_mnemonic.generate_mnemonics(
        1, [(threshold, count)], secret, passphrase, extendable=extendable, iteration_exponent=0
    )
    assert combine([phrases[at] for at in chosen], passphrase) == secret


@settings(max_examples=20, deadline=None)
@given(data=st.data(), secret=st.binary(min_size=16, max_size=16))
def test_we_open_groups_of_another_program(data, secret):
    groups = data.draw(st.lists(st.sampled_from([(1, 1), (2, 3), (3, 3)]), min_size=1, max_size=4))
    needed = data.draw(st.integers(1, len(groups)))
    made = shamir_mnemonic.generate_mnemonics(needed, groups, secret, iteration_exponent=0)
    chosen = data.draw(st.permutations(range(len(groups))))[:needed]
    phrases = [phrase for group in chosen for phrase in made[group][: groups[group][0]]]
    assert combine(phrases) == secret
    assert refused(phrases[:-1]).flaw is ShareFlaw.TOO_FEW


def test_more_than_are_needed_must_agree():
    phrases = split(SEED, 2, 4, exponent=0)
    assert combine(phrases) == SEED
    share = read_share(phrases[3])
    forged = write_share(share._replace(value=bytes(32)))
    assert refused([*phrases[:3], forged]).flaw is ShareFlaw.FORGED


def test_one_forged_share_is_found_by_the_digest():
    phrases = split(SEED, 3, 3, exponent=0)
    share = read_share(phrases[1])
    for bit in range(256):
        value = (int.from_bytes(share.value, "big") ^ 1 << bit).to_bytes(32, "big")
        error = refused([phrases[0], write_share(share._replace(value=value)), phrases[2]])
        assert (error.flaw, error.share) == (ShareFlaw.FORGED, None)


def test_a_share_of_another_set_is_named():
    here, there = split(SEED, 2, 3, exponent=0), split(SEED, 2, 3, exponent=0)
    if read_share(here[0]).identifier == read_share(there[0]).identifier:
        there = split(SEED, 2, 3, exponent=0)
    error = refused([here[0], there[1]])
    assert (error.flaw, error.share) == (ShareFlaw.MIXED, 1)
    # Another threshold under the same identifier is another set as well.
    bent = read_share(here[2])._replace(threshold=3)
    assert refused([here[0], here[1], write_share(bent)]).share == 2


def test_a_share_given_twice_is_named():
    phrases = split(SEED, 3, 3, exponent=0)
    error = refused([phrases[0], phrases[1], phrases[0]])
    assert (error.flaw, error.share) == (ShareFlaw.REPEATED, 2)
    check_together([read_share(phrase) for phrase in phrases[:2]])


def test_which_share_is_damaged_is_said():
    phrases = split(SEED, 2, 3, exponent=0)
    first, *others = phrases[1].split()
    wrong = "academic" if first != "academic" else "zero"
    error = refused([phrases[0], " ".join([wrong, *others])])
    assert (error.flaw, error.share) == (ShareFlaw.CHECKSUM, 1)
    error = refused([phrases[0], " ".join(["zebra", *others])])
    assert (error.flaw, error.share, error.word) == (ShareFlaw.WORD, 1, 0)


def test_another_passphrase_gives_another_secret():
    phrases = split(SEED, 2, 2, b"one", exponent=0)
    assert combine(phrases, b"one") == SEED
    assert combine(phrases, b"other") != SEED
    with pytest.raises(MalformedError):
        combine(phrases, "è".encode())


@pytest.mark.parametrize(
    ("secret", "threshold", "count", "more"),
    [
        (bytes(15), 2, 3, {}),
        (bytes(14), 2, 3, {}),
        (bytes(33), 2, 3, {}),
        (SEED, 0, 3, {}),
        (SEED, 4, 3, {}),
        (SEED, 2, 17, {}),
        (SEED, 1, 2, {}),
        (SEED, 2, 3, {"passphrase": b"\n"}),
        (SEED, 2, 3, {"exponent": 16}),
        (SEED, 2, 3, {"exponent": -1}),
    ],
)
def test_what_makes_no_sense_is_refused(secret, threshold, count, more):
    with pytest.raises(MalformedError):
        split(secret, threshold, count, **more)


def test_all_sixteen_are_needed():
    phrases = split(SEED, 16, 16, exponent=0)
    assert combine(phrases) == SEED
    for left_out in range(16):
        error = refused(phrases[:left_out] + phrases[left_out + 1 :])
        assert (error.flaw, error.needed) == (ShareFlaw.TOO_FEW, 16)


def test_no_share_carries_the_secret_or_another_share():
    shares = [read_share(phrase) for phrase in split(SEED, 2, 16, exponent=0)]
    values = {share.value for share in shares}
    assert len(values) == 16
    assert SEED not in values
    assert combine_shares(shares[14:]) == SEED


def test_two_splits_have_nothing_in_common():
    first, second = split(SEED, 2, 3), split(SEED, 2, 3)
    assert not {read_share(phrase).value for phrase in first} & {
        read_share(phrase).value for phrase in second
    }
