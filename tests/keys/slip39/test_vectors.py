"""The published vectors of SLIP-0039."""

import json
from pathlib import Path

import pytest

from keys.errors import ShareError
from keys.slip39.sharing import combine

FILE = Path(__file__).parents[2] / "vectors" / "slip39" / "vectors.json"
VECTORS = json.loads(FILE.read_text())


def test_they_are_all_there():
    assert len(VECTORS) == 45
    assert sum(bool(secret) for _, _, secret, _ in VECTORS) == 15


@pytest.mark.parametrize(
    ("phrases", "secret"), [vector[1:3] for vector in VECTORS], ids=[vector[0] for vector in VECTORS]
)
def test_published_vector(phrases, secret):
    if secret:
        assert combine(phrases, b"TREZOR").hex() == secret
    else:
        with pytest.raises(ShareError):
            combine(phrases, b"TREZOR")
