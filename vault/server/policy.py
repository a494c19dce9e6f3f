"""Who may do what. One module, deny by default: a route without a rule here does not start.

A request is judged twice, both times before a byte of its body is read: by role, against the rule alone (403
tells nothing about what exists), then against the facts about what its path names (404 for what one may not
see).
Whatever only the body shows, such as the signer of a container, is judged by the service that reads it.
Nothing here asks a database or a clock: facts in, verdict out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias


class Role(StrEnum):
    """Who can ask. An editor is a signing key with a mandate; all others have accounts."""

    EDITOR = "editor"
    PORTAL = "portal"
    REVIEWER = "reviewer"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Subject(StrEnum):
    """What a route's path names; the facts about it are gathered before the rule is judged."""

    NOTHING = "nothing"
    TOKEN = "token"  # noqa: S105 - the name of a path parameter
    DOSSIER = "dossier"
    EVIDENCE = "evidence"
    VERSION = "version"
    UPLOAD = "upload"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks.

    Attributes:
        role: what it is.
        account: its account's id; an editor has none.
        organisation: the tenant that a portal belongs to.
        signing_key: key id of the signing key, of an editor and of enrolled accounts.
        kem_key: key id of the KEM key that grants are made to, of enrolled accounts.
        habilitated: whether a habilitation that the authority signed is valid now.
        read_only: whether the token was made for reading alone.
        acting_for: key id of the editor that a portal names in a header.
        expires: UTC seconds, when the token or session ends; None for an act on the host.
        session: id of the session that asks, where it is one.
        token: id of the token that asks, where it is one.
    """

    role: Role
    account: str | None = None
    organisation: str | None = None
    signing_key: bytes | None = None
    kem_key: bytes | None = None
    habilitated: bool = False
    read_only: bool = False
    acting_for: bytes | None = None
    expires: int | None = None
    session: str | None = None
    token: str | None = None

    @property
    def editor_key(self) -> bytes | None:
        """Key id of the editor that asks or is acted for."""
        return self.signing_key if self.role is Role.EDITOR else self.acting_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about what the path names; what does not apply stays at the value that denies.

    Attributes:
        owner: the account that a token belongs to.
        organisation: the tenant of the dossier.
        mandated: whether the editor that asks, or is acted for, has a mandate for the dossier, valid now.
        may_replace: whether that mandate allows replacing.
        granted: whether a grant on the dossier was made to the asking identity and not revoked, and the
            identity's habilitation covers the dossier's démarche now.
        signers: key ids that sealed what is in question: all versions of a proof, or what is named.
    """

    owner: str | None = None
    organisation: str | None = None
    mandated: bool = False
    may_replace: bool = False
    granted: bool = False
    signers: frozenset[bytes] = frozenset()


class DeniedError(Exception):
    """The rule says no."""


class ForbiddenError(DeniedError):
    """This role, or this token, may never do this."""


class NotHabilitatedError(DeniedError):
    """The role may, but there is no valid habilitation."""


class HiddenError(DeniedError):
    """What the path names is not there for the one who asks."""


Judge: TypeAlias = Callable[[Principal, Facts], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One written rule.

    Attributes:
        roles: who may come here at all.
        habilitated: those of them who need a valid habilitation.
        subject: what the path has to name.
        judge: says yes or no once the facts are known; an admin passes only where it says so.
        acting: whether a portal has to name the editor that it acts for.
    """

    roles: frozenset[Role]
    habilitated: frozenset[Role] = frozenset()
    subject: Subject = Subject.NOTHING
    judge: Judge
    acting: bool = False


def _always(_who: Principal, _facts: Facts) -> bool:
    return True


def _tenant(who: Principal, facts: Facts) -> bool:
    """Tell whether the portal's organisation has the dossier."""
    return who.organisation is not None and who.organisation == facts.organisation


def _own_token(who: Principal, facts: Facts) -> bool:
    return who.role is Role.ADMIN or (who.account is not None and who.account == facts.owner)


def _manages(who: Principal, facts: Facts) -> bool:
    return who.role is Role.ADMIN or _tenant(who, facts)


def _mandated(_who: Principal, facts: Facts) -> bool:
    return facts.mandated


def _owns_template(who: Principal, facts: Facts) -> bool:
    """Tell whether the template carries the key of the editor that asks, or one whose place that has."""
    return facts.mandated and _sealed(who, facts)


def _sees_templates(who: Principal, facts: Facts) -> bool:
    return facts.mandated if who.role is Role.EDITOR else _manages(who, facts)


def _granted(_who: Principal, facts: Facts) -> bool:
    return facts.granted


def _sees_dossier(who: Principal, facts: Facts) -> bool:
    match who.role:
        case Role.EDITOR:
            return facts.mandated
        case Role.PORTAL:
            return _tenant(who, facts) and (who.acting_for is None or facts.mandated)
        case Role.REVIEWER:
            return facts.granted
        case Role.ADMIN:
            return True
    return False


def _sealed(who: Principal, facts: Facts) -> bool:
    """Tell whether the editor that asks, or is acted for, sealed what is in question, or one of it."""
    return who.editor_key is not None and who.editor_key in facts.signers


def _sees_evidence(who: Principal, facts: Facts) -> bool:
    return _sees_dossier(who, facts) and (who.editor_key is None or _sealed(who, facts))


def _changes_evidence(who: Principal, facts: Facts) -> bool:
    return _sees_evidence(who, facts) and (who.editor_key is None or facts.may_replace)


def _fetches(who: Principal, facts: Facts) -> bool:
    """Container bytes: to the depositor that sealed them, to reviewers with a grant, to nobody else.

    And to admins with a grant, who re-encrypt; it opens them anyway.
    """
    if who.role is Role.EDITOR:
        return facts.mandated and _sealed(who, facts)
    return who.role in {Role.REVIEWER, Role.ADMIN} and facts.granted


def _rewrites(who: Principal, facts: Facts) -> bool:
    """Envelopes: by the depositor that sealed, and by admins, who rotate; the seal lists who may sign."""
    return who.role is Role.ADMIN or (facts.mandated and _sealed(who, facts))


def _uploads(who: Principal, facts: Facts) -> bool:
    """An upload: to its signer and that one's portal; an admin sends only what it re-encrypts itself."""
    if who.role is Role.ADMIN:
        return facts.granted and who.signing_key is not None and who.signing_key in facts.signers
    return _sees_evidence(who, facts)


def _sees_receipt(who: Principal, facts: Facts) -> bool:
    return who.role is Role.AUDITOR or _sees_evidence(who, facts)


_ALL: Final = frozenset(Role)
_ACCOUNTS: Final = _ALL - {Role.EDITOR}
_MANAGERS: Final = frozenset({Role.PORTAL, Role.ADMIN})
_PORTAL: Final = frozenset({Role.PORTAL})
_REVIEWER: Final = frozenset({Role.REVIEWER})
_ADMIN: Final = frozenset({Role.ADMIN})

RULES: Final[dict[str, Rule]] = {
    "public": Rule(roles=frozenset(), judge=_always),
    "signed_in": Rule(roles=_ALL, judge=_always),
    "admin": Rule(roles=_ADMIN, judge=_always),
    "approve": Rule(roles=_ADMIN, habilitated=_ADMIN, judge=_always),
    # A key hands over for itself, as long as the authority stands by it.
    "own_account": Rule(
        roles=_ACCOUNTS - {Role.AUDITOR}, habilitated=_ACCOUNTS - {Role.AUDITOR}, judge=_always
    ),
    "token": Rule(roles=_ACCOUNTS, judge=_always),
    "token_owner": Rule(roles=_ACCOUNTS, subject=Subject.TOKEN, judge=_own_token),
    # Lists show what the scope below allows, which is what `_sees_dossier` allows one by one.
    "reviewers": Rule(roles=_MANAGERS | _REVIEWER, judge=_always),
    "dossiers": Rule(roles=_ALL - {Role.AUDITOR}, habilitated=_REVIEWER, judge=_always),
    "open_dossier": Rule(roles=_MANAGERS, habilitated=_PORTAL, judge=_always),
    "manage_dossier": Rule(roles=_MANAGERS, habilitated=_PORTAL, subject=Subject.DOSSIER, judge=_manages),
    "list_templates": Rule(
        roles=_MANAGERS | {Role.EDITOR}, habilitated=_PORTAL, subject=Subject.DOSSIER, judge=_sees_templates
    ),
    # Taking over is the editor's alone: no portal, no admin hands its mandate on.
    "own_dossier": Rule(roles=frozenset({Role.EDITOR}), subject=Subject.DOSSIER, judge=_mandated),
    "own_template": Rule(roles=frozenset({Role.EDITOR}), subject=Subject.TEMPLATE, judge=_owns_template),
    "manage_any_dossier": Rule(roles=_ADMIN, subject=Subject.DOSSIER, judge=_always),
    "see_dossier": Rule(
        roles=_ALL - {Role.AUDITOR}, habilitated=_REVIEWER, subject=Subject.DOSSIER, judge=_sees_dossier
    ),
    "granted_dossier": Rule(
        roles=_REVIEWER | _ADMIN, habilitated=_REVIEWER | _ADMIN, subject=Subject.DOSSIER, judge=_granted
    ),
    "deposit": Rule(
        roles=_PORTAL | {Role.EDITOR}, habilitated=_PORTAL, subject=Subject.DOSSIER, judge=_sees_dossier
    ),
    "see_evidence": Rule(
        roles=_ALL - {Role.AUDITOR}, habilitated=_REVIEWER, subject=Subject.EVIDENCE, judge=_sees_evidence
    ),
    "replace_evidence": Rule(
        roles=_PORTAL | {Role.EDITOR}, habilitated=_PORTAL, subject=Subject.EVIDENCE, judge=_changes_evidence
    ),
    "archive_evidence": Rule(
        roles=_PORTAL | {Role.EDITOR},
        habilitated=_PORTAL,
        subject=Subject.EVIDENCE,
        judge=_changes_evidence,
        acting=True,
    ),
    "fetch_container": Rule(
        roles=_REVIEWER | _ADMIN | {Role.EDITOR},
        habilitated=_REVIEWER | _ADMIN,
        subject=Subject.VERSION,
        judge=_fetches,
    ),
    "reencrypt": Rule(roles=_ADMIN, habilitated=_ADMIN, subject=Subject.VERSION, judge=_granted),
    "rewrite_envelope": Rule(roles=_ADMIN | {Role.EDITOR}, subject=Subject.VERSION, judge=_rewrites),
    "upload": Rule(
        roles=_PORTAL | _ADMIN | {Role.EDITOR},
        habilitated=_PORTAL | _ADMIN,
        subject=Subject.UPLOAD,
        judge=_uploads,
    ),
    # A reviewer needs it too: mandates are judged at the time that the receipt gives.
    "see_receipt": Rule(roles=_ALL, habilitated=_REVIEWER, subject=Subject.VERSION, judge=_sees_receipt),
    "record_opening": Rule(roles=_REVIEWER, habilitated=_REVIEWER, subject=Subject.VERSION, judge=_granted),
    "journal": Rule(roles=_ADMIN | {Role.AUDITOR}, judge=_always),
}


def admit(rule: Rule, who: Principal, *, reading: bool) -> None:
    """Judge by role, before anything is looked up.

    Raises:
        ForbiddenError: the role, or a token for reading alone, may not come here.
        NotHabilitatedError: the role needs a habilitation that is valid now.
    """
    if who.role not in rule.roles:
        raise ForbiddenError(f"the role {who.role.value} may not do this")
    if who.read_only and not reading:
        raise ForbiddenError("the token is for reading alone")
    if who.acting_for is not None and who.role is not Role.PORTAL:
        raise ForbiddenError("only a portal acts for an editor")
    if rule.acting and who.role is Role.PORTAL and who.acting_for is None:
        raise ForbiddenError("a portal has to name the editor that it acts for")
    if who.role in rule.habilitated and not who.habilitated:
        raise NotHabilitatedError("the habilitation is missing, withdrawn or not valid now")


def judge(rule: Rule, who: Principal, facts: Facts | None) -> None:
    """Judge with the facts about what the path names; ``None`` where there is no such thing.

    Raises:
        HiddenError: it does not exist, or not for the one who asks.
    """
    if facts is None or not rule.judge(who, facts):
        raise HiddenError("there is nothing here that you may see")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a list may show: everything, or what satisfies each condition that is set.

    Attributes:
        organisation: dossiers of this tenant.
        mandated: dossiers for which this signing key has a valid mandate, and proofs that it sealed.
        grantee: dossiers with an unrevoked grant to this KEM key.
        nothing: an empty list.
    """

    organisation: str | None = None
    mandated: bytes | None = None
    grantee: bytes | None = None
    nothing: bool = False


def scope(who: Principal) -> Scope:
    """Return which dossiers and proofs a list may show to ``who``."""
    match who.role:
        case Role.ADMIN:
            return Scope()
        case Role.PORTAL if who.organisation is not None:
            return Scope(organisation=who.organisation, mandated=who.acting_for)
        case Role.EDITOR if who.signing_key is not None:
            return Scope(mandated=who.signing_key)
        case Role.REVIEWER if who.kem_key is not None and who.habilitated:
            return Scope(grantee=who.kem_key)
    return Scope(nothing=True)
