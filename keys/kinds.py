"""The kinds of statement: what each says, and how it is written. Source: docs/FORMAT.md, "Statements".

Every kind begins with ``issuer`` (signing public key, 1984 bytes) and the dates ``issued``, ``valid_from``,
``valid_until`` (``from`` and ``until`` in JSON): UTC seconds, an ``until`` of 0 is no end.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, get_args

from keys import recipients, signing
from keys.canonical import Binary, Choice, Constant, Flag, Integer, Record, Sequence, Text
from keys.derivation import KEY_ID_LENGTH
from keys.errors import MalformedError, WrongUseError
from keys.keyfile import IdentityField, PublicIdentity, Use

MAX_WRITERS: Final = 8

Role: TypeAlias = Literal["reviewer", "portal", "admin", "server"]
ROLE_USES: Final[dict[Role, Use]] = {
    "reviewer": Use.PERSON,
    "admin": Use.PERSON,
    "portal": Use.SERVICE,
    "server": Use.SERVICE,
}
"""The use that a key must be made for to be habilitated in a role."""

Reason: TypeAlias = Literal["compromised", "left", "replaced", "mistake", "other"]
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
)
S = TypeVar("S", bound=Statement)

MOMENTARY: Final = (Withdrawal, Succession, Opening, Receipt, Checkpoint, Erasure)
"""Kinds that say what happened at ``issued``; they do not run out. The others stand for a while."""

_NAME: Final = Text(maximum=256, pattern=r"\S(?:.*\S)?")
_ID: Final = Binary(KEY_ID_LENGTH)
_OPTIONAL_ID: Final = Binary(KEY_ID_LENGTH, optional=True)
_DOSSIER: Final = Text(maximum=64, pattern=r"[A-Za-z0-9._-]{1,64}")
_EVIDENCE_TYPE: Final = Text(maximum=64, pattern=r"[a-z0-9._-]{1,64}")
_GENERATION: Final = Integer(minimum=1)
_KEM_KEY: Final = Binary(recipients.PUBLIC_KEY_LENGTH)


def _record(kind: type[S], name: str, **fields: Any) -> Record[S]:
    return Record(
        kind,
        {"from": "valid_from", "until": "valid_until"},
        kind=Constant(name),
        issuer=Binary(signing.PUBLIC_KEY_LENGTH),
        issued=Integer(),
        **{"from": Integer(), "until": Integer()},
        **fields,
    )


CODECS: Final[dict[type[Any], Record[Any]]] = {
    record.kind: record
    for record in (
        _record(
            Habilitation,
            "habilitation",
            subject=IdentityField(),
            role=Choice(*get_args(Role)),
            organisation=_NAME,
            scope=Sequence(_NAME, maximum=64),
        ),
        _record(RecoveryKey, "recovery key", public_key=_KEM_KEY),
        _record(Withdrawal, "withdrawal", withdrawn=_ID, reason=Choice(*get_args(Reason))),
        _record(
            Mandate,
            "mandate",
            dossier=_DOSSIER,
            signer=_ID,
            evidence_types=Sequence(_EVIDENCE_TYPE, minimum=1, maximum=64),
            may_replace=Flag(),
        ),
        _record(
            DossierKey,
            "dossier key",
            dossier=_DOSSIER,
            generation=_GENERATION,
            public_key=_KEM_KEY,
            previous=_OPTIONAL_ID,
            writers=Sequence(_ID, minimum=1, maximum=MAX_WRITERS),
        ),
        _record(
            Grant,
            "grant",
            dossier=_DOSSIER,
            generation=_GENERATION,
            grantee=_ID,
            wrapped=Binary(recipients.WRAPPED_LENGTH),
        ),
        _record(Succession, "succession", old=IdentityField(), new=IdentityField()),
        _record(Opening, "opening", seal_id=_ID, outcome=Choice(*get_args(OpeningOutcome))),
        _record(
            Receipt,
            "receipt",
            proof=_NAME,
            organisation=_NAME,
            dossier=_DOSSIER,
            evidence_type=_EVIDENCE_TYPE,
            seal_id=_ID,
            envelope_digest=_ID,
            generation=_GENERATION,
            size=Integer(minimum=1),
            signer=_ID,
            actor=_NAME,
            supersedes=_OPTIONAL_ID,
            journal_position=Integer(),
            journal_leaf=_ID,
        ),
        _record(Checkpoint, "checkpoint", origin=_NAME, size=Integer(), root=_ID),
        _record(
            Erasure,
            "erasure",
            organisation=_NAME,
            dossier=_DOSSIER,
            actor=_NAME,
            closed=Integer(),
            versions=Integer(),
            root=_ID,
            grants=Integer(),
            templates=Integer(),
            journal_position=Integer(),
            journal_leaf=_ID,
        ),
    )
}

KINDS: Final[dict[str, type[Any]]] = {kind._field_defaults["kind"]: kind for kind in CODECS}


def check_statement(statement: Statement) -> None:
    """Refuse what no field forbids by itself.

    Raises:
        MalformedError: fields that contradict each other, or no public keys.
        WrongUseError: a habilitated key made for something else than the role needs.
    """
    if isinstance(statement, MOMENTARY):
        if statement.valid_from != statement.issued or statement.valid_until:
            raise MalformedError(f"a {statement.kind} is about one moment: from equals issued, until is 0")
    elif statement.valid_until and statement.valid_until < statement.valid_from:
        raise MalformedError("until is before from")
    if isinstance(statement, Habilitation):
        _check_habilitation(statement)
    elif isinstance(statement, DossierKey):
        if (statement.generation == 1) != (not statement.previous):
            raise MalformedError("generation 1, and no other, has no previous key")
        recipients.Recipient(statement.public_key)
    elif isinstance(statement, RecoveryKey):
        recipients.Recipient(statement.public_key)
    elif isinstance(statement, Succession):
        _check_succession(statement)


def _check_habilitation(statement: Habilitation) -> None:
    needed = ROLE_USES[statement.role]
    if statement.subject.use is not needed:
        raise WrongUseError(
            f"the role {statement.role} needs a key made for the use {needed.name.lower()}, "
            f"this one is for {statement.subject.use.name.lower()}; make one with scelle keygen"
        )


def _check_succession(statement: Succession) -> None:
    if statement.old.signing != statement.issuer:
        raise MalformedError("a succession is issued by the old key")
    if statement.old.use is not statement.new.use:
        raise MalformedError("the new key is made for another use than the old one")
    if statement.new.signing == statement.old.signing:
        raise MalformedError("the new key is the old one")
