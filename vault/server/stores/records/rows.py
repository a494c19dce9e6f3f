"""What the records hold, row by row. A field has its column's name; all times are UTC seconds.

A row's ``position`` is the position of the journal entry that it was created with. Names of keys, seals,
statements and digests are 32 bytes; ids of everything else are 32 hexadecimal digits, a dossier's is its own.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """Part of a list; ``next`` is the cursor of the following part, None on the last."""

    items: tuple[T, ...]
    next: str | None


class Organisation(NamedTuple):
    """A tenant. ``used_bytes`` counts what its dossiers store, whole containers."""

    id: str
    name: str
    quota_bytes: int
    max_container_bytes: int
    passwords: str
    used_bytes: int
    position: int
    created_at: int


class Account(NamedTuple):
    """A person or a program. Keys are None until it enrolled; the code is kept as a hash until it is used.

    ``kem_public`` has 1665 bytes, ``signing_public`` 1984.
    """

    id: str
    organisation_id: str | None
    role: str
    name: str
    kem_public: bytes | None
    signing_public: bytes | None
    kem_key_id: bytes | None
    signing_key_id: bytes | None
    enrolment_hash: bytes | None
    enrolment_until: int | None
    disabled_at: int | None
    position: int
    created_at: int


class Token(NamedTuple):
    """A token, as the SHA-256 of its secret."""

    id: str
    account_id: str
    secret_hash: bytes
    label: str
    read_only: bool
    expires_at: int
    revoked_at: int | None
    replaced_by: str | None
    position: int
    created_at: int


class Session(NamedTuple):
    """A signed-in key: an account's, or a depositor's (then ``account_id`` is None)."""

    id: str
    account_id: str | None
    signing_key_id: bytes
    secret_hash: bytes
    expires_at: int
    ended_at: int | None
    position: int
    created_at: int


class StoredStatement(NamedTuple):
    """A signed statement, believed by nobody for being here.

    ``id`` is `keys.statements.Signed.id`; ``subject`` the key id that it speaks of, where there is one;
    ``valid_until`` 0 is no end; ``withdrawn_at`` is when the withdrawal was issued.
    """

    id: bytes
    kind: str
    statement: bytes
    signature: bytes
    issuer: bytes
    subject: bytes | None
    dossier_id: str | None
    generation: int | None
    issued_at: int
    valid_from: int
    valid_until: int
    withdrawn_by: bytes | None
    withdrawn_at: int | None
    position: int
    created_at: int


class Dossier(NamedTuple):
    """What belongs to one product's démarche; ``generation`` is that of the current dossier key.

    Once it is erased, nothing that opens it is kept.
    """

    id: str
    organisation_id: str
    procedure: str
    product: str
    product_version: str
    opened_by: str
    generation: int
    closed_at: int | None
    position: int
    created_at: int
    erased_at: int | None = None


class Depositor(NamedTuple):
    """A signing key (1984 bytes) with a mandate for a dossier; what it may is said by the mandate alone."""

    id: str
    dossier_id: str
    signing_key_id: bytes
    signing_public: bytes
    mandate_id: bytes
    label: str
    removed_at: int | None
    position: int
    created_at: int


class Grant(NamedTuple):
    """A dossier key's seed, wrapped to ``grantee`` (key id of a KEM key) by the statement."""

    id: str
    dossier_id: str
    generation: int
    grantee: bytes
    account_id: str | None
    statement_id: bytes
    revoked_at: int | None
    position: int
    created_at: int


class Template(NamedTuple):
    """A template without its bytes; the code in its link is kept as a hash."""

    id: str
    dossier_id: str
    signer: bytes
    signing_public: bytes
    seal_id: bytes
    generation: int
    envelope_digest: bytes
    size: int
    code_hash: bytes
    expires_at: int
    withdrawn_at: int | None
    position: int
    created_at: int


class TemplateParts(NamedTuple):
    """A template's bytes: preamble and envelope, then the rest."""

    template_id: str
    head: bytes
    body: bytes


class Proof(NamedTuple):
    """A proof: what its versions are versions of. ``seal_id`` is the newest version's, its tag."""

    id: str
    dossier_id: str
    evidence_type: str
    state: str
    seal_id: bytes
    version: int
    position: int
    created_at: int


class Version(NamedTuple):
    """One deposited container, without its bytes.

    ``generation`` is the envelope's, ``dossier_generation`` that of the dossier key which it is sealed to;
    ``head_size`` is the length of preamble and envelope, ``body_size`` that of the object ``body_key``;
    ``actor`` is who deposited, as the receipt says. ``position`` and ``created_at`` are the deposit's. From
    ``erased_at`` on it has no envelope, and its row names no object; ``removed_at``: that is gone as well.

    What was re-encrypted leaves its ``number``, ``state`` and ``place`` (the position of the deposit) to what
    re-encrypts it; its own number is below 0 then. Of that, ``sealer`` is who signed the seal, and ``signer``
    goes on saying whose deposit it is. Of all others ``sealer`` is None.
    """

    seal_id: bytes
    proof_id: str
    number: int
    dossier_id: str
    evidence_type: str
    state: str
    signer: bytes
    actor: str
    supersedes: bytes | None
    sealed_at: int
    generation: int
    envelope_digest: bytes
    dossier_generation: int
    head_size: int
    body_key: str
    body_size: int
    archived_at: int | None
    opened_at: int | None
    complained_at: int | None
    position: int
    created_at: int
    erased_at: int | None = None
    removed_at: int | None = None
    place: int = 0
    sealer: bytes | None = None

    @property
    def sealed_by(self) -> bytes:
        """Key id of the seal's signer."""
        return self.sealer or self.signer

    @property
    def stands(self) -> bool:
        """Whether nothing that re-encrypts it has its place."""
        return self.number > 0


class Total(NamedTuple):
    """How many versions there are, and how many bytes their bodies have together."""

    versions: int
    body_bytes: int


class Sizes(NamedTuple):
    """How many versions, and how many bytes their envelopes and their bodies have together."""

    versions: int
    head_bytes: int
    body_bytes: int


class Opening(NamedTuple):
    """What a reviewer found: ``outcome`` is "opened" or the outcome that stood in the way."""

    id: str
    seal_id: bytes
    account_id: str
    outcome: str
    statement_id: bytes
    position: int
    created_at: int


class SignedBytes(NamedTuple):
    """A signed statement as it travels, such as a receipt."""

    statement: bytes
    signature: bytes


class JournalEntry(NamedTuple):
    """A stored entry: the canonical bytes and the leaf over them."""

    position: int
    entry: bytes
    leaf: bytes


class Challenge(NamedTuple):
    """What was handed out to be signed once: ``purpose`` tells signing in from enrolling."""

    id: str
    purpose: str
    challenge: bytes
    key_id: bytes
    expires_at: int


class FailureWindow(NamedTuple):
    """How many failures a source had in a window of time, and when that ends."""

    failures: int
    ends_at: int


class Remembered(NamedTuple):
    """The answer to an earlier request with the same idempotency key; ``answer`` None where it was secret."""

    request_digest: bytes
    status: int
    answer: bytes | None


class IdempotencyKey(NamedTuple):
    """What a remembered answer is found by: the actor's own key (as SHA-256) on one route."""

    actor: str
    route: str
    key_hash: bytes


class Upload(NamedTuple):
    """A deposit that arrives in parts.

    ``head`` is preamble and envelope of ``generation``; the object ``trailer_key`` holds leaves and seal, in
    ``trailer_size`` bytes. ``staged`` is the store's name for the body while parts are missing, ``body_key``
    the published object. ``size`` is that of the whole container, ``original`` the seal that it re-encrypts.
    """

    id: str
    dossier_id: str
    proof_id: str | None
    seal_id: bytes
    signer: bytes
    evidence_type: str
    state: str
    generation: int
    head: bytes
    trailer_key: str
    trailer_size: int
    staged: str
    body_key: str | None
    payload_length: int
    part_size: int
    size: int
    created_at: int
    expires_at: int
    original: bytes | None = None


class UploadObjects(NamedTuple):
    """What the store keeps for a session, as in `Upload`."""

    id: str
    trailer_key: str
    staged: str


class DueLock(NamedTuple):
    """An archived version whose body the object store has to keep from being removed.

    Attributes:
        seal_id: its seal.
        proof_id: of which proof.
        number: which version of it.
        body_key: what is kept.
        until: UTC seconds.
    """

    seal_id: bytes
    proof_id: str
    number: int
    body_key: str
    until: int
