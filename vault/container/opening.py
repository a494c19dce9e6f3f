"""Opening: an examined container and its key to authentic files. Source: docs/FORMAT.md, "Reading".

Nothing is released but bytes of a block that matched its leaf and of a chunk that opened; a file is finished
only when its digest is the one that was sealed.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag

from keys.derivation import derive_key
from vault.container import limits
from vault.container.blocks import BlockStream
from vault.container.cobblestone import (
    CHUNK,
    HEAD,
    WIRE_CHUNK,
    MessageReader,
    message_context,
    open_message,
    plaintext_length,
    wire_range,
)
from vault.container.lanes import Ring, open_lane, worth_a_thread
from vault.container.layout import BLOCK
from vault.container.manifest import INDEX_LENGTH, FileEntry, Manifest, parse_manifest
from vault.container.outcomes import ContainerError, MisuseError, Outcome
from vault.container.steps import FileFinished, FileStarted, Plaintext

if TYPE_CHECKING:
    from collections.abc import Collection

    from vault.container.examine import Sealed
    from vault.container.lanes import Lane
    from vault.container.steps import Events, Steps
    from vault.container.unlocking import Unlocked

S = TypeVar("S", bound="Sealed")

_RANGE_PIECE: Final = 64 * CHUNK
"""How much of a range is held in memory at once: 1 MiB."""


def open_container(examined: S, unlocked: Unlocked) -> Steps[Opened[S]]:
    """Read index and manifest: blocks first, then the messages, then form and accounting, then paths.

    Raises:
        ContainerError: payload_damaged, malformed, limit_exceeded or unsafe_path.
    """
    seal = examined.seal.seal
    payload_key = derive_key(unlocked.container_key, "scelle/1 payload", seal.context)
    index_offset = seal.payload_length - INDEX_LENGTH
    if index_offset < 0:
        raise ContainerError(Outcome.MALFORMED, "the payload has no index")
    stored = yield from _read_span(examined, index_offset, seal.payload_length)
    index = open_message(payload_key, message_context("scelle/1 index", seal.context), stored)
    offset, length = int.from_bytes(index[:8], "big"), int.from_bytes(index[8:], "big")
    if length > limits.MANIFEST:
        raise ContainerError(Outcome.LIMIT_EXCEEDED, f"a manifest of {length} bytes")
    plaintext_length(length)
    padding = index_offset - offset - length
    if padding < 0:
        raise ContainerError(Outcome.MALFORMED, "the manifest does not lie before the index")
    if padding:
        plaintext_length(padding)
    stored = yield from _read_span(examined, offset, offset + length)
    plaintext = open_message(payload_key, message_context("scelle/1 manifest", seal.context), stored)
    manifest = parse_manifest(plaintext, manifest_offset=offset, content=seal.content)
    return Opened(examined, payload_key, manifest, (offset + length, index_offset))


class Opened(Generic[S]):
    """A container whose manifest was read and checked; its files can be read, all, some, or a range of one.

    Attributes:
        examined: what can be known without a key: an examined container, or the body of one.
        manifest: the files, and who is carried over.
    """

    def __init__(self, examined: S, payload_key: bytes, manifest: Manifest, padding: tuple[int, int]) -> None:
        self.examined = examined
        self.manifest = manifest
        self._payload_key = payload_key
        self._padding = padding

    def __repr__(self) -> str:
        return f"Opened({self.examined.seal.seal_id.hex()}, <key redacted>)"

    def find(self, path: str) -> FileEntry | None:
        """Return the file of this path, or None."""
        return next((file for file in self.manifest.files if file.path == path), None)

    def read_files(self, files: Collection[FileEntry] | None = None) -> Events:
        """Yield `FileStarted`, `Plaintext`…, `FileFinished` for each file, in the order in which they lie.

        Without ``files`` it is a full open: all files, and then the padding is checked to be zeros.

        Raises:
            ContainerError: payload_damaged or malformed. What was yielded before is authentic, but a file
                that was not finished is not proven whole and must not get its name.
            MisuseError: one of ``files`` is none of this container.
        """
        wanted = sorted(self.manifest.files if files is None else set(files), key=lambda file: file.offset)
        if files is not None and not set(wanted).issubset(self.manifest.files):
            raise MisuseError("not a file of this container")
        spans = [(file.offset, file.offset + file.length) for file in wanted]
        if files is None and self._padding[0] < self._padding[1]:
            spans.append(self._padding)
        lane = open_lane(sum(stop - start for start, stop in spans))
        blocks = BlockStream(self.examined, spans, lane)
        try:
            for file in wanted:
                yield from self._read_file(file, blocks, lane)
            if files is None:
                yield from self._check_padding(blocks)
        finally:
            lane.close()

    def read_range(self, file: FileEntry, start: int, stop: int) -> Events:
        """Yield `Plaintext` of bytes ``start`` to ``stop`` of one file, without reading the rest of it.

        Each byte is authentic and checked against the seal; the digest of the whole file is not.

        Raises:
            ContainerError: payload_damaged or malformed.
            MisuseError: not a range of this file.
        """
        if file not in self.manifest.files or not 0 <= start <= stop <= file.size:
            raise MisuseError(f"{file.path!r} has no bytes {start} to {stop}")
        head = yield from _read_span(self.examined, file.offset, file.offset + HEAD)
        context = message_context("scelle/1 file", self.examined.seal.seal.context, file.id)
        reader = MessageReader(self._payload_key, context, head)
        position = start
        while True:
            end = min(stop, position // _RANGE_PIECE * _RANGE_PIECE + _RANGE_PIECE)
            first, last = wire_range(file.size, position, end)
            wire = yield from _read_span(self.examined, file.offset + first, file.offset + last)
            chunk = (first - HEAD) // WIRE_CHUNK
            skip = position - chunk * CHUNK
            yield Plaintext(reader.open(wire, chunk)[skip : skip + end - position])
            position = end
            if position >= stop:
                return

    def _read_file(self, file: FileEntry, blocks: BlockStream, lane: Lane) -> Events:
        yield FileStarted(file)
        sha256 = hashlib.sha256()
        decryptor = self._decryptor("scelle/1 file", file.id)
        # A step gives at most one block's worth of chunks and what was left of the block before.
        ring = Ring(BLOCK + WIRE_CHUNK) if worth_a_thread(file.size) else None
        position, end = file.offset, file.offset + file.length
        try:
            while position < end:
                wire = yield from blocks.read(position, end)
                position += len(wire)
                data: bytes | memoryview
                if ring is None:
                    data = decryptor.update(wire)
                else:
                    memory = ring.take()
                    data = memory[: decryptor.update_into(wire, memory)]
                job = lane.submit(partial(sha256.update, data))
                if ring is not None:
                    ring.lend(job)
                yield Plaintext(data)
            data = decryptor.finalize()
        except InvalidTag:
            raise ContainerError(Outcome.PAYLOAD_DAMAGED, "a chunk of a file does not open") from None
        lane.submit(partial(sha256.update, data))
        yield Plaintext(data)
        if lane.submit(sha256.digest).result() != file.sha256:
            raise ContainerError(Outcome.PAYLOAD_DAMAGED, "a file does not have the digest that was sealed")
        yield FileFinished(file)

    def _check_padding(self, blocks: BlockStream) -> Events:
        position, end = self._padding
        if position == end:
            return
        decryptor = self._decryptor("scelle/1 padding")
        try:
            while position < end:
                wire = yield from blocks.read(position, end)
                position += len(wire)
                _require_zeros(decryptor.update(wire))
            _require_zeros(decryptor.finalize())
        except InvalidTag:
            raise ContainerError(Outcome.PAYLOAD_DAMAGED, "the padding does not open") from None

    def _decryptor(self, label: str, suffix: bytes = b"") -> Cobblestone256Decryptor:
        context = message_context(label, self.examined.seal.seal.context, suffix)
        return Cobblestone256Decryptor(self._payload_key, context)


def _read_span(examined: Sealed, start: int, stop: int) -> Steps[bytes]:
    return (yield from BlockStream(examined, [(start, stop)]).read_all(start, stop))


def _require_zeros(data: bytes) -> None:
    if data.count(0) != len(data):
        raise ContainerError(Outcome.MALFORMED, "the padding is not zeros")
