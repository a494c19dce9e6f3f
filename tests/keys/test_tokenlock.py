"""Key files that a token locks, with a key in memory as the token; the real thing is in ``tests/hsm``."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.errors import MalformedError, WrongPassphraseError
from keys.keyfile import decode_secret, encode_secret, plain_seed
from keys.keyring import lock, lock_to_token, unlock, unlock_by_token
from keys.store import load_identity
from keys.tokenlock import box_key, check_lock, make_lock
from tests.keys.people import CHEAP, person

ANN = person("ann")
TOKEN = ec.generate_private_key(ec.SECP384R1())
POINT = TOKEN.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
LOCKED = lock_to_token(ANN, POINT)


def agree(lock):
    return TOKEN.exchange(
        ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), lock.ephemeral)
    )


def test_the_token_opens_it():
    block = decode_secret(LOCKED)
    assert block.kdf.key == POINT
    assert unlock_by_token(block, agree).seed == ANN.seed
    assert "locked by a token" in repr(block)


def test_every_writing_has_a_key_of_its_own():
    first, second = decode_secret(LOCKED), decode_secret(lock_to_token(ANN, POINT))
    assert first.kdf.ephemeral != second.kdf.ephemeral
    assert first.box != second.box


def test_another_token_opens_nothing():
    with pytest.raises(MalformedError, match="damaged"):
        unlock_by_token(decode_secret(LOCKED), lambda _lock: bytes(48))


@pytest.mark.parametrize("length", [0, 32, 47, 49])
def test_a_token_that_answers_with_another_length_is_refused(length):
    with pytest.raises(MalformedError, match="shared secret"):
        unlock_by_token(decode_secret(LOCKED), lambda _lock: bytes(length))


def test_no_passphrase_opens_it():
    with pytest.raises(WrongPassphraseError, match="a token locks"):
        unlock(LOCKED, "a passphrase")
    with pytest.raises(WrongPassphraseError, match="a token locks"):
        plain_seed(decode_secret(LOCKED))


def test_no_token_opens_what_a_passphrase_locks():
    with pytest.raises(WrongPassphraseError, match="no token"):
        unlock_by_token(decode_secret(lock(ANN, "a passphrase", CHEAP)), agree)


def test_the_key_depends_on_all_of_the_lock():
    made = make_lock(POINT)
    other = make_lock(POINT)
    keys = {
        box_key(made.lock, made.shared, bytes(16)),
        box_key(made.lock, made.shared, b"s" * 16),
        box_key(made.lock, other.shared, bytes(16)),
        box_key(made.lock._replace(ephemeral=other.lock.ephemeral), made.shared, bytes(16)),
        box_key(made.lock._replace(key=other.lock.ephemeral), made.shared, bytes(16)),
    }
    assert len(keys) == 5
    assert made.shared.hex() not in repr(made)


@pytest.mark.parametrize(
    "point",
    [b"", bytes(97), b"\x04" + bytes(96), b"\x04" + b"\xff" * 96, POINT[:-1]],
    ids=["none", "infinity", "origin", "too large", "short"],
)
def test_a_point_off_the_curve_never_reaches_a_token(point):
    with pytest.raises(MalformedError):
        make_lock(point)
    for changed in ({"key": point}, {"ephemeral": point}):
        with pytest.raises(MalformedError):
            check_lock(make_lock(POINT).lock._replace(**changed))


@pytest.mark.parametrize(
    "kdf",
    [
        {"token": "P-256"},
        {"token": "P-384", "key": "AA", "ephemeral": "AA"},
        {"token": "P-384", "key": base64.urlsafe_b64encode(b"\x04" + bytes(96)).decode().rstrip("=")},
        {"token": ["P-384"]},
        {},
    ],
)
def test_a_file_with_another_lock_is_malformed(kdf):
    lines = encode_secret(decode_secret(LOCKED)).splitlines()
    document = json.loads(base64.b64decode("".join(lines[1:-1])))
    document["kdf"] = kdf
    body = base64.b64encode(json.dumps(document, separators=(",", ":")).encode()).decode()
    wrapped = [body[start : start + 64] for start in range(0, len(body), 64)]
    with pytest.raises(MalformedError):
        decode_secret("\n".join([lines[0], *wrapped, lines[-1]]) + "\n")


def test_a_store_asks_the_token_and_nobody_for_a_passphrase(tmp_path):
    path = tmp_path / "ann.key"
    path.write_text(LOCKED)
    path.chmod(0o600)

    def never():
        raise AssertionError("it has no passphrase")

    assert load_identity(path, never, agree).seed == ANN.seed
