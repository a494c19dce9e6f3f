"""The journal: one canonical entry for every change and every download, and how a list of them is checked.

An entry names who did what to which subjects, never a secret, a password, a file name or free text: values
are ids, digests, numbers and code words. Entries are the leaves of an RFC 6962 tree (`vault.merkle`); whoever
holds an older checkpoint (size and root) notices any entry that was altered, removed or re-ordered since.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from keys.canonical import Integer, Record, Sequence, Text, decode, encode, encode_binary
from keys.errors import KeyMaterialError, MalformedError
from vault.merkle import TreeHasher, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ENTRY_BYTES: Final = 65_536
"""Largest entry that is read; a full one of 64 subjects and 32 facts stays below."""


class Action(StrEnum):
    """What this version writes. A reader takes any code word, so that an older one reads a newer journal."""

    ACCOUNT_CODE_MADE = "account.code_made"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_ENROLLED = "account.enrolled"
    ACCOUNT_HABILITATED = "account.habilitated"
    ACCOUNT_SUCCEEDED = "account.succeeded"
    ACCOUNT_WITHDRAWN = "account.withdrawn"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_WITHDRAWN = "approval.withdrawn"
    AUTHORITY_PUBLISHED = "authority.published"
    AUTHORITY_SUCCEEDED = "authority.succeeded"
    RECOVERY_KEY_PUBLISHED = "authority.recovery_key"
    DEPOSITOR_ADDED = "depositor.added"
    DEPOSITOR_REMOVED = "depositor.removed"
    DEPOSITOR_SUCCEEDED = "depositor.succeeded"
    DOSSIER_CLOSED = "dossier.closed"
    DOSSIER_CREATED = "dossier.created"
    DOSSIER_ERASED = "dossier.erased"
    DOSSIER_KEY_RETIRED = "dossier.key_retired"
    DOSSIER_KEY_ROTATED = "dossier.key_rotated"
    ENVELOPE_REWRITTEN = "envelope.rewritten"
    ENVELOPES_FETCHED = "envelopes.fetched"
    EVIDENCE_ARCHIVED = "evidence.archived"
    EVIDENCE_DEPOSITED = "evidence.deposited"
    EVIDENCE_FETCHED = "evidence.fetched"
    EVIDENCE_OPENED = "evidence.opened"
    EVIDENCE_REENCRYPTED = "evidence.reencrypted"
    EVIDENCE_REPLACED = "evidence.replaced"
    GRANT_ADDED = "grant.added"
    GRANT_FETCHED = "grant.fetched"
    GRANT_REVOKED = "grant.revoked"
    GRANT_REWRAPPED = "grant.rewrapped"
    ORGANISATION_CHANGED = "organisation.changed"
    ORGANISATION_CREATED = "organisation.created"
    ORIGINALS_ERASED = "originals.erased"
    RETENTION_SET = "retention.set"
    SERVER_SUCCEEDED = "server.succeeded"
    SERVER_STARTED = "server.started"
    SESSION_ENDED = "session.ended"
    SESSION_OPENED = "session.opened"
    STATEMENT_PUBLISHED = "statement.published"
    TEMPLATE_FETCHED = "template.fetched"
    TEMPLATE_MADE = "template.made"
    TEMPLATE_REPLACED = "template.replaced"
    TEMPLATE_REWRITTEN = "template.rewritten"
    TEMPLATE_WITHDRAWN = "template.withdrawn"
    TOKEN_CREATED = "token.created"  # noqa: S105 - a code word, not a token
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - a code word, not a token
    TOKEN_ROTATED = "token.rotated"  # noqa: S105 - a code word, not a token


class Fact(StrEnum):
    """Names of what an entry says beside its subjects; a closed list, so that no file name finds a place."""

    ACCOUNT = "account"
    ACT = "act"
    APPROVALS = "approvals"
    CODE = "code"
    COUNT = "count"
    DAYS = "days"
    DIGEST = "digest"
    EDITOR = "editor"
    ENVELOPE_DIGEST = "envelope_digest"
    EVIDENCE_TYPE = "evidence_type"
    FROM = "from"
    GENERATION = "generation"
    KEY = "key"
    KIND = "kind"
    LENGTH = "length"
    OFFSET = "offset"
    ORGANISATION = "organisation"
    OUTCOME = "outcome"
    PART = "part"
    PASSWORDS = "passwords"
    PROCEDURE = "procedure"
    QUOTA = "quota"
    REASON = "reason"
    ROLE = "role"
    ROOT = "root"
    SEAL = "seal"
    SIGNER = "signer"
    SIZE = "size"
    STATEMENT = "statement"
    SUPERSEDED_ENVELOPE = "superseded_envelope"
    SUPERSEDES = "supersedes"
    TO = "to"
    UNTIL = "until"
    VERSION = "version"


class Actor(NamedTuple):
    """Who acted: ``kind`` is account, depositor, code, host, server or nobody; ``id`` as that kind has it."""

    kind: str
    id: str


class Subject(NamedTuple):
    """What was acted on: ``kind`` such as dossier, evidence, account; ``id`` as that kind has it."""

    kind: str
    id: str


class Detail(NamedTuple):
    """One fact of an entry; numbers in decimal, byte strings in base64url."""

    name: str
    value: str


class Entry(NamedTuple):
    """One line of the journal.

    ``position`` counts from 0 without gaps, ``time`` is UTC seconds by the server's clock, ``details`` are
    sorted by name with no name twice, ``request`` is the request's id (empty for an act on the host).
    """

    position: int
    time: int
    actor: Actor
    action: str
    subjects: tuple[Subject, ...]
    details: tuple[Detail, ...]
    request: str


class Checkpoint(NamedTuple):
    """What a signed checkpoint says of a journal: how many entries, and the root over their leaves."""

    size: int
    root: bytes


class JournalError(Exception):
    """The entries are not the journal that the checkpoint stands for; the text names the place."""


_CODE: Final = Text(maximum=64, pattern=r"[a-z][a-z0-9_.-]*")
_ID: Final = Text(maximum=128, pattern=r"[A-Za-z0-9._@+:-]*")
ENTRY: Final = Record(
    Entry,
    position=Integer(),
    time=Integer(),
    actor=Record(Actor, kind=_CODE, id=_ID),
    action=_CODE,
    subjects=Sequence(Record(Subject, kind=_CODE, id=_ID), maximum=64),
    details=Sequence(Record(Detail, name=_CODE, value=_ID), maximum=32),
    request=_ID,
)
"""The codec of an entry: what may stand in it, checked when writing and when reading."""


def details_of(facts: Mapping[Fact, str | int | bytes]) -> tuple[Detail, ...]:
    """Return facts as an entry holds them: sorted by name, numbers in decimal, bytes in base64url."""
    return tuple(Detail(name.value, _spell(facts[name])) for name in sorted(facts))


def _spell(value: str | int | bytes) -> str:
    if isinstance(value, bytes):
        return encode_binary(value)
    return str(value)


def encode_entry(entry: Entry) -> bytes:
    """Return the canonical JSON of ``entry``.

    Raises:
        MalformedError: a value that may not stand in the journal (free text, a path, an unsorted detail).
        LimitError: a value that is too long.
    """
    _check_details(entry)
    return encode(ENTRY, entry)


def decode_entry(data: bytes) -> Entry:
    """Return the entry that ``data`` is the canonical JSON of.

    Raises:
        MalformedError, LimitError: it is not one.
    """
    entry = decode(ENTRY, data, maximum=MAX_ENTRY_BYTES)
    _check_details(entry)
    return entry


def _check_details(entry: Entry) -> None:
    names = [detail.name for detail in entry.details]
    if names != sorted(set(names)):
        raise MalformedError("details: not sorted, or a name twice")


class JournalVerifier:
    """Checks entries one by one in their order, keeping only what the tree needs (`TreeHasher`).

    `add` every entry from the first; after the n-th, ``checkpoint`` is what an honest server would sign for a
    journal of n entries: compare it there with every checkpoint that was ever kept.
    """

    def __init__(self) -> None:
        self._tree = TreeHasher()

    def add(self, data: bytes) -> Entry:
        """Take the next entry's bytes and return the entry.

        Raises:
            JournalError: not an entry, or not the one that comes next.
        """
        expected = self._tree.size
        try:
            entry = decode_entry(data)
        except KeyMaterialError as error:
            raise JournalError(f"entry {expected}: {error}") from None
        if entry.position != expected:
            raise JournalError(f"entry {expected} is missing: entry {entry.position} stands in its place")
        self._tree.append(leaf_hash(data))
        return entry

    @property
    def checkpoint(self) -> Checkpoint:
        """Size and root over everything added so far."""
        return Checkpoint(self._tree.size, self._tree.root())


def verify_entries(entries: Iterable[bytes], checkpoints: Iterable[Checkpoint]) -> Checkpoint:
    """Return the checkpoint of a whole journal after checking it against all ``checkpoints`` ever kept.

    Args:
        entries: every entry's bytes from the first on.
        checkpoints: at least the latest one, in any order; their signatures are the caller's to check.

    Raises:
        JournalError: an entry is malformed or out of order, or the entries do not give a checkpoint's root,
            or are fewer than a checkpoint counted.
    """
    roots: dict[int, list[bytes]] = {}
    for checkpoint in checkpoints:
        roots.setdefault(checkpoint.size, []).append(checkpoint.root)
    verifier = JournalVerifier()
    _match(verifier.checkpoint, roots)
    for data in entries:
        verifier.add(data)
        _match(verifier.checkpoint, roots)
    reached = verifier.checkpoint
    if roots and max(roots) > reached.size:
        raise JournalError(f"{reached.size} entries, but a checkpoint counted {max(roots)}")
    return reached


def _match(reached: Checkpoint, roots: Mapping[int, list[bytes]]) -> None:
    for root in roots.get(reached.size, ()):
        if not hmac.compare_digest(root, reached.root):
            raise JournalError(f"the first {reached.size} entries are not those of the checkpoint")
