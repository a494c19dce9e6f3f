"""Both halves, always, in one context."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import MalformedError, SignatureError
from keys.signing import PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, SigningKey, VerifyingKey

VECTORS = Path(__file__).parents[1] / "vectors" / "composite" / "mldsa65_ed25519_sha512.json"
SEED = bytes(range(64))
KEY = SigningKey(SEED)
PUBLIC = VerifyingKey(KEY.public_key)
OTHER = SigningKey(SEED[::-1])
MESSAGE = b"what is sealed"
CONTEXT = "scelle/1 seal"
SIGNATURE = KEY.sign(MESSAGE, context=CONTEXT)
CUT = 3309
PUBLIC_CUT = 1952


def published():
    document = json.loads(VECTORS.read_text())
    (vector,) = document["tests"]
    unpacked = {name: base64.b64decode(vector[name]) for name in ("pk", "sk", "s", "sWithContext")}
    return unpacked | {name: base64.b64decode(document[name]) for name in ("m", "ctx")}


def test_published_signatures_verify():
    vector = published()
    key = VerifyingKey(vector["pk"])
    key.verify(vector["s"], vector["m"], context="")
    key.verify(vector["sWithContext"], vector["m"], context=vector["ctx"].decode())


def test_published_signatures_verify_in_their_context_only():
    vector = published()
    key = VerifyingKey(vector["pk"])
    for signature, context in ((vector["s"], vector["ctx"].decode()), (vector["sWithContext"], "")):
        with pytest.raises(SignatureError):
            key.verify(signature, vector["m"], context=context)


def test_the_published_seed_gives_the_published_key():
    vector = published()
    key = SigningKey(vector["sk"])
    assert key.public_key == vector["pk"]
    signature = key.sign(vector["m"], context=vector["ctx"].decode())
    VerifyingKey(vector["pk"]).verify(signature, vector["m"], context=vector["ctx"].decode())
    # Ed25519 is deterministic: its half is the published one.
    assert signature[CUT:] == vector["sWithContext"][CUT:]


def test_lengths():
    assert len(SIGNATURE) == SIGNATURE_LENGTH == 3373
    assert len(KEY.public_key) == PUBLIC_KEY_LENGTH == 1984


def test_a_signature_verifies():
    PUBLIC.verify(SIGNATURE, MESSAGE, context=CONTEXT)


def refused(signature, message=MESSAGE, context=CONTEXT, key=PUBLIC):
    with pytest.raises(SignatureError) as caught:
        key.verify(signature, message, context=context)
    return str(caught.value)


@pytest.mark.parametrize("context", ["", "scelle/1 envelope", "scelle/1 sea", "scelle/1 seal "])
def test_another_context_is_refused(context):
    refused(SIGNATURE, context=context)


@pytest.mark.parametrize("message", [b"", MESSAGE + b".", MESSAGE[:-1], hashlib.sha512(MESSAGE).digest()])
def test_another_message_is_refused(message):
    refused(SIGNATURE, message=message)


def test_a_context_cannot_be_moved_into_the_message():
    signature = KEY.sign(b"Xrest", context="scelle/1")
    refused(signature, message=b"rest", context="scelle/1X")


def test_both_halves_are_needed():
    foreign = OTHER.sign(MESSAGE, context=CONTEXT)
    another = KEY.sign(b"another message", context=CONTEXT)
    elsewhere = KEY.sign(MESSAGE, context="scelle/1 envelope")
    for wrong in (foreign, another, elsewhere):
        refused(SIGNATURE[:CUT] + wrong[CUT:])
        refused(wrong[:CUT] + SIGNATURE[CUT:])
    refused(bytes(CUT) + SIGNATURE[CUT:])
    refused(SIGNATURE[:CUT] + bytes(64))


def test_two_good_halves_make_a_whole():
    # The halves stand side by side; what binds them is that both keys stand in one public key.
    again = KEY.sign(MESSAGE, context=CONTEXT)
    assert again[:CUT] != SIGNATURE[:CUT]
    PUBLIC.verify(again[:CUT] + SIGNATURE[CUT:], MESSAGE, context=CONTEXT)


def test_a_key_with_one_foreign_half_verifies_nothing():
    mixed = KEY.public_key[:PUBLIC_CUT] + OTHER.public_key[PUBLIC_CUT:]
    refused(SIGNATURE, key=VerifyingKey(mixed))
    mixed = OTHER.public_key[:PUBLIC_CUT] + KEY.public_key[PUBLIC_CUT:]
    refused(SIGNATURE, key=VerifyingKey(mixed))


def test_plain_signatures_of_the_same_keys_are_not_composite_ones():
    mldsa = MLDSA65PrivateKey.from_seed_bytes(SEED[:32])
    ed25519 = Ed25519PrivateKey.from_private_bytes(SEED[32:])
    refused(mldsa.sign(MESSAGE) + ed25519.sign(MESSAGE))
    refused(mldsa.sign(MESSAGE, CONTEXT.encode()) + ed25519.sign(MESSAGE))


@pytest.mark.parametrize("length", [0, 64, CUT, SIGNATURE_LENGTH - 1])
def test_a_short_signature_is_refused(length):
    refused(SIGNATURE[:length])


def test_a_long_signature_is_refused():
    refused(SIGNATURE + b"\x00")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, SIGNATURE_LENGTH * 8 - 1))
def test_a_flipped_bit_is_refused(bit):
    forged = bytearray(SIGNATURE)
    forged[bit // 8] ^= 1 << bit % 8
    refused(bytes(forged))


def test_ed25519_with_a_larger_scalar_is_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(SIGNATURE[-32:], "little") + order
    refused(SIGNATURE[:-32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 32, PUBLIC_CUT, PUBLIC_KEY_LENGTH - 1, PUBLIC_KEY_LENGTH + 1])
def test_a_public_key_has_one_length(length):
    with pytest.raises(MalformedError):
        VerifyingKey(bytes(length))


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_seed_has_one_length(length):
    with pytest.raises(MalformedError):
        SigningKey(bytes(length))


def test_contexts_have_a_longest():
    key = SigningKey(SEED)
    PUBLIC.verify(key.sign(MESSAGE, context="c" * 255), MESSAGE, context="c" * 255)
    with pytest.raises(MalformedError):
        key.sign(MESSAGE, context="c" * 256)
    with pytest.raises(MalformedError):
        PUBLIC.verify(SIGNATURE, MESSAGE, context="c" * 256)


def test_ids():
    assert KEY.key_id == PUBLIC.key_id == hashlib.sha256(b"scelle/1 key\x00" + KEY.public_key).digest()


def test_nothing_secret_is_shown():
    assert repr(KEY) == "SigningKey(<redacted>)"
    assert SEED[:8].hex() not in repr(PUBLIC)
    assert refused(bytes(SIGNATURE_LENGTH)) == "the signature does not verify"
