"""A reader written from docs/FORMAT.md alone: no module of the project is imported here.

It keeps a whole container in memory and is slow; its only purpose is to show that the text suffices. The
comments name the sections of the text.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from base64 import urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.docs.by_the_book.canonical import Refused, demand, spell
from tests.docs.by_the_book.crypto import (
    derive,
    kem_keys,
    key_id,
    labelled,
    message_length,
    open_message,
    possible,
    unwrap,
    verifies,
)
from tests.docs.by_the_book.documents import ENVELOPE, MANIFEST, PAYLOAD, SEAL, decode

BLOCK = 1 << 20
SIGNATURE = 3373
ZERO_NONCE = bytes(12)

# 11. Paths.


def check_paths(paths, code_points):
    for path in paths:
        parts = path.split("/")
        device = r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\..*)?"
        safe = (
            len(path.encode()) <= 1024
            and len(parts) <= 32
            and not any(
                character in '\\:*?"<>|'
                or any(first <= ord(character) <= last for first, last in code_points)
                for character in path
            )
            and all(
                part not in {"", ".", ".."}
                and len(part.encode()) <= 255
                and part[-1] not in ". "
                and not re.fullmatch(device, part, re.IGNORECASE | re.ASCII)
                for part in parts
            )
        )
        demand(safe, "unsafe_path")
    normal = [unicodedata.normalize("NFC", path) for path in paths]
    demand(len(set(normal)) == len(normal), "unsafe_path")
    demand(not any(a != b and b.startswith(a + "/") for a in normal for b in normal), "unsafe_path")


# 12. Leaves.


def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


# 15. Reading.


class Container:
    """A container that passed steps 1 to 17."""

    def __init__(self, data, *, dossier=None, signers=None, generation=0):
        demand(data[:8] == bytes.fromhex("8953434c0d0a1a0a") and len(data) >= 22, "malformed")
        demand(int.from_bytes(data[8:10], "big") == 1, "unsupported_version")
        envelope_len, payload_len = int.from_bytes(data[10:14], "big"), int.from_bytes(data[14:22], "big")
        demand(envelope_len <= 262144 and payload_len <= PAYLOAD, "limit_exceeded")
        blocks = -(-payload_len // BLOCK)
        payload_at = 22 + envelope_len
        seal_at = payload_at + payload_len + 32 * blocks
        demand(envelope_len > SIGNATURE and payload_len >= 1, "malformed")
        demand(len(data) >= seal_at + 4 + SIGNATURE, "malformed")
        seal_len = int.from_bytes(data[seal_at : seal_at + 4], "big")
        demand(seal_len <= 65536, "limit_exceeded")
        demand(len(data) == seal_at + 4 + seal_len + SIGNATURE, "malformed")
        seal_json = data[seal_at + 4 : -SIGNATURE]
        self._take_seal(seal_json)
        seal = self.seal
        demand(verifies(seal["signer"], data[-SIGNATURE:], seal_json, "scelle/1 seal"), "seal_invalid")
        envelope_json = data[22 : payload_at - SIGNATURE]
        self.envelope = envelope = decode(envelope_json, ENVELOPE, 262144 - SIGNATURE)
        self._check_slots()
        writer = envelope["writer"]
        allowed = writer == seal["signer"] or key_id(writer) in seal["writers"]
        signature = data[payload_at - SIGNATURE : payload_at]
        demand(
            envelope["commitment"] == seal["commitment"]
            and allowed
            and verifies(writer, signature, envelope_json, "scelle/1 envelope"),
            "envelope_tampered",
        )
        demand(envelope["generation"] >= generation, "envelope_stale")
        demand(payload_len == seal["payload_length"], "payload_damaged")
        leaves = self._take_leaves(data[payload_at + payload_len : seal_at], dossier, signers)
        kdf = envelope["kdf"]
        within = 19456 <= kdf["memory_kib"] <= 524288 and 2 <= kdf["passes"] <= 10 and 1 <= kdf["lanes"] <= 8
        demand(within, "limit_exceeded")
        self._take_payload(data[payload_at : payload_at + payload_len], leaves)

    def _take_payload(self, payload, leaves):
        self.payload = payload
        for count, leaf in enumerate(leaves):
            block = self.payload[count * BLOCK : (count + 1) * BLOCK]
            demand(hashlib.sha256(b"\0" + block).digest() == leaf, "payload_damaged")

    def _take_seal(self, seal_json):
        self.seal = seal = decode(seal_json, SEAL, 65536)
        ids = [slot["id"] for slot in seal["recovery"]]
        demand(len(set(ids)) == len(ids), "malformed")
        demand(not any(slot["generation"] for slot in seal["recovery"]), "malformed")
        demand(len(set(seal["writers"])) == len(seal["writers"]), "malformed")
        self.seal_id = labelled("scelle/1 seal id", seal_json)
        self.ctx = labelled(
            "scelle/1", seal["container"], key_id(seal["signer"]), seal["dossier"].encode("ascii")
        )

    def _take_leaves(self, stored, dossier, signers):
        leaves = [stored[start : start + 32] for start in range(0, len(stored), 32)]
        demand(root_of(leaves) == self.seal["root"], "payload_damaged")
        demand(dossier in (None, self.seal["dossier"]), "wrong_dossier")
        demand(signers is None or key_id(self.seal["signer"]) in signers, "unknown_signer")
        return leaves

    def _check_slots(self):
        slots = self.envelope["slots"]
        demand(len({slot["id"] for slot in slots}) == len(slots), "malformed")
        demand(sum(slot["type"] == "password" for slot in slots) <= 16, "limit_exceeded")
        for slot in slots:
            if slot["type"] == "recipient":
                demand((slot["role"] == "dossier") == (slot["generation"] > 0), "malformed")

    def unlock_with_password(self, username, password):
        """Return CK and the identity seed, or b"" (15.2)."""
        slots = [slot for slot in self.envelope["slots"] if slot["type"] == "password"]
        username = re.sub("[A-Z]", lambda match: match[0].lower(), username)
        secret = unicodedata.normalize("NFC", password).encode()
        demand(slots and re.fullmatch("[a-z0-9][a-z0-9._@+-]{0,127}", username), "no_access")
        demand(1 <= len(secret) <= 1024, "no_access")
        kdf = self.envelope["kdf"]
        salt = labelled("scelle/1 password", kdf["salt"], username.encode())
        prk = Argon2id(
            salt=salt, length=32, iterations=kdf["passes"], lanes=kdf["lanes"], memory_cost=kdf["memory_kib"]
        ).derive(secret)
        for slot in slots:
            commitment = derive(prk, "scelle/1 slot commitment", self.ctx, slot["id"])
            if hmac.compare_digest(commitment, slot["commitment"]):
                try:
                    key = AESGCM(derive(prk, "scelle/1 slot key", self.ctx, slot["id"]))
                    container_key, seed = key.decrypt(ZERO_NONCE, slot["wrapped"], None), b""
                    if slot["identity"]:
                        key = AESGCM(derive(prk, "scelle/1 slot identity", self.ctx, slot["id"]))
                        seed = key.decrypt(ZERO_NONCE, slot["identity"], None)
                except InvalidTag:
                    raise Refused("envelope_tampered") from None
                return self._proven(container_key), seed
        raise Refused("no_access")

    def unlock_with_seed(self, seed):
        """Return CK."""
        own = key_id(kem_keys(seed)[2])
        slots = [slot for slot in self.envelope["slots"] if slot["type"] == "recipient"]
        for slot in slots + self.seal["recovery"]:
            if slot["key"] == own:
                info = b"scelle/1 slot\0" + self.ctx + slot["id"] + own + slot["role"].encode()
                container_key = unwrap(seed, slot["wrapped"], info)
                if container_key is not None:
                    return self._proven(container_key)
        raise Refused("no_access")

    def _proven(self, container_key):
        commitment = derive(container_key, "scelle/1 commit", self.ctx)
        demand(hmac.compare_digest(commitment, self.seal["commitment"]), "envelope_tampered")
        return container_key

    def open(self, container_key, code_points):
        """Return the files by path, after a full open (15.3)."""
        key = derive(container_key, "scelle/1 payload", self.ctx)
        index_at = len(self.payload) - 88
        demand(index_at >= 0, "malformed")
        index = open_message(key, b"scelle/1 index\0" + self.ctx, self.payload[index_at:])
        offset, length = int.from_bytes(index[:8], "big"), int.from_bytes(index[8:], "big")
        demand(length <= 16777216, "limit_exceeded")
        demand(possible(length) and offset + length <= index_at, "malformed")
        padding = self.payload[offset + length : index_at]
        demand(not padding or possible(len(padding)), "malformed")
        message = self.payload[offset : offset + length]
        manifest = decode(open_message(key, b"scelle/1 manifest\0" + self.ctx, message), MANIFEST, 16777216)
        files = manifest["files"]
        self._account(files, offset)
        check_paths([file["path"] for file in files], code_points)
        found = {}
        for file in sorted(files, key=lambda file: file["offset"]):
            message = self.payload[file["offset"] : file["offset"] + file["length"]]
            plain = open_message(key, b"scelle/1 file\0" + self.ctx + file["id"], message)
            demand(hashlib.sha256(plain).digest() == file["sha256"], "payload_damaged")
            found[file["path"]] = plain
        if padding:
            demand(not any(open_message(key, b"scelle/1 padding\0" + self.ctx, padding)), "malformed")
        return found

    def _account(self, files, end):
        names = [file["path"].encode() for file in files]
        demand(names == sorted(set(names)), "malformed")
        demand(len({file["id"] for file in files}) == len(files), "malformed")
        position = 0
        for file in sorted(files, key=lambda file: file["offset"]):
            demand(file["offset"] == position, "malformed")
            demand(file["length"] == message_length(file["size"]), "malformed")
            position += file["length"]
        demand(position == end, "malformed")
        placeless = [
            {
                name: urlsafe_b64encode(value).rstrip(b"=").decode() if isinstance(value, bytes) else value
                for name, value in file.items()
                if name not in {"offset", "length"}
            }
            for file in files
        ]
        content = labelled("scelle/1 content", spell(placeless).encode())
        demand(content == self.seal["content"], "payload_damaged")


class Body(Container):
    """What a file ends with, read as 15.2 allows for recovery; no envelope."""

    def __init__(self, data, *, dossier=None, signers=None):
        self.envelope = {"slots": []}
        seal_at = self._find_seal(data)
        signature, seal_json = data[-SIGNATURE:], data[seal_at + 4 : -SIGNATURE]
        demand(verifies(self.seal["signer"], signature, seal_json, "scelle/1 seal"), "seal_invalid")
        length = self.seal["payload_length"]
        leaves_at = seal_at - 32 * -(-length // BLOCK)
        demand(leaves_at >= length, "malformed")
        leaves = self._take_leaves(data[leaves_at:seal_at], dossier, signers)
        self._take_payload(data[leaves_at - length : leaves_at], leaves)

    def _find_seal(self, data):
        for seal_at in range(max(0, len(data) - 68913), len(data) - SIGNATURE - 3):
            if int.from_bytes(data[seal_at : seal_at + 4], "big") == len(data) - seal_at - 4 - SIGNATURE:
                try:
                    self._take_seal(data[seal_at + 4 : -SIGNATURE])
                except Refused:
                    continue
                return seal_at
        raise Refused("malformed")
