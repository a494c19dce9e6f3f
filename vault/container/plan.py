"""Planning a container: every length is known before a byte is read, because files are declared with sizes.

Source: docs/FORMAT.md, "Payload".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keys.errors import KeyMaterialError
from keys.randomness import random_bytes
from vault.container import limits
from vault.container.cobblestone import message_length
from vault.container.manifest import (
    FILE_ID_LENGTH,
    INDEX_LENGTH,
    CarriedRecipient,
    FileEntry,
    Manifest,
    encode_manifest,
)
from vault.container.outcomes import ContainerError, MisuseError
from vault.container.padding import padding_size
from vault.container.paths import check_path, check_sealable_tree, check_tree, why_unsealable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNKNOWN_DIGEST: Final = bytes(32)


class DeclaredFile(NamedTuple):
    """A file that will be sealed: path in the container, exact size in bytes, modified in UTC seconds.

    ``id`` is that of a file of another container, which is sealed again as it is, so that both seals have the
    same ``content``; b"" for a fresh one.
    """

    path: str
    size: int
    media_type: str = ""
    modified: int = 0
    id: bytes = b""


class Plan(NamedTuple):
    """The payload to be: a manifest whose files lack only their digests, and all lengths in bytes.

    ``padding`` is the number of zeros in the padding message, or None without one.
    """

    manifest: Manifest
    manifest_offset: int
    manifest_size: int
    padding: int | None
    payload_length: int


def plan_payload(
    files: Sequence[DeclaredFile], *, created: int, recipients: Sequence[CarriedRecipient], note: str
) -> Plan:
    """Lay the files out in the order of their paths, each with a fresh random id, or the one that it has.

    Raises:
        MisuseError: a path, a size, an id or a number that no reader would accept; the text says which.
    """
    if len(files) > limits.FILES:
        raise MisuseError(f"{len(files)} files, at most {limits.FILES} fit in a container")
    _check_names(files)
    entries = []
    offset = 0
    for file in sorted(files, key=lambda file: file.path.encode()):
        length = message_length(file.size)
        file_id = file.id or random_bytes(FILE_ID_LENGTH)
        entries.append(
            FileEntry(
                file.path, file.size, _UNKNOWN_DIGEST, file.media_type, file.modified, file_id, offset, length
            )
        )
        offset += length
    manifest = Manifest(created, tuple(entries), tuple(recipients), note)
    try:
        # Digests all have the same length, so the manifest's size is known without them.
        size = len(encode_manifest(manifest))
    except KeyMaterialError as error:
        raise MisuseError(str(error)) from None
    if message_length(size) > limits.MANIFEST:
        raise MisuseError("the list of files is too long for one container")
    unpadded = offset + message_length(size) + INDEX_LENGTH
    padding = padding_size(unpadded)
    length = unpadded + (0 if padding is None else message_length(padding))
    if length > limits.PAYLOAD:
        raise MisuseError(f"{length} bytes, at most {limits.PAYLOAD} fit in a container")
    return Plan(manifest, offset, size, padding, length)


def declare_again(files: Iterable[FileEntry]) -> tuple[DeclaredFile, ...]:
    """Return the files of an opened container, to be sealed into another one with the same ``content``."""
    return tuple(DeclaredFile(one.path, one.size, one.media_type, one.modified, one.id) for one in files)


def _check_names(files: Sequence[DeclaredFile]) -> None:
    """Refuse paths and ids that no reader would accept, and, of new files, paths that none has to write.

    Raises:
        MisuseError.
    """
    ids = [file.id for file in files if file.id]
    if len(set(ids)) != len(ids) or any(len(one) != FILE_ID_LENGTH for one in ids):
        raise MisuseError(f"ids of files have {FILE_ID_LENGTH} bytes, and no two are the same")
    # What was sealed once is sealed again, also by a writer that knows fewer characters.
    again = len(ids) == len(files)
    try:
        for file in files:
            if again:
                check_path(file.path)
            elif reason := why_unsealable(file.path):
                raise MisuseError(f"{file.path!r} {reason}")
        (check_tree if again else check_sealable_tree)(file.path for file in files)
    except ContainerError as error:
        raise MisuseError(error.detail) from None
