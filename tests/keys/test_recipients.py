"""Public keys are checked before anything is wrapped to them."""

import pytest

from keys.derivation import key_id
from keys.errors import MalformedError
from keys.recipients import PUBLIC_KEY_LENGTH, WRAPPED_LENGTH, Recipient
from tests.keys.people import person, public

ENCODED = public("reviewer").kem
CUT = 1568


def test_what_is_wrapped_has_one_length_and_differs_every_time():
    recipient = Recipient(ENCODED)
    once, twice = (recipient.wrap(b"s" * 32, b"info") for _ in range(2))
    assert len(once) == len(twice) == WRAPPED_LENGTH == 1713
    assert once != twice
    assert b"s" * 8 not in once


def test_its_id_is_that_of_the_private_key():
    recipient = Recipient(ENCODED)
    assert recipient.key_id == key_id(ENCODED) == person("reviewer").decapsulation.key_id
    assert recipient.key_id.hex() in repr(recipient)


@pytest.mark.parametrize("length", [0, CUT, PUBLIC_KEY_LENGTH - 1, PUBLIC_KEY_LENGTH + 1])
def test_a_public_key_has_one_length(length):
    with pytest.raises(MalformedError):
        Recipient(ENCODED[:length].ljust(length, b"\x00"))


def test_a_point_off_the_curve_is_refused():
    with pytest.raises(MalformedError):
        Recipient(ENCODED[:-1] + bytes([ENCODED[-1] ^ 1]))


@pytest.mark.parametrize("point", [bytes(97), b"\x04" + bytes(96), b"\x02" + ENCODED[CUT + 1 :]])
def test_no_point_is_refused(point):
    with pytest.raises(MalformedError):
        Recipient(ENCODED[:CUT] + point)


def test_coefficients_out_of_range_are_refused():
    # FIPS 203, section 7.2: each 12-bit coefficient is below 3329.
    with pytest.raises(MalformedError):
        Recipient(b"\xff\xff\xff" + ENCODED[3:])


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_secret_has_one_length(length):
    with pytest.raises(MalformedError):
        Recipient(ENCODED).wrap(bytes(length), b"info")
