"""Keys, signatures, unwrapping and encrypted messages: sections 3 to 6 of docs/FORMAT.md."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.docs.by_the_book.canonical import Refused, demand

# 3. Keys.


def labelled(label, *parts):
    return hashlib.sha256(b"\0".join([label.encode(), b"".join(parts)])).digest()


def derive(key, label, ctx, x=b""):
    return hmac.digest(key, label.encode() + b"\0" + ctx + x + b"\1", "sha512")[:32]


def key_id(public):
    return labelled("scelle/1 key", public)


# 4. Signatures.


def verifies(public, signature, message, context):
    stand_in = (
        b"CompositeAlgorithmSignatures2025COMPSIG-MLDSA65-Ed25519-SHA512"
        + bytes([len(context)])
        + context.encode()
        + hashlib.sha512(message).digest()
    )
    try:
        MLDSA65PublicKey.from_public_bytes(public[:1952]).verify(
            signature[:3309], stand_in, b"COMPSIG-MLDSA65-Ed25519-SHA512"
        )
        Ed25519PublicKey.from_public_bytes(public[1952:]).verify(signature[3309:], stand_in)
    except (ValueError, InvalidSignature):
        return False
    return True


# 5. Unwrapping.


def kem_keys(seed):
    expanded = hashlib.shake_256(seed).digest(112)
    lattice = mlkem.MLKEM1024PrivateKey.from_seed_bytes(expanded[:64])
    curve = ec.derive_private_key(int.from_bytes(expanded[64:], "big"), ec.SECP384R1())
    numbers = curve.public_key().public_numbers()
    point = b"\4" + numbers.x.to_bytes(48, "big") + numbers.y.to_bytes(48, "big")
    return lattice, curve, lattice.public_key().public_bytes_raw() + point


def hpke_key(seed, enc, info):
    """Return the shared secret, the key and the nonce; None for a point off the curve."""
    lattice, curve, public = kem_keys(seed)
    point = enc[1568:]
    if point[:1] != b"\4":
        return None
    try:
        other = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), point)
    except ValueError:
        return None
    parts = (lattice.decapsulate(enc[:1568]), curve.exchange(ec.ECDH(), other), point, public[1568:])
    shared = hashlib.sha3_256(b"".join(parts) + b"MLKEM1024-P384").digest()
    suite = b"HPKE" + bytes.fromhex("005100020002")

    def extract(salt, name, data):
        return hmac.digest(salt or bytes(48), b"HPKE-v1" + suite + name + data, "sha384")

    def expand(prk, name, context, length):
        head = length.to_bytes(2, "big") + b"HPKE-v1" + suite + name + context
        return hmac.digest(prk, head + b"\1", "sha384")[:length]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return shared, expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)


def unwrap(seed, wrapped, info):
    found = hpke_key(seed, wrapped[:1665], info)
    if found is None:
        return None
    try:
        return AESGCM(found[1]).decrypt(found[2], wrapped[1665:], b"")
    except InvalidTag:
        return None


# 6. Encrypted messages.


def possible(length):
    return length >= 72 and (length - 56) % 16400 >= 16


def message_length(size):
    return 56 + size + 16 * (size // 16384 + 1)


def open_message(key, context, message):
    salt, commitment, rest = message[:24], message[24:56], message[56:]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    first = hmac.digest(key, info + b"\1", "sha512")
    okm = first + hmac.digest(key, first + info + b"\2", "sha512")[:12]
    demand(hmac.compare_digest(okm[44:], commitment), "payload_damaged")
    plain = b""
    for count, start in enumerate(range(0, len(rest), 16400)):
        nonce = bytes(a ^ b for a, b in zip(okm[32:44], count.to_bytes(12, "big"), strict=True))
        try:
            plain += AESGCM(okm[:32]).decrypt(nonce, rest[start : start + 16400], None)
        except InvalidTag:
            raise Refused("payload_damaged") from None
    return plain
