"""Every test value of docs/FORMAT.md is what the code computes, from the inputs in the document itself."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.keyfile import kem_seed
from keys.signing import VerifyingKey
from keys.unwrapping import DecapsulationKey
from tests.docs import format_text, format_values
from tests.docs.by_the_book import crypto
from vault.container.cobblestone import message_length, plaintext_length
from vault.container.padding import padding_size, padme

DOCUMENT = format_text.values()
COMPUTED = format_values.compute(DOCUMENT)


@pytest.mark.parametrize("name", sorted(COMPUTED))
def test_value_is_what_the_code_computes(name):
    assert DOCUMENT[name] == COMPUTED[name]


def test_every_value_is_an_input_or_is_computed():
    assert DOCUMENT.keys() == format_values.INPUTS.keys() | COMPUTED.keys() | set(format_values.RANDOMISED)


def test_wrapped_key_unwraps():
    key = DecapsulationKey(kem_seed(DOCUMENT["reader_seed"]))
    assert key.unwrap(DOCUMENT["slot_wrapped"], DOCUMENT["slot_info"]) == DOCUMENT["container_key"]


def test_wrapped_key_unwraps_by_the_book():
    seed = kem_seed(DOCUMENT["reader_seed"])
    assert crypto.unwrap(seed, DOCUMENT["slot_wrapped"], DOCUMENT["slot_info"]) == DOCUMENT["container_key"]


def test_signature_verifies():
    identity = format_values.identity(DOCUMENT["signer_seed"])
    VerifyingKey(identity.signing).verify(
        DOCUMENT["signature"], DOCUMENT["signed_message"], context=DOCUMENT["signature_context"]
    )


def test_signature_verifies_by_the_book():
    identity = format_values.identity(DOCUMENT["signer_seed"])
    given = (DOCUMENT["signature"], DOCUMENT["signed_message"], DOCUMENT["signature_context"])
    assert crypto.verifies(identity.signing, *given)


def test_the_box_of_a_token_opens_by_the_book():
    token, ephemeral = (
        ec.derive_private_key(int.from_bytes(DOCUMENT[name]), ec.SECP384R1())
        for name in ("token_scalar", "ephemeral_scalar")
    )
    shared = ephemeral.exchange(ec.ECDH(), token.public_key())
    assert shared == DOCUMENT["token_shared"]
    points = DOCUMENT["token_key"] + DOCUMENT["token_ephemeral"]
    # RFC 5869, both steps; 32 bytes are less than one block.
    extracted = hmac.digest(DOCUMENT["secret_salt"], shared, "sha384")
    key = hmac.digest(extracted, b"scelle/1 token key\x00" + points + b"\x01", "sha384")[:32]
    opened = AESGCM(key).decrypt(bytes(12), DOCUMENT["token_box"], DOCUMENT["secret_associated_data"])
    assert opened == DOCUMENT["signer_seed"]


def test_message_lengths():
    rows = format_text.table("Encrypted message", "plaintext bytes").rows
    assert len(rows) > 5
    for size, chunks, length in (map(int, row) for row in rows):
        assert message_length(size) == length
        assert plaintext_length(length) == size
        assert chunks == size // 16_384 + 1


def test_padding():
    rows = format_text.table("Padding", "payload without padding").rows
    assert len(rows) > 5
    for length, target, padding, payload in rows:
        assert padme(int(length)) == int(target)
        size = padding_size(int(length))
        assert padding == ("none" if size is None else str(size))
        assert int(payload) == int(length) + (0 if size is None else message_length(size))
