"""Opening a container on disk: who may, what is in it, and taking it out."""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from client.errors import N_, NotFoundProblem, UsageProblem
from client.exchange.containers import ContainerFile
from client.exchange.folders import Extraction
from client.refusals import refusing
from vault.container.body import Body, examine_body
from vault.container.examine import NOTHING_EXPECTED, Examined, Expectations, Headed, Sealed
from vault.container.opening import Opened, open_container
from vault.container.outcomes import ContainerError, Outcome
from vault.container.steps import FileFinished, FileStarted, Plaintext
from vault.container.unlocking import Unlocked, unlock, unlock_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import FileIO

    from keys.unwrapping import DecapsulationKey
    from vault.container.manifest import FileEntry
    from vault.container.slots import PasswordAccess

    Advance = Callable[[int], None]


S = TypeVar("S", bound=Sealed)


class Access(NamedTuple):
    """What somebody has to open containers with: private keys, and a user name with a password.

    Keys are tried first, unless ``password_first`` is set; what was not needed is not asked for. ``recall``
    tells what is remembered of a container that was fetched: it refuses one that is older than what was seen,
    and returns what gives the keys that were kept for it.
    """

    keys: Callable[[], Sequence[DecapsulationKey]]
    password: Callable[[], PasswordAccess] | None = None
    password_first: bool = False
    recall: Callable[[Headed], Callable[[], Sequence[DecapsulationKey]]] | None = None

    def unlock(self, examined: Headed) -> Unlocked:
        """Return the container's key.

        Raises:
            ContainerError: no_access, envelope_tampered, envelope_stale or limit_exceeded.
        """
        remembered = self.recall(examined) if self.recall is not None else list
        refusal = ContainerError(Outcome.NO_ACCESS, "nothing at hand opens this container")
        for candidate in self._candidates(examined, remembered):
            try:
                return unlock(examined, candidate)
            except ContainerError as error:
                if error.outcome is not Outcome.NO_ACCESS:
                    raise
                refusal = error
        raise refusal

    def _candidates(
        self, examined: Headed, remembered: Callable[[], Sequence[DecapsulationKey]]
    ) -> Iterator[DecapsulationKey | PasswordAccess]:
        ask = self.password if examined.envelope.envelope.password_slots else None
        if ask is not None and self.password_first:
            yield ask()
        yield from self.keys()
        yield from remembered()
        if ask is not None and not self.password_first:
            yield ask()


class OpenFiles(Generic[S]):
    """A container, or the body of one, whose manifest was read and checked."""

    def __init__(self, file: ContainerFile, unlocked: Unlocked, opened: Opened[S]) -> None:
        self.file = file
        self.unlocked = unlocked
        self.opened = opened

    def select(self, paths: Sequence[str]) -> list[FileEntry] | None:
        """Return the files of these paths, folders with all that is in them; None (all) without paths.

        Raises:
            NotFoundProblem: the container has no such path.
        """
        if not paths:
            return None
        chosen: dict[str, FileEntry] = {}
        for path in paths:
            wanted = unicodedata.normalize("NFC", path).rstrip("/")
            found = [
                file
                for file in self.opened.manifest.files
                if f"{unicodedata.normalize('NFC', file.path)}/".startswith(f"{wanted}/")
            ]
            if not found:
                raise NotFoundProblem(
                    N_("{container}: there is no {path} in it; see what is there with scelle list"),
                    container=self.file.path,
                    path=path,
                )
            chosen.update((file.path, file) for file in found)
        return list(chosen.values())

    def find(self, path: str) -> FileEntry:
        """Return the one file of this path.

        Raises:
            NotFoundProblem: the container has no such path.
            UsageProblem: it is a folder.
        """
        wanted = unicodedata.normalize("NFC", path)
        for file in self.select([path]) or ():
            if unicodedata.normalize("NFC", file.path) == wanted:
                return file
        raise UsageProblem(N_("{path}: this is a folder; name one file in it"), path=path)

    def extract(
        self, folder: str, paths: Sequence[str] = (), *, force: bool = False, advance: Advance
    ) -> list[FileEntry]:
        """Take files out into ``folder``: all of them appear, each proven, or none.

        Args:
            folder: the target; made if it is not there.
            paths: files and folders of the container; all of it by default.
            force: whether files that are there may be replaced.
            advance: called with the number of bytes done since the last call.

        Raises:
            RefusedContainer: payload_damaged or malformed.
            NotFoundProblem: the container has no such path.
            ConflictProblem: something stands in the way.
            OSError: the system refuses.
        """
        files = self.select(paths)
        chosen = list(self.opened.manifest.files) if files is None else files
        with Extraction(folder, [file.path for file in chosen], force=force) as extraction:
            output: FileIO | None = None
            try:
                for event in self.file.events(self.opened.read_files(files)):
                    match event:
                        case FileStarted(file):
                            output = extraction.create(file.path)
                        case Plaintext(data):
                            assert output is not None
                            _write_all(output, data)
                            advance(len(data))
                        case FileFinished():
                            assert output is not None
                            output.close()
            finally:
                if output is not None:
                    output.close()
            extraction.commit()
        return chosen

    def contents(self, file: FileEntry) -> Iterator[bytes | memoryview]:
        """Yield the authentic bytes of one file; that it is whole is known only when the last one came.

        A view is of memory that the next step uses again.

        Raises:
            RefusedContainer: payload_damaged or malformed.
        """
        for event in self.file.events(self.opened.read_files([file])):
            if isinstance(event, Plaintext):
                yield event.data


class OpenContainer(OpenFiles[Examined]):
    """A whole container, its list of accesses included."""

    @property
    def examined(self) -> Examined:
        """What can be known without a key."""
        return self.opened.examined


@contextmanager
def open_file(
    path: str, access: Access, expected: Expectations = NOTHING_EXPECTED
) -> Iterator[OpenContainer]:
    """Open the container at ``path``: examine it, unlock it, read its manifest.

    Args:
        path: a file, or "-" for stdin.
        access: who opens it; asked only once the container was examined, so that nobody types in vain.
        expected: what the caller knows already.

    Raises:
        RefusedContainer: any outcome.
        OSError: it is not there or cannot be read.
    """
    with ContainerFile.open(path) as file:
        examined = file.examine(expected)
        with refusing(path):
            unlocked = access.unlock(examined)
        opened = file.run(open_container(examined, unlocked))
        yield OpenContainer(file, unlocked, opened)


@contextmanager
def open_body(
    path: str, key: Callable[[], DecapsulationKey], expected: Expectations = NOTHING_EXPECTED
) -> Iterator[OpenFiles[Body]]:
    """Open the body that the file at ``path`` ends with, by the recovery key; no envelope is read.

    Args:
        path: a container, whole or with its beginning damaged, or a body; "-" for stdin.
        key: called once the seal was verified.
        expected: what the caller knows already.

    Raises:
        RefusedContainer: any outcome but those of envelopes.
        OSError: it is not there or cannot be read.
    """
    with ContainerFile.open(path) as file:
        body = file.run(examine_body(file.size, expected))
        private = key()
        with refusing(path):
            unlocked = unlock_body(body.seal.seal, private)
        yield OpenFiles(file, unlocked, file.run(open_container(body, unlocked)))


def _write_all(output: FileIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[output.write(view) :]
