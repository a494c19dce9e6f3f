"""What is wrong to see without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.vault.container.forge import (
    AUTHORITY,
    EDITOR,
    MEL,
    READER,
    STRANGER,
    For,
    Forge,
    forge,
    with_envelope,
    with_seal,
)
from tests.vault.container.spec import b64, canonical, named, unb64
from tests.vectors.scelle.vector import SUCCESSOR, Vector, bad, flip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GIB: Final = 1 << 30


def outside_vectors() -> Iterator[Vector]:
    yield from _malformed()
    yield from _limits()
    yield from _signatures()
    yield from _payload()


def _malformed() -> Iterator[Vector]:
    def spelt(name: str, says: str, edit: Callable[[bytes], bytes]) -> Vector:
        return bad("malformed", name, says, lambda f: with_seal(f, edit(f.seal_json)))

    def worded(name: str, says: str, edit: Callable[[bytes], bytes]) -> Vector:
        return bad("malformed", name, says, lambda f: with_envelope(f, edit(f.envelope_json)))

    jpeg = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
    yield bad("malformed", "jpeg", "another kind of file", lambda _: jpeg)
    yield bad("malformed", "empty", "nothing at all", lambda _: b"")
    yield bad("malformed", "truncated", "the last byte is missing", lambda f: f.data[:-1])
    yield bad("malformed", "trailing", "a byte follows the end", lambda f: f.data + b"\x00")
    yield bad(
        "malformed",
        "ten-gibibytes",
        "a payload of 10 GiB is announced",
        lambda f: _announce(f, 14, 8, 10 * GIB),
    )
    yield bad("unsupported_version", "version", "version 2", lambda f: _announce(f, 8, 2, 2))
    yield spelt(
        "field-order",
        "two fields of the seal stand in another order",
        lambda data: _exchange(data, b'"dossier":"DOS-2026-001"', b'"evidence_type":"other"'),
    )
    yield spelt(
        "field-twice",
        "a field of the seal stands twice",
        lambda data: data.replace(b',"content"', b',"root":"","content"'),
    )
    yield spelt("field-more", "a field that the seal does not have", lambda data: data[:-1] + b',"x":0}')
    yield spelt(
        "field-missing", "a field of the seal is missing", lambda data: data.replace(b'"supersedes":"",', b"")
    )
    yield worded("white-space", "a space in the envelope", lambda data: data.replace(b":", b": ", 1))
    yield worded(
        "number",
        "a number with an exponent",
        lambda data: data.replace(b'"generation":1,', b'"generation":1e0,'),
    )
    yield worded(
        "number-as-text",
        "a number in quotation marks",
        lambda data: data.replace(b'"generation":1,', b'"generation":"1",'),
    )
    yield worded(
        "escape",
        "a character escaped without need",
        lambda data: data.replace(b'"reader"', b'"\\u0072eader"'),
    )
    yield worded("stray-bits", "base64url with bits that stand for nothing", _stray_bits)
    yield worded(
        "generation-0",
        "generations count from 1",
        lambda data: data.replace(b'"generation":1,', b'"generation":0,'),
    )
    yield worded(
        "role",
        "a recovery slot stands in the envelope",
        lambda data: data.replace(b'"reader"', b'"recovery"'),
    )
    yield worded(
        "dossier-slot",
        "a dossier slot without a generation",
        lambda data: data.replace(b'"reader"', b'"dossier"'),
    )
    yield bad("malformed", "slot-ids", "two slots have one id", at_envelope=_same_ids)
    yield bad(
        "malformed",
        "no-slots",
        "a list of slots without any",
        at_envelope=lambda f: f.envelope.update(slots=[]),
    )
    yield bad("malformed", "writers-twice", "a writer is listed twice", writers=[AUTHORITY.signing_id] * 2)


def _announce(f: Forge, start: int, length: int, value: int) -> bytes:
    return f.data[:start] + value.to_bytes(length, "big") + f.data[start + length :]


def _exchange(data: bytes, one: bytes, other: bytes) -> bytes:
    return data.replace(one, b"\x00").replace(other, one).replace(b"\x00", other)


def _stray_bits(data: bytes) -> bytes:
    """Another last character of the salt, 16 bytes in 22 characters, for the same bytes."""
    start = data.index(b'"salt":"') + 8
    last = b64(unb64(data[start : start + 22].decode()))[-1]
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return data[: start + 21] + other[other.index(last) ^ 1].encode() + data[start + 22 :]


def _same_ids(f: Forge) -> None:
    f.envelope["slots"] = [f.recipient_slot(For(actor), slot_id=bytes(8)) for actor in (READER, STRANGER)]


def _limits() -> Iterator[Vector]:
    limit = "limit_exceeded"
    yield bad(
        limit,
        "envelope-length",
        "an envelope of more than 256 KiB",
        lambda f: _announce(f, 10, 4, 256 * 1024 + 1),
    )
    yield bad(
        limit, "payload-length", "a payload of more than 4 TiB", lambda f: _announce(f, 14, 8, 4096 * GIB + 1)
    )
    yield bad(
        limit,
        "seal-length",
        "a seal of more than 64 KiB",
        lambda f: _announce(f, len(f.data) - len(f.seal_bytes), 4, 64 * 1024 + 1),
    )
    yield bad(limit, "slots", "65 slots", at_envelope=lambda f: _repeat(f, 65, f.envelope["slots"][0]))
    yield bad(
        limit,
        "password-slots",
        "17 password slots",
        at_envelope=lambda f: _repeat(f, 17, f.password_slot(MEL)),
    )
    yield bad(
        limit,
        "argon2-memory",
        "more memory than a reader gives",
        kdf=(19_456, 2, 1),
        at_envelope=lambda f: f.envelope["kdf"].update(memory_kib=524_289),
    )
    yield bad(
        limit,
        "argon2-weak",
        "less memory than is safe",
        at_envelope=lambda f: f.envelope["kdf"].update(memory_kib=19_455),
    )


def _repeat(f: Forge, count: int, slot: dict[str, Any]) -> None:
    f.envelope["slots"] = [slot | {"id": b64(named(f"slot {number}", 8))} for number in range(count)]


def _signatures() -> Iterator[Vector]:
    yield bad(
        "seal_invalid", "seal-signer", "the seal is signed by another key than it names", seal_signer=STRANGER
    )
    yield bad(
        "seal_invalid",
        "seal-context",
        "signed as if it were an envelope",
        lambda f: f.data[:-3373] + EDITOR.signing.sign(f.seal_json, context="scelle/1 envelope"),
    )
    tampered = "envelope_tampered"
    yield bad(tampered, "writer", "the envelope's writer is not listed", writer=STRANGER)
    yield bad(tampered, "writer-signature", "signed by another key than it names", envelope_signer=STRANGER)
    yield bad(
        tampered,
        "successor-unknown",
        "written by a successor whom the reader does not know",
        writer=SUCCESSOR,
    )
    yield bad(
        tampered,
        "successor-of-the-signer",
        "only listed writers have successors",
        writer=SUCCESSOR,
        expected={"successors": [(EDITOR, SUCCESSOR)]},
    )
    yield bad(
        tampered,
        "envelope-moved",
        "the envelope of another container",
        lambda f: with_envelope(f, forge(name="another").envelope_json),
    )
    yield bad(
        "envelope_stale", "stale", "a later generation was seen", generation=2, expected={"generation": 3}
    )
    yield bad(
        "wrong_dossier",
        "dossier-of-another",
        "sealed for another dossier",
        expected={"dossier": "DOS-2026-002"},
    )
    yield bad(
        "unknown_signer",
        "signer-unknown",
        "sealed by a key that is not accepted",
        expected={"signers": [AUTHORITY]},
    )


def _payload() -> Iterator[Vector]:
    damaged = "payload_damaged"
    yield bad(
        damaged,
        "block",
        "a bit of the payload was changed",
        lambda f: flip(f.data, len(f.preamble + f.envelope_bytes) + 60),
    )
    yield bad(damaged, "leaf", "a bit of a leaf was changed", lambda f: flip(f.data, -len(f.seal_bytes) - 1))
    yield bad(
        damaged,
        "root",
        "the seal has another root",
        lambda f: with_seal(f, canonical(f.seal | {"root": b64(bytes(32))})),
    )
    yield bad(
        damaged,
        "length",
        "the seal has another length of the payload",
        lambda f: with_seal(f, canonical(f.seal | {"payload_length": len(f.payload) + 1})),
    )
