"""A seed and its key, against published values."""

import hashlib
import json
from pathlib import Path

import pytest

from keys import kemseed
from keys.errors import MalformedError
from keys.kemseed import expand_kem_seed

VECTORS = Path(__file__).parents[1] / "vectors" / "hpke" / "mlkem1024_p384.json"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973


def test_the_published_seed_gives_the_published_key():
    vectors = json.loads(VECTORS.read_text())
    assert vectors
    for vector in vectors:
        pair = expand_kem_seed(bytes.fromhex(vector["skRm"]))
        assert pair.public_key.hex() == vector["pkRm"]


def test_the_scalar_is_the_last_part_of_the_expansion():
    pair = expand_kem_seed(b"s" * 32)
    scalar = int.from_bytes(hashlib.shake_256(b"s" * 32).digest(112)[64:], "big")
    assert pair.elliptic.private_numbers().private_value == scalar
    assert pair.post_quantum.private_bytes_raw() == hashlib.shake_256(b"s" * 32).digest(64)


@pytest.mark.parametrize("length", [0, 31, 33, 112])
def test_a_seed_has_one_length(length):
    with pytest.raises(MalformedError):
        expand_kem_seed(bytes(length))


class Expansion:
    """Stands in for SHAKE256 and always gives the same scalar."""

    def __init__(self, scalar):
        self.scalar = scalar

    def shake_256(self, _):
        return self

    def digest(self, length):
        return bytes(length - 48) + self.scalar.to_bytes(48, "big")


@pytest.mark.parametrize("scalar", [0, ORDER, ORDER + 1, 2**384 - 1])
def test_a_scalar_that_is_none_is_refused(monkeypatch, scalar):
    monkeypatch.setattr(kemseed, "hashlib", Expansion(scalar))
    with pytest.raises(MalformedError):
        expand_kem_seed(b"s" * 32)


@pytest.mark.parametrize("scalar", [1, ORDER - 1])
def test_the_outermost_scalars_are_taken(monkeypatch, scalar):
    monkeypatch.setattr(kemseed, "hashlib", Expansion(scalar))
    assert len(expand_kem_seed(b"s" * 32).public_key) == 1665


def test_nothing_secret_is_shown():
    assert repr(expand_kem_seed(b"s" * 32)) == "KemPair(<redacted>)"
