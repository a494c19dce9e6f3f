"""Adding files to a container, or removing some: a container is sealed once, so it becomes a new one.

The new container has a new id and a new key. Plaintext goes from the old one to the new one in memory only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from client.errors import N_, ConflictProblem
from client.exchange.sealing import Sealed, check_written, seal_source
from client.exchange.targets import AtomicFile
from vault.container.paths import fold
from vault.container.plan import DeclaredFile
from vault.container.sealing import Sealer, SealRequest
from vault.container.steps import FileFinished, Plaintext

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Sequence

    from client.exchange.opening import OpenContainer
    from client.exchange.sealing import Gathered
    from keys.signing import SigningKey
    from vault.container.manifest import FileEntry
    from vault.container.slots import PasswordAccess
    from vault.container.steps import Event

    Advance = Callable[[int], None]


class Change(NamedTuple):
    """What is to be different in the new container.

    Attributes:
        added: files that come, or None.
        removed: files of the old container that go.
        force: whether an added file may take the place of one that has its path.
    """

    added: Gathered | None = None
    removed: Collection[FileEntry] = ()
    force: bool = False


def reseal(
    container: OpenContainer,
    change: Change,
    signer: SigningKey,
    *,
    sealed_at: int,
    passwords: Sequence[PasswordAccess],
    advance: Advance = lambda _count: None,
) -> Sealed:
    """Seal the changed files into a new container and put it in the old one's place.

    Dossier, evidence type, writers, note, ``supersedes`` and all public-key accesses stay as they were.

    Args:
        container: the old one.
        change: what is to be different.
        signer: who seals.
        sealed_at: UTC seconds.
        passwords: password accesses of the new container; those of the old one cannot be carried over.
        advance: called with the number of plaintext bytes done since the last call.

    Raises:
        ConflictProblem: an added file has a path that is taken.
        RefusedContainer: the old container is damaged.
        ClientError: a file, or the container itself, changed meanwhile.
    """
    kept = _keep(container, change)
    old = container.examined.seal.seal
    manifest = container.opened.manifest
    request = SealRequest(
        dossier=old.dossier,
        evidence_type=old.evidence_type,
        sealed_at=sealed_at,
        recipients=manifest.recipients,
        passwords=passwords,
        writers=old.writers,
        supersedes=old.supersedes,
        note=manifest.note,
        cost=container.examined.envelope.envelope.kdf.cost,
    )
    added = {source.path: source for source in change.added.sources} if change.added else {}
    declared = [DeclaredFile(file.path, file.size, file.media_type, file.modified) for file in kept]
    declared.extend(change.added.declared if change.added else ())
    by_path = {file.path: file for file in kept}
    path, mode = container.file.path, container.file.mode
    with (
        Sealer(request, declared, signer) as sealer,
        AtomicFile(path, force=True, mode=mode) as target,
        OldFiles(container, kept) as old_files,
    ):
        target.write(sealer.header)
        for entry in sealer.files:
            if source := added.get(entry.path):
                seal_source(source, sealer, target, advance)
                continue
            for piece in old_files.read(by_path[entry.path]):
                target.write(sealer.update(bytes(piece)))
                advance(len(piece))
            target.write(sealer.end_file())
        for piece in sealer.finalize():
            target.write(piece)
        check_written(target, sealer)
        container.file.require_unchanged()
        target.commit()
        return Sealed(sealer.seal, sealer.sealed_files, sealer.length)


def _keep(container: OpenContainer, change: Change) -> list[FileEntry]:
    """Return the files of the old container that stay."""
    removed = {file.path for file in change.removed}
    taken = {fold(source.path) for source in change.added.sources} if change.added else set()
    kept = []
    for file in container.opened.manifest.files:
        if file.path in removed:
            continue
        if fold(file.path) not in taken:
            kept.append(file)
        elif not change.force:
            raise ConflictProblem(
                N_("{container}: {path} is in it already; add it with --force to replace it"),
                container=container.file.path,
                path=file.path,
            )
    return kept


class OldFiles:
    """The kept files of the old container, read in one pass where their order allows it."""

    def __init__(self, container: OpenContainer, kept: list[FileEntry]) -> None:
        self._container = container
        in_order = sorted(kept, key=lambda file: file.path.encode())
        self._one_pass = in_order == sorted(kept, key=lambda file: file.offset)
        self._events = self._read(in_order) if self._one_pass and in_order else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._events is not None:
            self._events.close()

    def _read(self, files: Sequence[FileEntry]) -> Generator[Event, None, None]:
        return self._container.file.events(self._container.opened.read_files(files))

    def read(self, file: FileEntry) -> Iterator[bytes | memoryview]:
        """Yield the file's bytes (memory that is used again); they end only when the file is proven whole."""
        events = self._events if self._events is not None else self._read([file])
        for event in events:
            if isinstance(event, Plaintext):
                yield event.data
            elif isinstance(event, FileFinished):
                return
