"""Sealing: files to a container, in one pass, in constant memory, to anything that takes bytes.

Source: docs/FORMAT.md.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from cryptography.cobblestone import Cobblestone256Encryptor

from keys.derivation import CONTAINER_ID_LENGTH, DEFAULT_COST, KEY_LENGTH, PasswordCost, derive_key
from keys.errors import KeyMaterialError
from keys.randomness import random_bytes
from vault.container import limits
from vault.container.cobblestone import CHUNK, message_context, message_length
from vault.container.envelope import CONTEXT as ENVELOPE_CONTEXT
from vault.container.envelope import Envelope, encode_envelope
from vault.container.lanes import Ring, open_lane
from vault.container.layout import Preamble
from vault.container.leaves import OutgoingBlocks, root_of_leaves
from vault.container.manifest import CarriedRecipient, FileEntry, content_digest, encode_manifest
from vault.container.outcomes import MisuseError
from vault.container.plan import DeclaredFile, plan_payload
from vault.container.seal import FORMAT, Seal, SignedSeal, sign_seal
from vault.container.slots import PasswordAccess, make_password_slot, make_recipient_slot, new_kdf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keys.signing import SigningKey

_PIECE: Final = limits.MIB
_ZEROS: Final = bytes(_PIECE)


class SealRequest(NamedTuple):
    """Everything that a container says beside its files.

    Attributes:
        dossier: 1 to 64 of ``[A-Za-z0-9._-]``.
        evidence_type: 1 to 64 of ``[a-z0-9._-]``.
        sealed_at: UTC seconds; the signer's claim.
        recipients: public keys with their roles; ``recovery`` goes into the seal, the others into the
            envelope, all into the manifest to be carried over.
        passwords: who opens it with a user name and password.
        writers: key ids that may sign later envelopes.
        supersedes: seal id of the deposited proof that this one replaces, or b"".
        note: for whoever opens it, at most 4096 bytes.
        cost: Argon2id costs of the password slots.
        carried: public keys that the manifest lists instead of ``recipients``, or None.
    """

    dossier: str
    evidence_type: str
    sealed_at: int
    recipients: Sequence[CarriedRecipient] = ()
    passwords: Sequence[PasswordAccess] = ()
    writers: Sequence[bytes] = ()
    supersedes: bytes = b""
    note: str = ""
    cost: PasswordCost = DEFAULT_COST
    carried: Sequence[CarriedRecipient] | None = None


class Sealer:
    """Seals declared files, in a ``with`` block (it may start a thread).

    Write `header`; for each of `files`, in this order, what `update` returns for its bytes and then what
    `end_file` returns; then all that `finalize` yields.

    Attributes:
        header: preamble and signed envelope, the first bytes of the container.
        files: the files in the order in which they must be given (sorted by path).
        length: bytes of the whole container.
    """

    def __init__(self, request: SealRequest, files: Sequence[DeclaredFile], signer: SigningKey) -> None:
        """Plan the container, draw its key and make its slots (each password costs a derivation).

        Raises:
            MisuseError: no reader would accept such a container; the text says why.
        """
        self._signer = signer
        try:
            self._plan = plan_payload(
                files,
                created=request.sealed_at,
                recipients=request.recipients if request.carried is None else request.carried,
                note=request.note,
            )
            self._draft, key = _draft_seal(request, signer, self._plan.payload_length)
            envelope = _sign_envelope(request, self._draft, key, signer)
            seal_length = len(sign_seal(self._draft, signer).json)
        except KeyMaterialError as error:
            raise MisuseError(str(error)) from None
        self._context = self._draft.context
        self._payload_key = derive_key(key, "scelle/1 payload", self._context)
        preamble = Preamble(len(envelope), self._plan.payload_length)
        self.header: Final = preamble.encode() + envelope
        self.files: Final = self._plan.manifest.files
        self.length: Final = preamble.total_length(seal_length)
        self._done: list[FileEntry] = []
        self._current: _FileInProgress | None = None
        self._lane = open_lane(self._plan.payload_length)
        self._blocks = OutgoingBlocks(self._lane, self._plan.payload_length)
        self._ring = Ring(_PIECE)
        self._finalized = False
        self._seal: SignedSeal | None = None

    def __enter__(self) -> Self:
        """Return the sealer."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker thread. What was not finalized is of no use."""
        self._lane.close()

    @property
    def seal(self) -> SignedSeal:
        """The signed seal, once `finalize` is through."""
        if self._seal is None:
            raise MisuseError("the container is not finished")
        return self._seal

    @property
    def sealed_files(self) -> tuple[FileEntry, ...]:
        """The files with their digests, once `finalize` is through."""
        if self._seal is None:
            raise MisuseError("the container is not finished")
        return tuple(self._done)

    def room(self) -> memoryview:
        """Return 1 MiB of memory to read the next bytes into, for `update`: spares allocations."""
        return self._ring.take()

    def update(self, data: bytes | memoryview) -> bytes | memoryview:
        """Take the next bytes of the current file; return bytes of the container, perhaps none yet.

        What is returned may be a view of memory that the next call uses again: write it, or copy it.

        Args:
            data: bytes that will not change any more, or the filled part of `room`.

        Raises:
            MisuseError: more bytes than were declared.
        """
        current = self._in_progress()
        current.missing -= len(data)
        if current.missing < 0:
            raise MisuseError(f"{current.file.path!r} is longer than was declared")
        job = self._lane.submit(partial(current.sha256.update, data))
        if not self._ring.holds(data):
            return self._emit(current.encryptor.update(data))
        self._ring.lend(job)
        # Up to a chunk may be left from before.
        memory = self._blocks.room(message_length(len(data) + CHUNK))
        return self._blocks.keep(current.encryptor.update_into(data, memory))

    def end_file(self) -> bytes:
        """End the current file; return the last bytes of its message.

        Raises:
            MisuseError: fewer bytes than were declared.
        """
        current = self._in_progress()
        if current.missing:
            raise MisuseError(f"{current.file.path!r} is shorter than was declared")
        digest = self._lane.submit(current.sha256.digest).result()
        self._done.append(current.file._replace(sha256=digest))
        self._current = None
        return self._emit(current.encryptor.finalize())

    def finalize(self) -> Iterator[bytes]:
        """Yield the rest: manifest, padding, index, leaves, seal.

        Raises:
            MisuseError: not all files were given, or it was called before.
        """
        if self._finalized:
            raise MisuseError("the container is finished already")
        if self._current is not None or len(self._done) != len(self.files):
            raise MisuseError("not all declared files were given")
        self._finalized = True
        files = tuple(self._done)
        manifest = encode_manifest(self._plan.manifest._replace(files=files))
        yield from self._message("scelle/1 manifest", (manifest,))
        if self._plan.padding is not None:
            yield from self._message("scelle/1 padding", _zeros(self._plan.padding))
        offset, length = self._plan.manifest_offset, message_length(self._plan.manifest_size)
        yield from self._message("scelle/1 index", (offset.to_bytes(8, "big") + length.to_bytes(8, "big"),))
        leaves = self._blocks.finalize()
        yield leaves
        root, content = root_of_leaves(leaves), content_digest(files)
        self._seal = sign_seal(self._draft._replace(root=root, content=content), self._signer)
        yield self._seal.encode()

    def _in_progress(self) -> _FileInProgress:
        if self._current is None:
            if len(self._done) == len(self.files):
                raise MisuseError("all declared files were given already")
            file = self.files[len(self._done)]
            self._current = _FileInProgress(file, self._encryptor("scelle/1 file", file.id))
        return self._current

    def _encryptor(self, label: str, suffix: bytes = b"") -> Cobblestone256Encryptor:
        return Cobblestone256Encryptor(self._payload_key, message_context(label, self._context, suffix))

    def _message(self, label: str, pieces: Sequence[bytes] | Iterator[bytes]) -> Iterator[bytes]:
        encryptor = self._encryptor(label)
        for piece in pieces:
            yield self._emit(encryptor.update(piece))
        yield self._emit(encryptor.finalize())

    def _emit(self, wire: bytes) -> bytes:
        self._blocks.pass_on(wire)
        return wire


class _FileInProgress:
    def __init__(self, file: FileEntry, encryptor: Cobblestone256Encryptor) -> None:
        self.file = file
        self.encryptor = encryptor
        self.sha256 = hashlib.sha256()
        self.missing = file.size


def _draft_seal(request: SealRequest, signer: SigningKey, payload_length: int) -> tuple[Seal, bytes]:
    """Return the seal without root and content, and the container's key, freshly drawn."""
    key = random_bytes(KEY_LENGTH)
    draft = Seal(
        format=FORMAT,
        container=random_bytes(CONTAINER_ID_LENGTH),
        dossier=request.dossier,
        evidence_type=request.evidence_type,
        supersedes=request.supersedes,
        payload_length=payload_length,
        root=bytes(32),
        content=bytes(32),
        commitment=bytes(32),
        sealed_at=request.sealed_at,
        signer=signer.public_key,
        writers=tuple(request.writers),
        recovery=(),
    )
    if not request.dossier.isascii():
        raise MisuseError("a dossier's id has 1 to 64 letters, digits, dots, hyphens or underscores")
    context = draft.context
    recovery = tuple(
        make_recipient_slot(key, context, recipient)
        for recipient in request.recipients
        if recipient.role == "recovery"
    )
    return draft._replace(commitment=derive_key(key, "scelle/1 commit", context), recovery=recovery), key


def _sign_envelope(request: SealRequest, draft: Seal, key: bytes, signer: SigningKey) -> bytes:
    """Return the first envelope and its signature."""
    context = draft.context
    kdf = new_kdf(request.cost)
    passwords = tuple(make_password_slot(key, context, kdf, access) for access in request.passwords)
    recipients = tuple(
        make_recipient_slot(key, context, recipient)
        for recipient in request.recipients
        if recipient.role != "recovery"
    )
    if not passwords and not recipients:
        raise MisuseError("nobody could open this container: give a recipient or a password")
    data = encode_envelope(Envelope(draft.commitment, 1, kdf, passwords + recipients, signer.public_key))
    return data + signer.sign(data, context=ENVELOPE_CONTEXT)


def _zeros(size: int) -> Iterator[bytes]:
    for _ in range(size // len(_ZEROS)):
        yield _ZEROS
    yield _ZEROS[: size % len(_ZEROS)]
