"""Certificates: a signed statement, and the lines that it counts and binds by their tree hash.

Source: docs/FORMAT.md, "Certificates". Bytes in, bytes out; whether whoever signed may say it is judged by
`keys.trust`.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from keys.canonical import Binary, Integer, Record, Sequence, Text, decode, encode
from keys.errors import KeyMaterialError
from keys.statements import MAX_CARRIED, decode_signed, encode_signed
from vault.merkle import TreeHasher, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keys.statements import Signed

MAX_LINE: Final = 4096
"""Largest line in bytes, its end left out; the longest real one has less than 1 KiB."""

MAX_RECOVERY: Final = 8
"""Recovery slots that a seal may have."""

END: Final = b"\n"

L = TypeVar("L", bound=tuple[Any, ...])


class CertificateError(Exception):
    """The text is no certificate, or not what its statement says; the text names the line."""


class ErasedVersion(NamedTuple):
    """One line of an erasure.

    Attributes:
        proof: the service's name of the proof.
        number: of the version, from 1.
        evidence_type: as in the seal.
        seal_id: 32 bytes.
        root: tree hash of the payload, as in the seal; empty where the seal was lost.
        envelope: digest of the last envelope, 32 bytes.
        size: of the whole container in bytes.
        held: UTC seconds until which the store was asked before not to remove the body; 0: it was not.
    """

    proof: str
    number: int
    evidence_type: str
    seal_id: bytes
    root: bytes
    envelope: bytes
    size: int
    held: int


class RotatedContainer(NamedTuple):
    """One line of a rotation: a container that has no slot for any of the keys that have ended.

    Attributes:
        seal_id: 32 bytes.
        proof: the service's name of the proof.
        evidence_type: as in the seal.
        envelope: digest of the envelope at that moment, 32 bytes.
        generation: of the envelope.
        key: generation of the dossier key that it is sealed to.
        recovery: key ids of the recovery keys that the seal has slots for: these keep opening it.
    """

    seal_id: bytes
    proof: str
    evidence_type: str
    envelope: bytes
    generation: int
    key: int
    recovery: tuple[bytes, ...]


_NAME: Final = Text(maximum=256, pattern=r"\S(?:.*\S)?")
_DIGEST: Final = Binary(32)
_EVIDENCE_TYPE: Final = Text(maximum=64, pattern=r"[a-z0-9._-]{1,64}")

ERASED_VERSION: Final = Record(
    ErasedVersion,
    proof=_NAME,
    number=Integer(minimum=1),
    evidence_type=_EVIDENCE_TYPE,
    seal_id=_DIGEST,
    root=Binary(32, optional=True),
    envelope=_DIGEST,
    size=Integer(minimum=1),
    held=Integer(),
)

ROTATED_CONTAINER: Final = Record(
    RotatedContainer,
    seal_id=_DIGEST,
    proof=_NAME,
    evidence_type=_EVIDENCE_TYPE,
    envelope=_DIGEST,
    generation=Integer(minimum=1),
    key=Integer(minimum=1),
    recovery=Sequence(_DIGEST, maximum=MAX_RECOVERY),
)

LINES: Final[dict[str, Record[Any]]] = {"erasure": ERASED_VERSION, "rotation": ROTATED_CONTAINER}
"""What the lines of a certificate are, by the kind of its statement."""


class LineTree(Generic[L]):
    """Takes lines one by one and keeps what their tree needs: a few digests."""

    def __init__(self, codec: Record[L]) -> None:
        """Expect lines that ``codec`` reads, such as one of `LINES`."""
        self._codec = codec
        self._tree = TreeHasher()

    @property
    def count(self) -> int:
        """How many lines there were."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """The tree hash over them, 32 bytes."""
        return self._tree.root()

    def write(self, line: L) -> bytes:
        """Add a line and return its bytes, without their end.

        Raises:
            MalformedError, LimitError: what may not stand there.
        """
        data = encode(self._codec, line)
        self._tree.append(leaf_hash(data))
        return data

    def read(self, data: bytes) -> L:
        """Add a line by its bytes and return it.

        Raises:
            CertificateError: it is none.
        """
        try:
            line = decode(self._codec, data, maximum=MAX_LINE)
        except KeyMaterialError as error:
            raise CertificateError(f"line {self.count + 2}: {error}") from None
        self._tree.append(leaf_hash(data))
        return line

    def require(self, *, count: int, root: bytes) -> None:
        """Return if these are all lines, and no others, that a statement speaks of.

        Raises:
            CertificateError: one is missing, changed, added or moved.
        """
        if count != self.count:
            raise CertificateError(f"there are {self.count} lines about {count} things")
        if not hmac.compare_digest(root, self.root):
            raise CertificateError("the lines are not those that were signed")


def write_certificate(signed: Signed, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a certificate: the statement, then the lines as `LineTree.write` made them."""
    yield encode_signed(signed) + END
    for line in lines:
        yield line + END


def split_certificate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a certificate without their ends; memory is a chunk and a line.

    Args:
        chunks: its bytes, cut anywhere.

    Raises:
        CertificateError: a line is too long, or the last one has no end.
    """
    rest, maximum = b"", MAX_CARRIED
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(END)
        for line in (*whole, rest):
            if len(line) > maximum:
                raise CertificateError("a line is longer than any line of a certificate")
        yield from whole
    if rest:
        raise CertificateError("the last line does not end")


def read_statement(line: bytes) -> Signed:
    """Return the statement in a certificate's first line, unjudged.

    Raises:
        CertificateError: there is none.
    """
    try:
        return decode_signed(line)
    except KeyMaterialError as error:
        raise CertificateError(f"line 1: {error}") from None
