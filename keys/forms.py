"""How each kind of statement is written, and what no field forbids by itself.

Source: docs/FORMAT.md, "Statements".
"""

from __future__ import annotations

import re
from typing import Any, Final, get_args

from keys import recipients, signing
from keys.canonical import Binary, Choice, Constant, Flag, Integer, Record, Sequence, Text
from keys.derivation import KEY_ID_LENGTH
from keys.errors import MalformedError, WrongUseError
from keys.keyfile import IdentityField
from keys.kinds import (
    MAX_APPROVAL,
    MAX_ENDED,
    MAX_WRITERS,
    MOMENTARY,
    ROLE_USES,
    Approval,
    ApprovedAct,
    Checkpoint,
    DossierKey,
    Erasure,
    Grant,
    Habilitation,
    Mandate,
    Opening,
    OpeningOutcome,
    Reason,
    Receipt,
    RecoveryKey,
    Role,
    Rotation,
    S,
    Statement,
    Succession,
    Withdrawal,
)

_NAME: Final = Text(maximum=256, pattern=r"\S(?:.*\S)?")
_ID: Final = Binary(KEY_ID_LENGTH)
_OPTIONAL_ID: Final = Binary(KEY_ID_LENGTH, optional=True)
_DOSSIER: Final = Text(maximum=64, pattern=r"[A-Za-z0-9._-]{1,64}")
_EVIDENCE_TYPE: Final = Text(maximum=64, pattern=r"[a-z0-9._-]{1,64}")
_GENERATION: Final = Integer(minimum=1)
_KEM_KEY: Final = Binary(recipients.PUBLIC_KEY_LENGTH)
_KEY_ID_TEXT: Final = re.compile("[0-9a-f]{64}")


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
        _record(
            Rotation,
            "rotation",
            organisation=_NAME,
            dossier=_DOSSIER,
            actor=_NAME,
            ended=_GENERATION,
            keys=Sequence(_ID, minimum=1, maximum=MAX_ENDED),
            generation=_GENERATION,
            key=_ID,
            containers=Integer(),
            root=_ID,
            journal_position=Integer(),
            journal_leaf=_ID,
        ),
        _record(
            Approval,
            "approval",
            service=_NAME,
            act=Choice(*get_args(ApprovedAct)),
            subject=_DOSSIER,
            digest=_ID,
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
    _check_dates(statement)
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
    elif isinstance(statement, Rotation):
        _check_rotation(statement)
    elif isinstance(statement, Approval):
        _check_approval(statement)


def _check_dates(statement: Statement) -> None:
    if isinstance(statement, MOMENTARY):
        if statement.valid_from != statement.issued or statement.valid_until:
            raise MalformedError(f"a {statement.kind} is about one moment: from equals issued, until is 0")
    elif statement.valid_until and statement.valid_until < statement.valid_from:
        raise MalformedError("until is before from")


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


def _check_rotation(statement: Rotation) -> None:
    if statement.ended >= statement.generation:
        raise MalformedError("a key ends before the dossier's present one")
    if len(statement.keys) != min(statement.ended, MAX_ENDED):
        raise MalformedError(f"a rotation names every key that has ended, or the last {MAX_ENDED}")
    if len({*statement.keys, statement.key}) != len(statement.keys) + 1:
        raise MalformedError("a rotation names a key twice")


def _check_approval(statement: Approval) -> None:
    if not statement.valid_until or statement.valid_until - statement.valid_from > MAX_APPROVAL:
        raise MalformedError(f"an approval ends, and counts for at most {MAX_APPROVAL} seconds")
    if statement.act == "authority" and not _KEY_ID_TEXT.fullmatch(statement.subject):
        raise MalformedError("what is approved of the authority names its key by its id")
