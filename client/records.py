"""What the profile's files hold, and how it is written: canonical JSON, read back strictly."""

from __future__ import annotations

from typing import Final, NamedTuple

from keys.canonical import Binary, Blob, Choice, Integer, Optional, Record, Sequence, Text
from keys.keyfile import IdentityField, PublicIdentity
from keys.signing import SIGNATURE_LENGTH
from keys.statements import MAX_STATEMENT, Signed

_MANY: Final = 4096


class Current(NamedTuple):
    """The service that commands speak to."""

    url: str


class Pin(NamedTuple):
    """Whom a person decided to trust at one service.

    Attributes:
        url: where the service is.
        origin: what it signs sign-ins and checkpoints for.
        server: its identity.
        authority: the authority's identity; None until one is published and confirmed.
        habilitation: the authority's statement on the server, verified when it was kept.
        recovery: the authority's statement on the recovery key, likewise.
        successions: statements that lead from the authority that was confirmed to the present one.
    """

    url: str
    origin: str
    server: PublicIdentity
    authority: PublicIdentity | None = None
    habilitation: Signed | None = None
    recovery: Signed | None = None
    successions: tuple[Signed, ...] = ()


class Session(NamedTuple):
    """Who is signed in, until when, and by which key file.

    Attributes:
        token: a session's or a service token.
        kind: "session" or "token".
        expires: UTC seconds, 0 where that is not known.
        role: editor, portal, reviewer, admin or auditor.
        identity: path of the key file that signed in, or "".
    """

    token: str
    kind: str
    expires: int
    role: str
    identity: str = ""

    def __repr__(self) -> str:
        return f"Session({self.kind}, {self.role}, <redacted>)"


class Dossier(NamedTuple):
    """Statements about one dossier, as they were fetched: judged anew whenever they are used.

    ``issuers`` are the habilitations, and their withdrawals, of whoever signed the others. ``passwords`` is
    what the service asks of new passwords, signed by nobody, and kept apart: see `Passwords`.
    """

    dossier: str
    keys: tuple[Signed, ...] = ()
    grants: tuple[Signed, ...] = ()
    mandates: tuple[Signed, ...] = ()
    issuers: tuple[Signed, ...] = ()
    passwords: str | None = None


class Passwords(NamedTuple):
    """What a dossier's organisation asks of new passwords, as the service said it last."""

    dossier: str
    policy: str


class Proof(NamedTuple):
    """A container that was fetched or deposited.

    Attributes:
        seal_id: its name.
        evidence: id of the proof at the service.
        number: which version of it.
        dossier: the dossier it belongs to.
        generation: the highest generation of its envelope that was seen.
        receipt: the server's statement, None where it may not be had.
    """

    seal_id: bytes
    evidence: str
    number: int
    dossier: str
    generation: int
    receipt: Signed | None = None


class Checkpoints(NamedTuple):
    """Checkpoints of the journal."""

    items: tuple[Signed, ...]


class Member(NamedTuple):
    """Somebody in a group, as confirmed when the group was made.

    Attributes:
        account: id of its account.
        name: what the service called it then.
        fingerprint: of its keys; whoever has others is not this member.
    """

    account: str
    name: str
    fingerprint: str


class Group(NamedTuple):
    """A list of people under one name, this person's own: no service knows of it."""

    name: str
    members: tuple[Member, ...]


class Groups(NamedTuple):
    """All groups that were made for one service."""

    items: tuple[Group, ...] = ()


_TEXT: Final = Text(maximum=4096)
_SIGNED: Final = Record(Signed, statement=Blob(maximum=MAX_STATEMENT), signature=Binary(SIGNATURE_LENGTH))
_STATEMENTS: Final = Sequence(_SIGNED, maximum=_MANY)

CURRENT: Final = Record(Current, url=_TEXT)
PIN: Final = Record(
    Pin,
    url=_TEXT,
    origin=_TEXT,
    server=IdentityField(),
    authority=Optional(IdentityField()),
    habilitation=Optional(_SIGNED),
    recovery=Optional(_SIGNED),
    successions=_STATEMENTS,
)
SESSION: Final = Record(
    Session, token=_TEXT, kind=Choice("session", "token"), expires=Integer(), role=_TEXT, identity=_TEXT
)
DOSSIER: Final = Record(
    Dossier,
    dossier=_TEXT,
    keys=_STATEMENTS,
    grants=_STATEMENTS,
    mandates=_STATEMENTS,
    issuers=_STATEMENTS,
)
PASSWORDS: Final = Record(Passwords, dossier=_TEXT, policy=_TEXT)
PROOF: Final = Record(
    Proof,
    seal_id=Binary(32),
    evidence=_TEXT,
    number=Integer(minimum=1),
    dossier=_TEXT,
    generation=Integer(minimum=1),
    receipt=Optional(_SIGNED),
)
_MEMBER: Final = Record(Member, account=_TEXT, name=_TEXT, fingerprint=_TEXT)
_GROUP: Final = Record(Group, name=_TEXT, members=Sequence(_MEMBER, maximum=_MANY))
GROUPS: Final = Record(Groups, items=Sequence(_GROUP, maximum=_MANY))
CHECKPOINTS: Final = Record(Checkpoints, items=Sequence(_SIGNED, maximum=_MANY))
