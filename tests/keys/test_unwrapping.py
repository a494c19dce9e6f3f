"""What was wrapped opens for its key and its purpose, and for nothing else."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.bindings._rust import openssl
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.derivation import key_id
from keys.errors import MalformedError
from keys.recipients import SUITE, WRAPPED_LENGTH, Recipient
from keys.unwrapping import DecapsulationKey

VECTORS = Path(__file__).parents[1] / "vectors" / "hpke" / "mlkem1024_p384.json"
KEY = DecapsulationKey(b"k" * 32)
SECRET = b"secret bytes: a container's key."
WRAPPED = Recipient(KEY.public_key).wrap(SECRET, b"info")


def test_published_ciphertexts_open():
    # The published ones carry associated data, which Scellé never uses; only its absence is not checked here.
    opened = 0
    for vector in json.loads(VECTORS.read_text()):
        assert (vector["kem_id"], vector["kdf_id"], vector["aead_id"]) == (0x51, 2, 2)
        key = DecapsulationKey(bytes.fromhex(vector["skRm"]))
        assert key.public_key.hex() == vector["pkRm"]
        first = vector["encryptions"][0]
        message = bytes.fromhex(vector["enc"] + first["ct"])
        plain = openssl.hpke._decrypt_with_aad(
            SUITE, message, key._key, bytes.fromhex(vector["info"]), bytes.fromhex(first["aad"])
        )
        assert plain.hex() == first["pt"]
        opened += 1
    assert opened


def test_a_secret_returns():
    assert KEY.unwrap(WRAPPED, b"info") == SECRET


def test_the_same_seed_is_the_same_key():
    assert DecapsulationKey(b"k" * 32).unwrap(WRAPPED, b"info") == SECRET
    assert KEY.key_id == key_id(KEY.public_key)


@pytest.mark.parametrize("info", [b"", b"Info", b"info\x00"])
def test_another_purpose_does_not_open(info):
    assert KEY.unwrap(WRAPPED, info) is None


def test_another_key_does_not_open():
    assert DecapsulationKey(b"l" * 32).unwrap(WRAPPED, b"info") is None


@pytest.mark.parametrize("length", [0, 1, 1665, WRAPPED_LENGTH - 1, WRAPPED_LENGTH + 1])
def test_another_length_does_not_open(length):
    assert KEY.unwrap(WRAPPED[:length].ljust(length, b"\x00"), b"info") is None


@settings(max_examples=80, deadline=None)
@given(st.integers(0, WRAPPED_LENGTH * 8 - 1))
def test_a_flipped_bit_does_not_open(bit):
    forged = bytearray(WRAPPED)
    forged[bit // 8] ^= 1 << bit % 8
    assert KEY.unwrap(bytes(forged), b"info") is None


def test_neither_half_of_the_encapsulation_can_be_exchanged():
    other = Recipient(KEY.public_key).wrap(SECRET, b"info")
    for cut in (1568, 1665):
        assert KEY.unwrap(WRAPPED[:cut] + other[cut:], b"info") is None


def test_a_seed_has_one_length():
    with pytest.raises(MalformedError):
        DecapsulationKey(bytes(31))


def test_nothing_secret_is_shown():
    assert repr(KEY) == "DecapsulationKey(<redacted>)"


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_secret_of_another_length_is_not_taken_for_one(length):
    wrapped = SUITE.encrypt(bytes(length), Recipient(KEY.public_key)._key, b"info")
    assert KEY.unwrap(wrapped, b"info") is None
