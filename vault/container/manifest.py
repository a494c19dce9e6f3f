"""The manifest: which files the payload holds, and where. Encrypted like they are.

Source: docs/FORMAT.md, "Manifest" and "Full accounting".
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, NamedTuple

from keys.canonical import Binary, Choice, Codec, Integer, Record, Sequence, Text, decode, encode
from keys.derivation import digest
from keys.errors import LimitError, MalformedError
from keys.recipients import PUBLIC_KEY_LENGTH
from vault.container import limits
from vault.container.cobblestone import message_length
from vault.container.outcomes import ContainerError, Outcome
from vault.container.paths import check_path, check_tree

FILE_ID_LENGTH: Final = 16
INDEX_LENGTH: Final = 88
"""The index message: 16 bytes of plaintext, always the last of the payload."""


class FileEntry(NamedTuple):
    """One file: sizes and offsets in bytes, ``modified`` in UTC seconds (0 = unknown).

    ``offset`` and ``length`` are those of its encrypted message in the payload.
    """

    path: str
    size: int
    sha256: bytes
    media_type: str
    modified: int
    id: bytes
    offset: int
    length: int


class CarriedRecipient(NamedTuple):
    """A public key (KEM, 1665 bytes) to seal to again in a container made from this one."""

    role: str
    generation: int
    public: bytes


class Manifest(NamedTuple):
    """All files, sorted by the UTF-8 bytes of their paths; who is carried over; a note for people."""

    created: int
    files: tuple[FileEntry, ...]
    recipients: tuple[CarriedRecipient, ...]
    note: str


_FILE_FIELDS: Final[dict[str, Codec[Any]]] = {
    # Longer paths are unsafe, not malformed: paths.py says so.
    "path": Text(maximum=limits.MANIFEST),
    "size": Integer(maximum=limits.PAYLOAD),
    "sha256": Binary(32),
    "media_type": Text(maximum=limits.MEDIA_TYPE),
    "modified": Integer(),
    "id": Binary(FILE_ID_LENGTH),
}
_CODEC: Final = Record(
    Manifest,
    created=Integer(),
    files=Sequence(
        Record(
            FileEntry,
            **_FILE_FIELDS,
            offset=Integer(maximum=limits.PAYLOAD),
            length=Integer(maximum=limits.PAYLOAD),
        ),
        maximum=limits.FILES,
    ),
    recipients=Sequence(
        Record(
            CarriedRecipient,
            role=Choice("dossier", "reader", "recovery"),
            generation=Integer(),
            public=Binary(PUBLIC_KEY_LENGTH),
        ),
        maximum=limits.RECIPIENTS,
    ),
    note=Text(maximum=limits.NOTE),
)
_CONTENT: Final = Sequence(Record(FileEntry, **_FILE_FIELDS), maximum=limits.FILES)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest's JSON.

    Raises:
        MalformedError, LimitError: no reader would accept this manifest.
    """
    return encode(_CODEC, manifest)


def content_digest(files: tuple[FileEntry, ...]) -> bytes:
    """Return ``content``, 32 bytes: the list of files without offsets and lengths.

    It is equal in a re-encrypted container, and the random file ids hide what it is of.
    """
    return digest("scelle/1 content", encode(_CONTENT, files))


def parse_manifest(data: bytes, *, manifest_offset: int, content: bytes) -> Manifest:
    """Read and check a decrypted manifest: form, order, full accounting, ``content``, paths.

    Args:
        data: the manifest's JSON.
        manifest_offset: where its message begins in the payload: the files must tile what lies before.
        content: the seal's ``content``.

    Raises:
        ContainerError: malformed, limit_exceeded, payload_damaged or unsafe_path, in this order.
    """
    try:
        manifest = decode(_CODEC, data, maximum=limits.MANIFEST)
    except LimitError as error:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, f"manifest: {error}") from None
    except MalformedError as error:
        raise ContainerError(Outcome.MALFORMED, f"manifest: {error}") from None
    _account(manifest, manifest_offset)
    if content_digest(manifest.files) != content:
        raise ContainerError(Outcome.PAYLOAD_DAMAGED, "the manifest is not the one that was sealed")
    for file in manifest.files:
        check_path(file.path)
    check_tree(file.path for file in manifest.files)
    return manifest


def _account(manifest: Manifest, manifest_offset: int) -> None:
    """Check that the file messages tile the payload from 0 to the manifest, each exactly once."""
    files = manifest.files
    order = [file.path.encode() for file in files]
    if any(left >= right for left, right in pairwise(order)):
        raise ContainerError(Outcome.MALFORMED, "the manifest is not sorted by path, or names a path twice")
    if len({file.id for file in files}) != len(files):
        raise ContainerError(Outcome.MALFORMED, "two files have the same id")
    position = 0
    for file in sorted(files, key=lambda file: file.offset):
        if file.offset != position or file.length != message_length(file.size):
            raise ContainerError(Outcome.MALFORMED, "the files leave a gap in the payload or overlap")
        position += file.length
    if position != manifest_offset:
        raise ContainerError(Outcome.MALFORMED, "the files do not end where the manifest begins")
