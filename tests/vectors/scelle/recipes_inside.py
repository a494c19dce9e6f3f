"""What is wrong to see only with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.vault.container.forge import (
    EDITOR,
    FILES,
    MEL,
    READER,
    STRANGER,
    File,
    For,
    Forge,
    Password,
    forge,
)
from tests.vault.container.spec import b64
from tests.vectors.scelle.vector import WITH_IDENTITY, Vector, flip, inside

if TYPE_CHECKING:
    from collections.abc import Iterator


def inside_vectors() -> Iterator[Vector]:
    yield from _limits()
    yield from _accesses()
    yield from _payload()
    yield from _paths()


def _limits() -> Iterator[Vector]:
    limit = "limit_exceeded"
    yield inside(
        limit,
        "manifest-length",
        "a manifest of more than 16 MiB is announced",
        at_index=lambda f: setattr(f, "index", f.index[:8] + (16 * 2**20 + 1).to_bytes(8, "big")),
    )
    yield inside(limit, "note", "a note of 4097 bytes", note="x" * 4097)
    yield inside(limit, "media-type", "a media type of 128 bytes", files=[File("a", b"", "x" * 128)])


def _accesses() -> Iterator[Vector]:
    yield inside(
        "no_access",
        "password-wrong",
        "the password is another",
        passwords=[MEL],
        recipients=[],
        access=Password(MEL.username, "another"),
    )
    yield inside(
        "no_access",
        "username-wrong",
        "the user name is another",
        passwords=[MEL],
        recipients=[],
        access=Password("anne", MEL.password),
    )
    yield inside("no_access", "key-wrong", "no slot for this key", access=STRANGER)
    yield inside(
        "no_access",
        "slot-moved",
        "the slot of another container",
        at_envelope=lambda f: f.envelope.update(slots=forge(name="another").envelope["slots"]),
    )
    yield inside(
        "no_access",
        "slot-role",
        "a reader's slot as a dossier slot",
        at_envelope=lambda f: f.envelope["slots"][0].update(role="dossier", generation=1),
    )
    yield inside(
        "no_access",
        "slot-commitment",
        "another commitment on a slot that would open",
        passwords=[MEL],
        recipients=[],
        access=MEL,
        at_envelope=lambda f: f.envelope["slots"][0].update(commitment=b64(bytes(32))),
    )
    yield inside(
        "no_access",
        "claimed",
        "re-sealed by somebody else, who opens nothing",
        at_seal=_claim,
        seal_signer=STRANGER,
        writers=[EDITOR.signing_id],
    )
    yield inside(
        "envelope_tampered",
        "slot-spoilt",
        "the commitment fits, the slot does not open",
        passwords=[MEL],
        recipients=[],
        access=MEL,
        at_envelope=lambda f: f.envelope["slots"][0].update(wrapped=b64(bytes(48))),
    )
    yield inside(
        "envelope_tampered",
        "slot-identity-spoilt",
        "the identity in the slot does not open",
        passwords=[WITH_IDENTITY],
        recipients=[],
        access=MEL,
        at_envelope=lambda f: f.envelope["slots"][0].update(identity=b64(bytes(48))),
    )
    yield inside(
        "envelope_tampered",
        "slot-key",
        "the slot holds the key of another container",
        at_envelope=lambda f: f.envelope.update(slots=[f.recipient_slot(For(READER), key=bytes(32))]),
    )


def _claim(f: Forge) -> None:
    f.seal["signer"] = b64(STRANGER.signing.public_key)


def _payload() -> Iterator[Vector]:
    damaged = "payload_damaged"
    yield inside(
        damaged,
        "chunk",
        "a chunk was changed before it was sealed",
        at_wires=lambda f: f.wires.__setitem__(0, flip(f.wires[0], -1)),
    )
    yield inside(
        damaged,
        "exchanged",
        "the messages of two files stand in each other's places",
        files=[File("a", b"first"), File("b", b"other")],
        at_wires=lambda f: f.wires.reverse(),
    )
    yield inside(
        damaged,
        "digest",
        "another file than the manifest says, rightly encrypted",
        at_wires=lambda f: f.wires.__setitem__(
            0, f.message("scelle/1 file", bytes(len(FILES[0].data)), f.file_id(0))
        ),
    )
    yield inside(
        damaged,
        "content",
        "another manifest than was sealed",
        at_seal=lambda f: f.seal.update(content=b64(bytes(32))),
    )
    yield inside(
        damaged,
        "index-spoilt",
        "the index does not open",
        at_tail=lambda f: setattr(f, "index_wire", flip(f.index_wire, -1)),
    )
    yield inside(
        damaged,
        "padding-kind",
        "a message of another kind in the padding's place",
        released=2,
        at_tail=lambda f: setattr(f, "padding_wire", f.message("scelle/1 index", bytes(40))),
    )
    malformed = "malformed"
    yield inside(
        malformed,
        "padding-content",
        "the padding is not zeros",
        released=2,
        at_tail=lambda f: setattr(f, "padding_wire", f.message("scelle/1 padding", b"\x00\x01")),
    )
    yield inside(
        malformed,
        "padding-size",
        "a padding that no message can have",
        at_tail=lambda f: setattr(f, "padding_wire", bytes(71)),
    )
    yield inside(malformed, "gap", "bytes between two files that none accounts for", gaps={1: bytes(72)})
    yield inside(malformed, "overlap", "two entries for one message", at_manifest=_overlap)
    yield inside(
        malformed,
        "hidden",
        "a message that the manifest does not name",
        at_manifest=lambda f: f.manifest["files"].pop(),
    )
    yield inside(
        malformed,
        "unsorted",
        "the files are not sorted by path",
        at_manifest=lambda f: f.manifest["files"].reverse(),
    )
    yield inside(
        malformed,
        "file-ids",
        "two files have one id",
        at_manifest=lambda f: f.manifest["files"][1].update(id=f.manifest["files"][0]["id"]),
    )
    yield inside(
        malformed,
        "file-length",
        "a length that does not follow from the size",
        at_manifest=lambda f: f.manifest["files"][1].update(length=73),
    )
    yield inside(
        malformed,
        "index-beyond",
        "the index points far behind the payload",
        at_index=lambda f: setattr(f, "index", b"\xff" * 8 + f.index[8:]),
    )
    yield inside(
        malformed,
        "manifest-field",
        "a field that the manifest does not have",
        at_manifest=lambda f: f.manifest.update(x=0),
    )


def _overlap(f: Forge) -> None:
    first = f.manifest["files"][0]
    f.manifest["files"].insert(0, first | {"path": "a", "id": b64(bytes(16))})


def _paths() -> Iterator[Vector]:
    for name, says, *paths in (
        ("path-parent", "leaves its folder", "../a"),
        ("path-inner-parent", "leaves its folder on the way", "a/../b"),
        ("path-absolute", "begins at the root", "/etc/passwd"),
        ("path-drive", "a Windows drive", "C:/a"),
        ("path-backslash", "a backslash", "..\\a"),
        ("path-device", "a name that Windows keeps", "docs/aux.txt"),
        ("path-device-superscript", "COM and a superscript digit", "COM¹"),
        ("path-trailing-dot", "a name that ends in a dot", "a./b"),
        ("path-trailing-space", "a name that ends in a space", "a "),
        ("path-empty-name", "two slashes in a row", "a//b"),
        ("path-right-to-left", "a character that turns the text around", "a\u202efdp.exe"),
        ("path-deep", "33 levels", "/".join(["a"] * 33)),
        ("path-long", "1025 bytes", "/".join(["a" * 204] * 5) + "b"),
        ("path-long-name", "a name of 256 bytes", "é" * 128),
        ("path-nfc", "two paths equal in NFC", "é", "e\u0301"),
        ("path-file-in-file", "a file is the folder of another", "a", "a/b"),
    ):
        yield inside("unsafe_path", name, says, files=[File(path) for path in paths])
