"""The kinds of statement: what each says; how it is written stands in ``forms``.

Source: docs/FORMAT.md, "Statements".

Every kind begins with ``issuer`` (signing public key, 1984 bytes) and the dates ``issued``, ``valid_from``,
``valid_until`` (``from`` and ``until`` in JSON): UTC seconds, an ``until`` of 0 is no end.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias, TypeVar

from keys.keyfile import PublicIdentity, Use

MAX_WRITERS: Final = 8
MAX_ENDED: Final = 64
"""Keys that a rotation names; a statement has room for some hundred more."""
MAX_APPROVAL: Final = 604_800
"""Seconds for which an approval counts at most, seven days: what was agreed on is done soon."""

Role: TypeAlias = Literal["reviewer", "portal", "admin", "server"]
ROLE_USES: Final[dict[Role, Use]] = {
    "reviewer": Use.PERSON,
    "admin": Use.PERSON,
    "portal": Use.SERVICE,
    "server": Use.SERVICE,
}
"""The use that a key must be made for to be habilitated in a role."""

Reason: TypeAlias = Literal["compromised", "left", "replaced", "mistake", "other"]
ApprovedAct: TypeAlias = Literal["erase", "authority", "reencrypt"]
OpeningOutcome: TypeAlias = Literal[
    "opened",
    "malformed",
    "unsupported_version",
    "limit_exceeded",
    "seal_invalid",
    "envelope_tampered",
    "envelope_stale",
    "payload_damaged",
    "wrong_dossier",
    "unknown_signer",
    "no_access",
    "unsafe_path",
]


class Habilitation(NamedTuple):
    """The authority: this identity may act in this role, for this organisation, in these démarches."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    subject: PublicIdentity
    role: Role
    organisation: str
    scope: tuple[str, ...]
    """Démarches; none means all."""
    kind: Literal["habilitation"] = "habilitation"


class RecoveryKey(NamedTuple):
    """The authority: seals carry a slot for this KEM key (1665 bytes)."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    public_key: bytes
    kind: Literal["recovery key"] = "recovery key"


class Withdrawal(NamedTuple):
    """From ``issued`` on, the statement with this id (see `Signed.id`) counts no more."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    withdrawn: bytes
    reason: Reason
    kind: Literal["withdrawal"] = "withdrawal"


class Mandate(NamedTuple):
    """This key may seal evidence of these types for this dossier, and replace what is there if it may."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    dossier: str
    signer: bytes
    """Key id of the signing key, 32 bytes."""
    evidence_types: tuple[str, ...]
    may_replace: bool
    kind: Literal["mandate"] = "mandate"


class DossierKey(NamedTuple):
    """Containers of this dossier are sealed to this KEM key (1665 bytes) from this generation on."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    dossier: str
    generation: int
    public_key: bytes
    previous: bytes
    """Key id of the generation before, 32 bytes; empty for generation 1."""
    writers: tuple[bytes, ...]
    """Key ids that seals must list among their writers."""
    kind: Literal["dossier key"] = "dossier key"


class Grant(NamedTuple):
    """The seed of a dossier key, wrapped to one identity."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    dossier: str
    generation: int
    grantee: bytes
    """Key id of the grantee's KEM key, 32 bytes."""
    wrapped: bytes
    kind: Literal["grant"] = "grant"


class Succession(NamedTuple):
    """The old key: from ``issued`` on the new identity stands in the old one's place."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    old: PublicIdentity
    new: PublicIdentity
    kind: Literal["succession"] = "succession"


class Opening(NamedTuple):
    """A reviewer: I opened the container with this seal id, or met this outcome (a complaint)."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    seal_id: bytes
    outcome: OpeningOutcome
    kind: Literal["opening"] = "opening"


class Receipt(NamedTuple):
    """The server: this was deposited, stands at this place in the journal, and is stored whole."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    proof: str
    organisation: str
    dossier: str
    evidence_type: str
    seal_id: bytes
    envelope_digest: bytes
    generation: int
    """Generation of the envelope."""
    size: int
    """Length of the container in bytes."""
    signer: bytes
    """Key id of the seal's signer, 32 bytes."""
    actor: str
    """Who deposited it."""
    supersedes: bytes
    """Seal id, or empty."""
    journal_position: int
    journal_leaf: bytes
    kind: Literal["receipt"] = "receipt"


class Checkpoint(NamedTuple):
    """The server: the journal of this origin has this many entries and this tree hash."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    origin: str
    size: int
    root: bytes
    kind: Literal["checkpoint"] = "checkpoint"


class Erasure(NamedTuple):
    """The server: what opened this dossier was destroyed, and of these versions their seals alone are kept.

    They are the lines of a certificate: so many, with this tree hash.
    """

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    organisation: str
    dossier: str
    actor: str
    """Who erased it."""
    closed: int
    """When the dossier was closed, UTC seconds."""
    versions: int
    root: bytes
    grants: int
    """Wrapped dossier keys that were destroyed."""
    templates: int
    """Templates that were destroyed, those that were withdrawn before left out."""
    journal_position: int
    journal_leaf: bytes
    kind: Literal["erasure"] = "erasure"


class Rotation(NamedTuple):
    """The server: keys of this dossier have ended, and no envelope or seal that it holds has a slot for one.

    What it holds are the lines of a certificate: so many containers, with this tree hash.
    """

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    organisation: str
    dossier: str
    actor: str
    """Who ended them."""
    ended: int
    """Generation of the newest key that has ended."""
    keys: tuple[bytes, ...]
    """Key ids of that generation and of those before it, the newest first, `MAX_ENDED` at most."""
    generation: int
    """Of the dossier's key."""
    key: bytes
    """Its key id, 32 bytes."""
    containers: int
    root: bytes
    journal_position: int
    journal_leaf: bytes
    kind: Literal["rotation"] = "rotation"


class Approval(NamedTuple):
    """An admin: I agree that this act is done, as it was shown to me, until ``valid_until`` at the latest."""

    issuer: bytes
    issued: int
    valid_from: int
    valid_until: int
    service: str
    """The origin of the service where it is done."""
    act: ApprovedAct
    subject: str
    """To whom it is done: a dossier's id, or the key id of the authority's present signing key as text."""
    digest: bytes
    """How, 32 bytes: root of the erasure; id of the next identity; key id of the dossier's key."""
    kind: Literal["approval"] = "approval"


Statement: TypeAlias = (
    Habilitation
    | RecoveryKey
    | Withdrawal
    | Mandate
    | DossierKey
    | Grant
    | Succession
    | Opening
    | Receipt
    | Checkpoint
    | Erasure
    | Rotation
    | Approval
)
S = TypeVar("S", bound=Statement)

MOMENTARY: Final = (Withdrawal, Succession, Opening, Receipt, Checkpoint, Erasure, Rotation)
"""Kinds that say what happened at ``issued``; they do not run out. The others stand for a while."""
