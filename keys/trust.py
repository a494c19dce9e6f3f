"""Whether a statement counts: who may say what, judged at a time that the caller passes in.

Everything starts at one authority's signing key. It and those it habilitates may issue what ``rules`` lists.

- A standing statement counts within its dates, unless withdrawn by then, as long as its issuer may say it.
  A grant is the exception: its issuer is judged when it was issued, or else nobody could open a dossier whose
  portal has left (what a grant carries is checked against the dossier key).
- What is about one moment (a receipt, say) is judged at that moment.
- A withdrawal counts from its ``issued`` on. It takes the authority, an admin, or whoever issued what is
  withdrawn. An admin is judged by what was withdrawn *before* the moment, so that two admins who withdraw
  each other in one second both go.
- A key that handed over says nothing new; what it said before stays said.

Decided in docs/decisions/0001-what-a-withdrawal-takes-down.md and 0002-successions-go-forward-only.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic

from keys.derivation import key_id
from keys.errors import Refusal, StatementError
from keys.kinds import (
    MOMENTARY,
    DossierKey,
    Grant,
    Habilitation,
    Mandate,
    Role,
    S,
    Statement,
    Succession,
    Withdrawal,
)
from keys.rules import RULES, KnownWithdrawal, Moment, portal_may, refuse_dates
from keys.signing import VerifyingKey
from keys.statements import Signed, read_unjudged
from keys.succession import Successions, Tenure, require_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keys.keyfile import PublicIdentity


@dataclass(frozen=True)
class Verified(Generic[S]):
    """A statement that counts; only `Trust` makes one."""

    statement: S
    signed: Signed

    @property
    def id(self) -> bytes:
        """The statement's id, 32 bytes: what a withdrawal names."""
        return self.signed.id


class Trust:
    """What one pinned authority vouches for.

    Args:
        authority: its signing public key, 1984 bytes, learned once and from nobody else. Where it has handed
            over, this is still the first key, and the successions are among the statements.
        statements: the habilitations, withdrawals and successions that are known, in any order. They may come
            from anywhere: each is verified, and what its issuer may not say has no effect.

    Raises:
        StatementError: a statement of another kind (``wrong_kind``).
        MalformedError, LimitError, SignatureError, WrongUseError: a statement that is none, or forged.
    """

    def __init__(self, authority: bytes, statements: Iterable[Signed] = ()) -> None:
        self.authority: Final = VerifyingKey(authority).encoded
        self._learn(_read(each) for each in statements)

    def extended(self, statements: Iterable[Signed]) -> Trust:
        """Return the same trust with more statements known; what was verified is not verified again.

        Raises:
            StatementError, MalformedError, LimitError, SignatureError, WrongUseError: as in the constructor.
        """
        longer = Trust(self.authority)
        longer._learn([*self._known, *map(_read, statements)])
        return longer

    def verify(self, signed: Signed, kind: type[S], *, at: int, opener: bytes | None = None) -> Verified[S]:
        """Return the statement if it counts at the time ``at``.

        Args:
            signed: what somebody handed over.
            kind: what it must be.
            at: the time of the act that it backs, UTC seconds: for a deposit the receipt's, for an opening
                now.
            opener: signing public key of the portal that opened the dossier in question, known from elsewhere
                (`verify_opening`, or one's own records); without it no portal is believed.

        Raises:
            StatementError: it does not count; ``reason`` says why.
            SignatureError: not signed by the issuer that it names.
            MalformedError, LimitError, WrongUseError: not such a statement.
        """
        statement = read_unjudged(signed, kind)
        self._require_standing(statement, signed.id, at)
        self._require_issuer(statement, Moment.of(statement, at), opener)
        return Verified(statement, signed)

    def admit(self, signed: Signed, kind: type[S], *, now: int, opener: bytes | None = None) -> Verified[S]:
        """Return a statement that is handed in ``now``: as `verify`, and its issuer may *still* say it.

        For whoever keeps statements: a key that was withdrawn or has handed over cannot hand in what it dated
        back.

        Raises:
            StatementError, SignatureError, MalformedError, LimitError, WrongUseError: as in `verify`.
        """
        verified = self.verify(signed, kind, at=now, opener=opener)
        moment = Moment(now, (verified.statement.issued, now), now)
        self._require_issuer(verified.statement, moment, opener)
        return verified

    def admit_withdrawal(self, signed: Signed, target: Verified[Any], *, now: int) -> Verified[Withdrawal]:
        """Return a withdrawal of ``target`` that is handed in ``now``, by who issued it or may withdraw all.

        Raises:
            StatementError: it names another statement, or one about a moment (``mismatch``), or does not
                count.
            SignatureError, MalformedError, LimitError: not a withdrawal.
        """
        withdrawal = read_unjudged(signed, Withdrawal)
        if withdrawal.withdrawn != target.id or isinstance(target.statement, MOMENTARY):
            raise StatementError(Refusal.MISMATCH, "this withdraws another statement")
        line = self._successions.lineage(key_id(target.statement.issuer))
        if all(tenure.key != key_id(withdrawal.issuer) for tenure in line):
            return self.admit(signed, Withdrawal, now=now)
        self._require_standing(withdrawal, signed.id, now)
        require_place(line, key_id(withdrawal.issuer), withdrawal.issued, now)
        return Verified(withdrawal, signed)

    def verify_opening(self, signed: Signed, *, at: int) -> Verified[DossierKey]:
        """Return the key statement that opened a dossier (generation 1), by whichever habilitated portal.

        Its issuer is the ``opener`` of what follows. Which portal a dossier belongs to stands in no other
        statement: who calls this keeps the answer and asks no second time.

        Raises:
            StatementError, SignatureError, MalformedError, LimitError: as in `verify`.
        """
        verified = self.verify(signed, DossierKey, at=at, opener=read_unjudged(signed, DossierKey).issuer)
        if verified.statement.generation != 1:
            raise StatementError(Refusal.MISMATCH, "this is not the first key of a dossier")
        return verified

    def habilitation(self, key: bytes, role: Role, *, at: int) -> Verified[Habilitation]:
        """Return the habilitation by which a signing public key may act in ``role`` at the time ``at``.

        Raises:
            StatementError: there is none that counts; ``reason`` is that of the latest one.
        """
        return self._habilitation(key_id(key), role, Moment.now(at))

    def habilitations_in_force(self, key: bytes, *, at: int) -> tuple[Verified[Habilitation], ...]:
        """Return every habilitation of a signing public key that counts: to end it, withdraw each."""
        moment = Moment.now(at)
        found = self._habilitations.get(key_id(key), [])
        return tuple(each for each, tenure in found if self._refuse(each, tenure, moment) is None)

    def withdrawn_at(self, verified: Verified[Any]) -> int | None:
        """Return from when on a statement is withdrawn, possibly a time to come; None if it is not."""
        return min(self._withdrawals(verified.id, verified.statement), default=None)

    def successors(self, key: bytes, *, at: int) -> frozenset[bytes]:
        """Return the ids of all signing keys that have followed that with id ``key`` by the time ``at``."""
        line = self._successions.lineage(key)
        return frozenset(tenure.key for tenure in line[1:] if tenure.since <= at)

    def present(self, identity: PublicIdentity, *, at: int) -> PublicIdentity:
        """Return who stands at the time ``at`` in the place that ``identity`` was given.

        Raises:
            StatementError: nobody does: a key named two successors (``disputed``), or a circle was closed
                (``superseded``).
        """
        line = self._successions.lineage(identity.signing_key_id)
        for tenure in line:
            if tenure.refuse(at) is None:
                return tenure.identity or identity
        reason = Refusal.DISPUTED if line[-1].disputed else Refusal.SUPERSEDED
        raise StatementError(reason, "nobody can tell who stands in the place of this key")

    def stands_for(self, kem_key_id: bytes, identity: PublicIdentity) -> bool:
        """Tell whether an identity has that KEM key, or followed one that has: grants to it are its own.

        Only whom the authority habilitated is followed: a succession alone says nothing of the old KEM key.
        """
        if identity.kem_key_id == kem_key_id:
            return True
        for habilitation, tenure in self._habilitations.get(identity.signing_key_id, ()):
            if tenure.identity != identity or not self._is_the_authoritys(habilitation.statement):
                continue
            subject = habilitation.statement.subject
            for earlier in self._successions.lineage(subject.signing_key_id):
                if earlier.key == tenure.key:
                    break
                if (earlier.identity or subject).kem_key_id == kem_key_id:
                    return True
        return False

    def verify_own(self, signed: Signed, key: bytes, *, at: int) -> Verified[Grant]:
        """Return a grant that whoever has the signing public key ``key`` made to itself.

        It gives nothing: somebody else's grant came before it. What it carries is compared with the
        dossier's key, as in every grant.

        Raises:
            StatementError: somebody else's (``mismatch``), or not of this time.
            SignatureError, MalformedError, LimitError: no grant.
        """
        grant = read_unjudged(signed, Grant)
        if grant.issuer != key:
            raise StatementError(Refusal.MISMATCH, "this grant was not made by the one who has it")
        self._require_standing(grant, signed.id, at)
        return Verified(grant, signed)

    def require_mandated(self, mandate: Verified[Mandate], key: bytes, *, at: int) -> None:
        """Return only if a signing public key is the mandate's, or has followed it, at the time ``at``.

        Raises:
            StatementError: another key (``mismatch``), or one that had handed over (``superseded``,
                ``disputed``).
        """
        require_place(self._successions.lineage(mandate.statement.signer), key_id(key), at)

    def mandated(self, signer: bytes, *, at: int) -> frozenset[bytes]:
        """Return the ids of the signing keys, one or none, that a mandate for ``signer`` counts for then.

        Args:
            signer: key id that a mandate names.
            at: UTC seconds.
        """
        line = self._successions.lineage(signer)
        return frozenset(tenure.key for tenure in line if tenure.refuse(at) is None)

    def line(self, key: bytes) -> tuple[Tenure, ...]:
        """Return who had, one after the other, the place of the signing key with id ``key``."""
        return self._successions.lineage(key)

    def is_authoritys(self, key: bytes) -> bool:
        """Tell whether the signing key with id ``key`` is or was the authority's."""
        return any(tenure.key == key for tenure in self._authority_line)

    def went_along(self, former: bytes, following: Tenure, role: Role) -> bool:
        """Tell whether a habilitation in ``role`` stood when a key (by id) handed over, and so went along."""
        moment = Moment.now(following.since)
        had = {habilitation.id for habilitation, _tenure in self._habilitations.get(former, ())}
        return any(
            habilitation.id in had
            and habilitation.statement.role == role
            and self._refuse(habilitation, tenure, moment) is None
            for habilitation, tenure in self._habilitations.get(following.key, ())
        )

    def _learn(self, known: Iterable[Verified[Any]]) -> None:
        self._known = tuple(known)
        self._successions = Successions(each.statement for each in self._of(Succession))
        self._authority_line = self._successions.lineage(key_id(self.authority))
        self._habilitations: dict[bytes, list[tuple[Verified[Habilitation], Tenure]]] = {}
        self._withdrawn: dict[bytes, list[KnownWithdrawal]] = {}
        # The latest comes first: where none counts, its reason is told.
        for habilitation in sorted(self._of(Habilitation), key=lambda each: -each.statement.issued):
            for tenure in self._successions.lineage(habilitation.statement.subject.signing_key_id):
                self._habilitations.setdefault(tenure.key, []).append((habilitation, tenure))
        # In order of time: whether a withdrawal counts hangs on those before it.
        for withdrawal in sorted(self._of(Withdrawal), key=lambda each: each.statement.issued):
            self._add_withdrawal(withdrawal.statement)

    def _of(self, kind: type[S]) -> Iterator[Verified[S]]:
        return (each for each in self._known if isinstance(each.statement, kind))

    def _add_withdrawal(self, withdrawal: Withdrawal) -> None:
        try:
            self._require_issuer(withdrawal, Moment.of(withdrawal, withdrawal.issued), None)
        except StatementError:
            # It may still withdraw what its issuer said itself.
            entitled = False
        else:
            entitled = True
        known = KnownWithdrawal(withdrawal.issued, key_id(withdrawal.issuer), entitled)
        self._withdrawn.setdefault(withdrawal.withdrawn, []).append(known)

    def _withdrawals(self, statement_id: bytes, statement: Statement) -> Iterator[int]:
        """Yield the times from which withdrawals of a statement count."""
        for withdrawal in self._withdrawn.get(statement_id, ()):
            if withdrawal.entitled or self._is_own(withdrawal, statement):
                yield withdrawal.issued

    def _is_own(self, withdrawal: KnownWithdrawal, statement: Statement) -> bool:
        try:
            line = self._successions.lineage(key_id(statement.issuer))
            require_place(line, withdrawal.issuer, withdrawal.issued)
        except StatementError:
            return False
        return True

    def _require_standing(self, statement: Statement, statement_id: bytes, at: int) -> None:
        """Judge a statement's dates and withdrawals, its issuer apart."""
        refusal = refuse_dates(statement, at)
        if refusal is None and not isinstance(statement, MOMENTARY):
            refusal = self._refuse_withdrawn(statement, statement_id, at)
        if refusal is not None:
            raise refusal

    def _refuse_withdrawn(self, statement: Statement, statement_id: bytes, at: int) -> StatementError | None:
        if any(time <= at for time in self._withdrawals(statement_id, statement)):
            return StatementError(Refusal.WITHDRAWN, f"this {statement.kind} has been withdrawn")
        return None

    def _require_issuer(self, statement: Statement, moment: Moment, opener: bytes | None) -> None:
        """Judge whether the issuer may say this.

        Raises:
            StatementError: it may not.
        """
        if isinstance(statement, Succession):
            if self._successions.contradicts(statement):
                raise StatementError(Refusal.DISPUTED, "the key has named another successor")
            return
        rule = RULES[type(statement)]
        issuer = key_id(statement.issuer)
        if rule.authority and self.is_authoritys(issuer):
            require_place(self._authority_line, issuer, *moment.held)
            return
        roles = rule.roles
        if rule.portal and opener is not None and portal_may(statement) and self._follows(issuer, opener):
            roles = (*roles, "portal")
        refusal = StatementError(Refusal.NOT_ENTITLED, f"whoever signed this {statement.kind} may not say it")
        for role in roles:
            try:
                self._habilitation(issuer, role, moment)
            except StatementError as error:
                # A reason that a person can act on is worth more than "may not".
                refusal = refusal if error.reason is Refusal.NOT_ENTITLED else error
            else:
                return
        raise refusal

    def _follows(self, issuer: bytes, opener: bytes) -> bool:
        return any(tenure.key == issuer for tenure in self._successions.lineage(key_id(opener)))

    def _habilitation(self, key: bytes, role: Role, moment: Moment) -> Verified[Habilitation]:
        refusals = []
        for habilitation, tenure in self._habilitations.get(key, ()):
            if habilitation.statement.role != role:
                continue
            why = self._refuse(habilitation, tenure, moment)
            if why is None:
                return habilitation
            refusals.append(why)
        if refusals:
            raise refusals[0]
        raise StatementError(Refusal.NOT_ENTITLED, f"this key is not habilitated as {role}")

    def _refuse(
        self, habilitation: Verified[Habilitation], tenure: Tenure, moment: Moment
    ) -> StatementError | None:
        """Return why a habilitation does not let a key act at a moment; None if it does."""
        statement = habilitation.statement
        if not self._is_the_authoritys(statement):
            return StatementError(Refusal.NOT_ENTITLED, "the habilitation is not the authority's")
        return (
            refuse_dates(statement, moment.at)
            or self._refuse_withdrawn(statement, habilitation.id, moment.cutoff)
            or next(filter(None, map(tenure.refuse, moment.held)), None)
        )

    def _is_the_authoritys(self, statement: Habilitation) -> bool:
        try:
            require_place(self._authority_line, key_id(statement.issuer), statement.issued)
        except StatementError:
            return False
        return True


def _read(signed: Signed) -> Verified[Any]:
    """Return a statement that `Trust` keeps: the signature is verified, the issuer is judged at each use."""
    for kind in (Habilitation, Withdrawal, Succession):
        if signed.claimed_kind == kind._field_defaults["kind"]:
            return Verified(read_unjudged(signed, kind), signed)
    raise StatementError(
        Refusal.WRONG_KIND, "trust is built from habilitations, withdrawals and successions only"
    )
