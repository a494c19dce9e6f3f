"""Forges containers: any part can be replaced at the lowest level, and what follows it is made right again.

Written from the specification, not from the code (see ``spec``): only composite signature, HPKE and Argon2id
come from libraries. So a forged container with nothing broken is also a second implementation's, and each
rule can be broken alone. Nothing is random but what the libraries draw: keys, ids and salts follow from
names.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.recipients import Recipient
from keys.signing import SigningKey
from keys.unwrapping import DecapsulationKey
from tests.vault.container.spec import (
    CHUNK,
    MAGIC,
    SIGNATURE,
    H,
    K,
    argon2,
    b64,
    canonical,
    cobblestone,
    leaves_of,
    message_length,
    named,
    padme,
    tree,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Document: TypeAlias = dict[str, Any]


class Actor:
    """Somebody with an identity: both key pairs grow from one seed that follows from the name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seed = named(f"actor {name}", 32)
        self.signing = SigningKey(hmac.digest(self.seed, b"scelle/1 identity sign\x00\x01", "sha512"))
        self.kem = DecapsulationKey(hmac.digest(self.seed, b"scelle/1 identity kem\x00\x01", "sha512")[:32])
        self.public = self.kem.public_key
        self.kem_id = H("scelle/1 key", self.public)
        self.signing_id = H("scelle/1 key", self.signing.public_key)

    def __repr__(self) -> str:
        return f"Actor({self.name})"


EDITOR: Final = Actor("editor")
STRANGER: Final = Actor("stranger")
AUTHORITY: Final = Actor("authority")
READER: Final = Actor("reader")
DOSSIER: Final = Actor("dossier key, generation 3")
RECOVERY: Final = Actor("recovery key")


@dataclass(frozen=True)
class File:
    path: str
    data: bytes = b""
    media_type: str = "text/plain"
    modified: int = 1_700_000_000


@dataclass(frozen=True)
class Password:
    username: str
    password: str
    identity: bytes = b""


@dataclass(frozen=True)
class For:
    """A public-key access: for whom, in which role, of which generation."""

    actor: Actor
    role: str = "reader"
    generation: int = 0


MEL: Final = Password("mel@example.org", "correct horse battery staple")
FILES: Final = (File("rapport/annexe.txt", b"annexe\n" * 20), File("étude.txt", b"", "", 0))


def keep(_: Forge) -> None:
    """Change nothing."""


@dataclass(repr=False)
class Forge:
    """What goes into a container, hooks that change it at each stage, and what came of each stage.

    A hook ``at_X`` is called when stage X has its right value, and may change any attribute. Documents are
    dicts; a hook may put bytes in their place, which then stand as they are.
    """

    files: Sequence[File] = FILES
    name: str = "container 1"
    dossier: str = "DOS-2026-001"
    evidence_type: str = "other"
    signer: Actor = EDITOR
    writer: Actor = EDITOR
    seal_signer: Actor | None = None
    envelope_signer: Actor | None = None
    writers: Sequence[bytes] = (AUTHORITY.signing_id,)
    supersedes: bytes = b""
    sealed_at: int = 1_790_000_000
    note: str = "une note"
    generation: int = 1
    kdf: tuple[int, int, int] = (19_456, 2, 1)
    passwords: Sequence[Password] = ()
    recipients: Sequence[For] = (For(READER),)
    recovery: Sequence[Actor] = ()
    carried: Sequence[For] = ()
    storage_order: Sequence[int] | None = None
    gaps: dict[int, bytes] = field(default_factory=dict)
    """Bytes that stand before the n-th stored message; the last number stands for the manifest."""

    at_wires: Callable[[Forge], None] = keep
    at_manifest: Callable[[Forge], None] = keep
    at_index: Callable[[Forge], None] = keep
    at_tail: Callable[[Forge], None] = keep
    at_payload: Callable[[Forge], None] = keep
    at_leaves: Callable[[Forge], None] = keep
    at_seal: Callable[[Forge], None] = keep
    at_envelope: Callable[[Forge], None] = keep
    at_preamble: Callable[[Forge], None] = keep

    container: bytes = b""
    key: bytes = b""
    ctx: bytes = b""
    payload_key: bytes = b""
    salt: bytes = b""
    wires: list[bytes] = field(default_factory=list)
    manifest: Document | bytes = field(default_factory=dict)
    manifest_at: int = 0
    manifest_wire: bytes = b""
    padding_wire: bytes = b""
    index: bytes = b""
    index_wire: bytes = b""
    payload: bytes = b""
    leaves: list[bytes] = field(default_factory=list)
    seal: Document | bytes = field(default_factory=dict)
    seal_json: bytes = b""
    seal_signature: bytes = b""
    seal_length: int = 0
    envelope: Document | bytes = field(default_factory=dict)
    envelope_json: bytes = b""
    envelope_signature: bytes = b""
    preamble: bytes = b""
    tail: bytes = b""
    """Bytes after the end."""

    def build(self) -> Forge:
        self.container = self.container or named(f"{self.name} id", 16)
        self.key = self.key or named(f"{self.name} key", 32)
        self.salt = self.salt or named("kdf salt", 16)
        signer_id = H("scelle/1 key", self.signer.signing.public_key)
        self.ctx = self.ctx or H("scelle/1", self.container, signer_id, self.dossier.encode())
        self.payload_key = K(self.key, "scelle/1 payload", self.ctx)
        self._write_payload()
        self._write_seal()
        self._write_envelope()
        self.preamble = MAGIC + (1).to_bytes(2, "big") + len(self.envelope_bytes).to_bytes(4, "big")
        self.preamble += len(self.payload).to_bytes(8, "big")
        self.at_preamble(self)
        return self

    def message(self, label: str, plaintext: bytes, suffix: bytes = b"") -> bytes:
        return cobblestone(self.payload_key, label.encode() + b"\x00" + self.ctx + suffix, plaintext)

    def file_id(self, number: int) -> bytes:
        return named(f"{self.name} file {number}", 16)

    def zeros(self, size: int) -> bytes:
        return self.message("scelle/1 padding", bytes(size))

    @property
    def sorted_files(self) -> list[File]:
        return sorted(self.files, key=lambda file: file.path.encode("utf-8", "surrogatepass"))

    @property
    def true_files(self) -> dict[str, bytes]:
        return {file.path: file.data for file in self.files}

    @property
    def envelope_bytes(self) -> bytes:
        return self.envelope_json + self.envelope_signature

    @property
    def seal_bytes(self) -> bytes:
        return self.seal_length.to_bytes(4, "big") + self.seal_json + self.seal_signature

    @property
    def seal_id(self) -> bytes:
        return H("scelle/1 seal id", self.seal_json)

    @property
    def body(self) -> bytes:
        return self.payload + b"".join(self.leaves) + self.seal_bytes

    @property
    def data(self) -> bytes:
        return self.preamble + self.envelope_bytes + self.body + self.tail

    def _write_payload(self) -> None:
        files = self.sorted_files
        self.wires = [
            self.message("scelle/1 file", file.data, self.file_id(number))
            for number, file in enumerate(files)
        ]
        self.at_wires(self)
        offsets = [0] * len(files)
        body = b""
        for place, number in enumerate(self.storage_order or range(len(files))):
            body += self.gaps.get(place, b"")
            offsets[number] = len(body)
            body += self.wires[number]
        body += self.gaps.get(len(files), b"")
        self.manifest = {
            "created": self.sealed_at,
            "files": [
                {
                    "path": file.path,
                    "size": len(file.data),
                    "sha256": b64(hashlib.sha256(file.data).digest()),
                    "media_type": file.media_type,
                    "modified": file.modified,
                    "id": b64(self.file_id(number)),
                    "offset": offsets[number],
                    "length": message_length(len(file.data)),
                }
                for number, file in enumerate(files)
            ],
            "recipients": [
                {"role": one.role, "generation": one.generation, "public": b64(one.actor.public)}
                for one in self.carried
            ],
            "note": self.note,
        }
        self.at_manifest(self)
        manifest = self.manifest if isinstance(self.manifest, bytes) else canonical(self.manifest)
        self.manifest_at = len(body)
        self.manifest_wire = self.message("scelle/1 manifest", manifest)
        self.index = len(body).to_bytes(8, "big") + len(self.manifest_wire).to_bytes(8, "big")
        self.at_index(self)
        self.index_wire = self.message("scelle/1 index", self.index)
        self.padding_wire = self._padding(len(body) + len(self.manifest_wire) + len(self.index_wire))
        self.at_tail(self)
        self.payload = body + self.manifest_wire + self.padding_wire + self.index_wire
        self.at_payload(self)
        self.leaves = leaves_of(self.payload)
        self.at_leaves(self)

    def _padding(self, unpadded: int) -> bytes:
        """Return the padding message that reaches the smallest Padmé size, found by trying all in turn."""
        target = padme(unpadded)
        while target != unpadded:
            room = target - unpadded
            for chunks in range(room // CHUNK, -1, -1):
                size = room - 56 - 16 * (chunks + 1)
                if size >= 0 and message_length(size) == room:
                    return self.zeros(size)
            target = padme(target + 1)
        return b""

    def _write_seal(self) -> None:
        self.seal = {
            "format": "scelle/1",
            "container": b64(self.container),
            "dossier": self.dossier,
            "evidence_type": self.evidence_type,
            "supersedes": b64(self.supersedes),
            "payload_length": len(self.payload),
            "root": b64(tree(self.leaves)),
            "content": b64(self._content()),
            "commitment": b64(K(self.key, "scelle/1 commit", self.ctx)),
            "sealed_at": self.sealed_at,
            "signer": b64(self.signer.signing.public_key),
            "writers": [b64(writer) for writer in self.writers],
            "recovery": [self.recipient_slot(For(actor, "recovery")) for actor in self.recovery],
        }
        self.at_seal(self)
        self.seal_json = self.seal if isinstance(self.seal, bytes) else canonical(self.seal)
        self.seal_length = len(self.seal_json)
        signing = (self.seal_signer or self.signer).signing
        self.seal_signature = signing.sign(self.seal_json, context="scelle/1 seal")

    def _content(self) -> bytes:
        if isinstance(self.manifest, bytes):
            return bytes(32)
        files = self.manifest.get("files")
        if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
            return bytes(32)
        kept = [{k: v for k, v in file.items() if k not in {"offset", "length"}} for file in files]
        try:
            return H("scelle/1 content", canonical(kept))
        except UnicodeEncodeError:
            return bytes(32)

    def _write_envelope(self) -> None:
        self.envelope = {
            "commitment": b64(K(self.key, "scelle/1 commit", self.ctx)),
            "generation": self.generation,
            "kdf": {
                "salt": b64(self.salt),
                "memory_kib": self.kdf[0],
                "passes": self.kdf[1],
                "lanes": self.kdf[2],
            },
            "slots": [
                *(self.password_slot(access) for access in self.passwords),
                *(self.recipient_slot(access) for access in self.recipients),
            ],
            "writer": b64(self.writer.signing.public_key),
        }
        self.at_envelope(self)
        self.envelope_json = self.envelope if isinstance(self.envelope, bytes) else canonical(self.envelope)
        signing = (self.envelope_signer or self.writer).signing
        self.envelope_signature = signing.sign(self.envelope_json, context="scelle/1 envelope")

    def recipient_slot(
        self, access: For, *, key: bytes | None = None, slot_id: bytes | None = None
    ) -> Document:
        """Return a slot that wraps the container's key, or another one, for somebody."""
        slot_id = slot_id or named(f"{self.name} slot {access}", 8)
        info = b"scelle/1 slot\x00" + self.ctx + slot_id + access.actor.kem_id + access.role.encode()
        return {
            "type": "recipient",
            "id": b64(slot_id),
            "role": access.role,
            "key": b64(access.actor.kem_id),
            "generation": access.generation,
            "wrapped": b64(Recipient(access.actor.public).wrap(key or self.key, info)),
        }

    def password_slot(
        self, access: Password, *, key: bytes | None = None, slot_id: bytes | None = None
    ) -> Document:
        """Return a slot for a user name (already lowered) and a password (already in NFC)."""
        slot_id = slot_id or named(f"{self.name} slot {access}", 8)
        salt = H("scelle/1 password", self.salt, access.username.encode())
        prk = argon2(access.password.encode(), salt, *self.kdf)
        box = AESGCM(K(prk, "scelle/1 slot key", self.ctx, slot_id))
        identity_box = AESGCM(K(prk, "scelle/1 slot identity", self.ctx, slot_id))
        identity = identity_box.encrypt(bytes(12), access.identity, None) if access.identity else b""
        return {
            "type": "password",
            "id": b64(slot_id),
            "commitment": b64(K(prk, "scelle/1 slot commitment", self.ctx, slot_id)),
            "wrapped": b64(box.encrypt(bytes(12), key or self.key, None)),
            "identity": b64(identity),
        }


def forge(**changes: Any) -> Forge:
    """Return a container that is right but for what ``changes`` breaks."""
    return replace(Forge(), **changes).build()


def with_envelope(forged: Forge, envelope_json: bytes, by: Actor | None = None) -> bytes:
    """Return the container with another, rightly signed envelope."""
    signing = (by or forged.writer).signing
    signature = signing.sign(envelope_json, context="scelle/1 envelope")
    length = (len(envelope_json) + SIGNATURE).to_bytes(4, "big")
    return forged.preamble[:10] + length + forged.preamble[14:] + envelope_json + signature + forged.body


def with_seal(forged: Forge, seal_json: bytes, by: Actor | None = None) -> bytes:
    """Return the container with another, rightly signed seal."""
    signature = (by or forged.signer).signing.sign(seal_json, context="scelle/1 seal")
    front = forged.data[: -len(forged.seal_bytes)]
    return front + len(seal_json).to_bytes(4, "big") + seal_json + signature
