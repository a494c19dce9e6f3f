"""Sealing files into a container on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from client.errors import N_, ClientError
from client.exchange.containers import ContainerFile
from client.exchange.sources import Source, collect, read_head, reading
from client.exchange.targets import AtomicFile, require_free
from client.media import HEAD, allowed_types, check_allowed, recognise
from vault.container.plan import DeclaredFile
from vault.container.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keys.signing import SigningKey
    from vault.container.manifest import FileEntry
    from vault.container.seal import SignedSeal
    from vault.container.sealing import SealRequest

    Advance = Callable[[int], None]
    Begin = Callable[[int], Advance]


class Disagreement(NamedTuple):
    """A file whose extension announces something else than its content is."""

    path: str
    announced: str
    found: str


class Gathered(NamedTuple):
    """Files that were found and recognised, ready to be sealed."""

    sources: tuple[Source, ...]
    declared: tuple[DeclaredFile, ...]
    disagreements: tuple[Disagreement, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(source.size for source in self.sources)


class Sealed(NamedTuple):
    """A container that was written, and proven to be what was meant."""

    seal: SignedSeal
    files: tuple[FileEntry, ...]
    size: int


def gather(locations: Sequence[str], evidence_type: str, *, any_content: bool = False) -> Gathered:
    """Find all files below ``locations`` and recognise what each one is by its content.

    Args:
        locations: files and folders.
        evidence_type: decides which media types are taken.
        any_content: take any media type.

    Raises:
        ClientError: a link, a device, a name or a content that is not taken.
        UsageProblem: there is no such evidence type, or two files would have the same path.
        OSError: something is not there or cannot be read.
    """
    allowed_types(evidence_type)
    sources = collect(locations)
    declared, disagreements = [], []
    for source in sources:
        recognised = recognise(source.path, read_head(source, HEAD))
        if not any_content:
            check_allowed(source.path, recognised, evidence_type)
        if recognised.announced:
            disagreements.append(Disagreement(source.path, recognised.announced, recognised.media_type))
        declared.append(DeclaredFile(source.path, source.size, recognised.media_type, source.modified))
    return Gathered(tuple(sources), tuple(declared), tuple(disagreements))


def seal_files(
    gathered: Gathered,
    output: str,
    request: SealRequest,
    signer: SigningKey,
    *,
    force: bool = False,
    advance: Advance = lambda _count: None,
) -> Sealed:
    """Seal files into a new container; ``output`` appears only when it is whole and checked.

    Args:
        gathered: what `gather` returned.
        output: where the container goes.
        request: everything that it says beside its files.
        signer: who seals.
        force: whether a file of that name may be replaced.
        advance: called with the number of plaintext bytes done since the last call.

    Raises:
        ConflictProblem: something stands at ``output``.
        ClientError: a file changed while it was read.
        MisuseError: no reader would accept such a container.
        OSError: the system refuses.
    """
    require_free(output, force=force)
    sources = {source.path: source for source in gathered.sources}
    with Sealer(request, gathered.declared, signer) as sealer, AtomicFile(output, force=force) as target:
        target.write(sealer.header)
        for entry in sealer.files:
            seal_source(sources[entry.path], sealer, target, advance)
        for piece in sealer.finalize():
            target.write(piece)
        check_written(target, sealer)
        target.commit()
        return Sealed(sealer.seal, sealer.sealed_files, sealer.length)


def seal_source(source: Source, sealer: Sealer, target: AtomicFile, advance: Advance) -> None:
    """Seal the bytes of one file, which must be the sealer's next.

    Raises:
        ClientError: it changed while it was read.
        OSError: the system refuses.
    """
    with reading(source) as file:
        missing = source.size
        while missing and (count := file.readinto(room := sealer.room()[:missing])):
            target.write(sealer.update(room[:count]))
            missing -= count
            advance(count)
    # Whoever left that block has read the whole file.
    target.write(sealer.end_file())


def check_written(target: AtomicFile, sealer: Sealer) -> None:
    """Read back what was written, without a key, before it may get its name.

    Raises:
        ClientError: the disk does not hold what was sealed.
    """
    with ContainerFile(target.path, os.dup(target.file.fileno())) as written:
        if written.examine().seal.json != sealer.seal.json:
            raise ClientError(N_("{path}: the disk gave back something else; try another"), path=target.path)
