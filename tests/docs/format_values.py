"""The test values of docs/FORMAT.md, computed with the project's own code from the inputs in the document.

``python -m tests.docs.format_values`` prints all of them, with fresh ones where the algorithm is randomised.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys import derivation, grants, keyfile, possession
from keys.canonical import Text, encode, encode_binary
from keys.derivation import PasswordCost, derive_key, digest
from keys.keyfile import PublicIdentity, SecretBlock, Use
from keys.recipients import Recipient
from keys.signing import SigningKey, _representative
from keys.statements import Signed
from keys.tokenlock import TokenLock, box_key, check_lock
from keys.unwrapping import DecapsulationKey
from tests.docs.by_the_book import crypto
from vault.container.cobblestone import MessageReader, _expand, message_context
from vault.container.leaves import leaf_of, root_of_leaves
from vault.container.manifest import FileEntry, content_digest
from vault.container.seal import SignedSeal
from vault.container.slots import password_slot_keys, slot_info

MIB = 2**20
_NONCE = bytes(12)

INPUTS = {
    "signer_seed": bytes(range(0x20)),
    "reader_seed": bytes(range(0x20, 0x40)),
    "container_id": bytes(range(0x40, 0x50)),
    "container_key": bytes(range(0x50, 0x70)),
    "slot_id": bytes(range(0x70, 0x78)),
    "file_id": bytes(range(0x80, 0x90)),
    "message_salt": bytes(range(0x90, 0xA8)),
    "kdf_salt": bytes(range(0xB0, 0xC0)),
    "kdf_costs": "19456,2,1",
    "dossier": "D-2801",
    "username": "Editor@Example.org",
    "password": bytes.fromhex("7061cc887373776f7264"),
    "role": "reader",
    "file_plaintext": "Scellé".encode(),
    "signed_message": b"message",
    "signature_context": "scelle/1 seal",
    "string": 'a "quoted" back\\slash, a /, an é',
    "seal_json": b'{"format":"scelle/1"}',
    "statement_json": b'{"kind":"mandate"}',
    "grant_generation": "1",
    "origin": "https://vault.example",
    "challenge": bytes(range(0xD0, 0xF0)),
    "secret_salt": bytes(range(0xC0, 0xD0)),
    "token_scalar": bytes(range(0x01, 0x31)),
    "ephemeral_scalar": bytes(range(0x31, 0x61)),
}
"""What the appendix starts from; the test takes them from the document, not from here."""

RANDOMISED = ("slot_wrapped", "signature")
"""Stand in the document like inputs, since nobody can compute them again; they are verified."""


def identity(seed, use=Use.PERSON):
    """Return the public identity of a seed."""
    decapsulation = DecapsulationKey(keyfile.kem_seed(seed))
    return PublicIdentity(use, decapsulation.public_key, SigningKey(keyfile.signing_seed(seed)).public_key)


def shared_secret(given, slot):
    """Return what the wrapped key of the appendix is decrypted with, step by step (section 5)."""
    seed = keyfile.kem_seed(given["reader_seed"])
    shared, key, nonce = crypto.hpke_key(seed, given["slot_wrapped"][:1665], slot)
    return {"hpke_shared_secret": shared, "hpke_key": key, "hpke_nonce": nonce}


def costs(spelled):
    return PasswordCost(*(int(part) for part in spelled.split(",")))


def compute(given):
    """Return every value of the appendix that follows from the inputs."""
    found = dict(_identities(given))
    context = derivation.container_context(given["container_id"], found["signing_key_id"], given["dossier"])
    found["ctx"] = context
    found["commitment"] = derive_key(given["container_key"], "scelle/1 commit", context)
    found["payload_key"] = derive_key(given["container_key"], "scelle/1 payload", context)
    found |= _password_slot(given, context)
    found |= _infos(given, found["reader_kem_key_id"])
    found["slot_info"] = slot_info(context, given["slot_id"], found["reader_kem_key_id"], given["role"])
    if "slot_wrapped" in given:
        found |= shared_secret(given, found["slot_info"])
    found |= _message(given, found["payload_key"], context)
    found |= _tree()
    found |= _digests(given)
    found["message_representative"] = _representative(
        given["signature_context"].encode(), given["signed_message"]
    )
    found |= _key_file(given)
    return found


def _identities(given):
    seed = given["signer_seed"]
    public = identity(seed)
    yield "kem_seed", keyfile.kem_seed(seed)
    yield "kem_expanded", hashlib.shake_256(keyfile.kem_seed(seed)).digest(112)
    yield "signing_seed", keyfile.signing_seed(seed)
    yield "kem_public_sha256", hashlib.sha256(public.kem).digest()
    yield "signing_public_sha256", hashlib.sha256(public.signing).digest()
    yield "kem_key_id", public.kem_key_id
    yield "signing_key_id", public.signing_key_id
    yield "identity_key_id", public.key_id
    yield "fingerprint", public.fingerprint
    yield "reader_kem_key_id", identity(given["reader_seed"]).kem_key_id


def _password_slot(given, context):
    username = derivation.normalise_username(given["username"])
    root = derivation.password_root(
        given["username"], given["password"].decode(), given["kdf_salt"], costs(given["kdf_costs"])
    )
    commitment, slot_key, identity_key = password_slot_keys(root, context, given["slot_id"])
    return {
        "username_normalised": username,
        "password_normalised": derivation.normalise_password(given["password"].decode()),
        "argon2_salt": digest("scelle/1 password", given["kdf_salt"], username.encode()),
        "prk": root,
        "slot_commitment": commitment,
        "slot_key": slot_key,
        "slot_identity_key": identity_key,
        "password_slot_wrapped": AESGCM(slot_key).encrypt(_NONCE, given["container_key"], None),
        "password_slot_identity": AESGCM(identity_key).encrypt(_NONCE, given["signer_seed"], None),
    }


def _infos(given, grantee):
    reader, signer = identity(given["reader_seed"]), SigningKey(keyfile.signing_seed(given["signer_seed"]))
    generation, origin, challenge = int(given["grant_generation"]), given["origin"], given["challenge"]
    return {
        "grant_info": grants.grant_info(given["dossier"], generation, grantee),
        "challenge_info": possession.challenge_info(reader, origin),
        "sign_in_json": possession._sign_in(signer.key_id, origin, challenge),
        "enrolment_json": possession._enrolment(reader, origin, challenge),
        "mandate_json": possession._mandate(signer.key_id, origin, given["dossier"]),
    }


def _message(given, payload_key, context):
    message_of_file = message_context("scelle/1 file", context, given["file_id"])
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + given["message_salt"] + message_of_file
    derived = _expand(payload_key, info)
    head = given["message_salt"] + derived[44:]
    chunk = AESGCM(derived[:32]).encrypt(derived[32:44], given["file_plaintext"], None)
    reader = MessageReader(payload_key, message_of_file, head)
    assert reader.open(chunk, 0) == given["file_plaintext"]
    return {
        "message_context": message_of_file,
        "message_key": derived[:32],
        "message_base_nonce": derived[32:44],
        "message_commitment": derived[44:],
        "file_message": head + chunk,
    }


def _tree():
    full, single = leaf_of(bytes(MIB)), leaf_of(bytes(1))
    return {
        "leaf_of_full_block": full,
        "leaf_of_one_byte": single,
        "root_of_1": root_of_leaves(full),
        "root_of_2": root_of_leaves(full + single),
        "root_of_3": root_of_leaves(full + full + single),
    }


def _digests(given):
    plaintext = given["file_plaintext"]
    entry = FileEntry(
        "dossier é/note.txt",
        len(plaintext),
        hashlib.sha256(plaintext).digest(),
        "text/plain",
        0,
        given["file_id"],
        0,
        0,
    )
    spelled = (
        '[{"path":"dossier é/note.txt","size":7,"sha256":"'
        + encode_binary(entry.sha256)
        + '","media_type":"text/plain","modified":0,"id":"'
        + encode_binary(entry.id)
        + '"}]'
    ).encode()
    assert digest("scelle/1 content", spelled) == content_digest((entry,))
    return {
        "json_string": encode(Text(maximum=100), given["string"]),
        "files_json": spelled,
        "content": content_digest((entry,)),
        "content_without_files": content_digest(()),
        "seal_id": SignedSeal(None, given["seal_json"], b"").seal_id,
        "statement_id": Signed(given["statement_json"], b"").id,
    }


def _key_file(given):
    public = identity(given["signer_seed"])
    block = SecretBlock(kdf=costs(given["kdf_costs"]), salt=given["secret_salt"], box=b"", public=public)
    passphrase = derivation.normalise_password(given["password"].decode())
    key = derivation.stretch_password(passphrase, block.derivation_salt, block.kdf)
    plain_key = digest("scelle/1 plain key", given["secret_salt"])
    return {
        "secret_argon2_salt": block.derivation_salt,
        "secret_associated_data": block.associated_data,
        "secret_box_key": key,
        "secret_box": AESGCM(key).encrypt(_NONCE, given["signer_seed"], block.associated_data),
        "plain_box_key": plain_key,
        "plain_box": AESGCM(plain_key).encrypt(_NONCE, given["signer_seed"], block.associated_data),
        **_token_box(given, block.associated_data),
    }


def _token_box(given, associated_data):
    token, ephemeral = (
        ec.derive_private_key(int.from_bytes(given[name]), ec.SECP384R1())
        for name in ("token_scalar", "ephemeral_scalar")
    )
    lock = TokenLock(_point(token), _point(ephemeral))
    check_lock(lock)
    shared = token.exchange(ec.ECDH(), ephemeral.public_key())
    assert shared == ephemeral.exchange(ec.ECDH(), token.public_key())
    key = box_key(lock, shared, given["secret_salt"])
    return {
        "token_key": lock.key,
        "token_ephemeral": lock.ephemeral,
        "token_shared": shared,
        "token_box_key": key,
        "token_box": AESGCM(key).encrypt(_NONCE, given["signer_seed"], associated_data),
    }


def _point(private):
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def randomise(given):
    """Return fresh values of those that cannot be computed again."""
    found = compute(given)
    wrapped = Recipient(identity(given["reader_seed"]).kem).wrap(given["container_key"], found["slot_info"])
    signer = SigningKey(found["signing_seed"])
    return {
        "slot_wrapped": wrapped,
        "signature": signer.sign(given["signed_message"], context=given["signature_context"]),
    }


def spell(name, value):
    """Return one value as it stands in the document."""
    if isinstance(value, str):
        return f'{name} = "{value}"'
    long = len(value) > 200
    spelled = encode_binary(value) if long else value.hex()
    lines = [spelled[start : start + 96] for start in range(0, len(spelled), 96)]
    head = f"{name} = base64url:" if long else f"{name} ="
    if len(lines) > 1:
        return "\n    ".join([head, *lines])
    return f"{head} {lines[0]}"


def main():
    """Print every value."""
    fresh = randomise(INPUTS)
    everything = INPUTS | compute(INPUTS | fresh) | fresh
    for name, value in everything.items():
        print(spell(name, value))  # noqa: T201 - this is what it is for


if __name__ == "__main__":
    main()
