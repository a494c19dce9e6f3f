"""Certificates: read, judged line by line, and written. Nothing here needs a service.

What a certificate is about is the kind of its statement: each has its row in `ABOUT`, and its lines their
codec in ``vault.certificates``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client import distrust
from client.distrust import Distrusted
from client.errors import N_, ClientError
from client.exchange.targets import AtomicFile
from keys.errors import Refusal
from keys.statements import Erasure, Rotation
from vault.certificates import (
    LINES,
    CertificateError,
    LineTree,
    read_statement,
    split_certificate,
    write_certificate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from client.trust import Anchor
    from keys.statements import Signed
    from vault.certificates import RotatedContainer

_PIECE: Final = 64 * 1024


class CertificateForged(ClientError):  # noqa: N818 - named like its siblings
    """A certificate has other lines than were signed (exit code 5)."""

    exit_code = 5


class About(NamedTuple):
    """How certificates of one kind are judged.

    Attributes:
        kind: of the statement.
        bound: returns how many lines the statement counts, and their tree hash.
        against: returns what a line has that it may not have, given the statement and the line before; empty
            where nothing speaks against it. Whoever signed may have signed nonsense.
    """

    kind: type[Any]
    bound: Callable[[Any], tuple[int, bytes]]
    against: Callable[[Any, Any, Any], str] = lambda _said, _before, _line: ""


def _against_rotated(said: Rotation, before: RotatedContainer | None, line: RotatedContainer) -> str:
    if before is not None and line.seal_id <= before.seal_id:
        return "the lines do not ascend by seal id"
    if not said.ended < line.key <= said.generation:
        return f"the container is sealed to key {line.key}"
    if not set(line.recovery).isdisjoint(said.keys):
        return "the seal has a slot for a key that has ended"
    return ""


ABOUT: Final[dict[str, About]] = {
    "erasure": About(Erasure, lambda said: (said.versions, said.root)),
    "rotation": About(Rotation, lambda said: (said.containers, said.root), _against_rotated),
}
"""By the kind of the statement."""


class Judge:
    """Takes a certificate's statement, then its lines; nothing counts before `finish`.

    Attributes:
        statement: what was said, by somebody who may say it.
    """

    def __init__(self, signed: Signed, anchor: Anchor) -> None:
        """Judge the statement.

        Raises:
            Distrusted: it is of no kind that certificates have, or does not count.
        """
        about = ABOUT.get(signed.claimed_kind)
        if about is None:
            raise Distrusted(distrust.CERTIFICATE, Refusal.WRONG_KIND)
        self.statement: Any = anchor.certificate(signed, about.kind)
        self._about = about
        self._before: Any = None
        self._tree: LineTree[Any] = LineTree(LINES[self.statement.kind])

    def take(self, line: bytes) -> Any:
        """Return the next line.

        Raises:
            CertificateError: it is none, or says something else than the statement.
        """
        taken = self._tree.read(line)
        if reason := self._about.against(self.statement, self._before, taken):
            raise CertificateError(f"line {self._tree.count + 1}: {reason}")
        self._before = taken
        return taken

    def finish(self) -> None:
        """Return if all lines were taken, and no others.

        Raises:
            CertificateError: one is missing, changed, added or moved.
        """
        count, root = self._about.bound(self.statement)
        self._tree.require(count=count, root=root)


def verify_file(path: str, anchor: Anchor, take: Callable[[Any], None]) -> Any:
    """Return the statement of the certificate in a file, once every line was taken and proven.

    Args:
        path: the file.
        anchor: whom to trust.
        take: called with each line, before it is known that these are all.

    Raises:
        CertificateForged: a line is missing, changed, added or moved, or this is no certificate.
        Distrusted: it was not signed by whom it should be.
        OSError: the file is not there or cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - the path as it was typed
        lines = split_certificate(iter(lambda: file.read(_PIECE), b""))
        try:
            first = next(lines, b"")
            judge = Judge(read_statement(first), anchor)
            for line in lines:
                take(judge.take(line))
            judge.finish()
        except CertificateError as error:
            raise _forged(path, error) from None
    return judge.statement


def write_file(path: str, signed: Signed, lines: Iterable[bytes], *, force: bool) -> None:
    """Write a certificate.

    Raises:
        ConflictProblem: something of that name is there.
    """
    with AtomicFile(path, force=force) as file:
        for piece in write_certificate(signed, lines):
            file.write(piece)
        file.commit()


def checked(signed: Signed, lines: Iterable[bytes], anchor: Anchor) -> Iterator[bytes]:
    """Yield the lines that a service gave, and end well only if they are those that it signed.

    Raises:
        CertificateForged, Distrusted: they are not.
    """
    try:
        judge = Judge(signed, anchor)
        for line in lines:
            judge.take(line)
            yield line
        judge.finish()
    except CertificateError as error:
        raise _forged(str(distrust.CERTIFICATE), error) from None


def _forged(where: str, error: CertificateError) -> CertificateForged:
    return CertificateForged(
        N_("{path}: this is not what was signed, do not rely on it: {reason} [forged]"),
        path=where,
        reason=str(error),
    )
