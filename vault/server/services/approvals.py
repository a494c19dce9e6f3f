"""Approvals: a dangerous act that two admins agree to, each with the own key, before it is done.

Which acts these are is the host's to say. An approval names exactly what would be done; where that changes,
or its maker is an admin no more, it counts for nothing. None is marked as used: whether what it names was
done, the dossier or the authority itself shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keys.derivation import key_id
from keys.statements import Approval as ApprovalStatement
from keys.statements import Erasure, Signed, Succession, Withdrawal, read_unjudged
from vault.api.models.approvals import NEEDED, Act, Approval, ApprovalState
from vault.api.models.approvals import Approvals as Count
from vault.api.models.base import Page
from vault.api.models.signin import Role
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.erasureplan import plan_erasure
from vault.server.services.keeping import keep, require_kept

if TYPE_CHECKING:
    from collections.abc import Collection

    from vault.api.models.approvals import ApprovalQuery, ApprovalRequest
    from vault.api.models.people import StatementRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act as Request
    from vault.server.services.acts import View
    from vault.server.services.beliefs import Beliefs
    from vault.server.stores.records import rows

_KIND: Final = "approval"


class Approved(NamedTuple):
    """What is approved.

    Attributes:
        act: what is done.
        subject: to whom: a dossier, or the authority's present signing key by its id.
        digest: how, 32 bytes: see `ApprovalStatement`.
    """

    act: Act
    subject: str
    digest: bytes

    @property
    def named(self) -> Subject:
        """The subject as the journal has it."""
        return Subject("authority" if self.act is Act.AUTHORITY else "dossier", self.subject)


class _Standing(NamedTuple):
    row: rows.StoredStatement
    account: rows.Account


class Approvals:
    """Keeps approvals, and tells whether there are enough."""

    def __init__(
        self, records: Records, clock: Clock, beliefs: Beliefs, *, acts: Collection[Act], origin: str
    ) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs
        self._origin = origin
        self.acts = tuple(act for act in Act if act in acts)

    async def list(self, query: ApprovalQuery) -> Page[Approval]:
        """Return a page of all approvals, whatever became of them."""
        async with self._records.read() as view:
            found = await view.statements.approvals(
                dossier_id=query.dossier, cursor=query.cursor, limit=query.limit
            )
            now = self._clock.now()
            items = [
                await self._view(view, row, await self._state(view, row, now=now)) for row in found.items
            ]
        return Page(items=tuple(items), next=found.next)

    async def add(self, request: ApprovalRequest, act: Request) -> Approval:
        """Store the approval of whoever asks; it has to be of what would be done now.

        Raises:
            RefusedError: statement_invalid; authority_missing; approval_unfit; already_exists: the admin
                agreed before; not_found; dossier_erased.
        """
        signed = views.signed_of(request.statement, "statement")
        who = act.principal
        async with self._records.change(act.origin) as tx:
            verified = await self._beliefs.accept(
                tx, signed, ApprovalStatement, now=tx.now, field="statement"
            )
            said = verified.statement
            if key_id(said.issuer) != who.signing_key or said.service != self._origin:
                raise RefusedError(
                    Code.STATEMENT_INVALID,
                    "the approval was signed by another key than yours, or for another service",
                    field="statement",
                    extra={"reason": "mismatch"},
                )
            approved = Approved(Act(said.act), said.subject, said.digest)
            await self._require_fit(tx, approved, now=tx.now)
            standing = await self._standing(tx, approved, now=tx.now)
            if who.account in {one.account.id for one in standing}:
                raise RefusedError(Code.ALREADY_EXISTS, "you approved this before; another admin has to")
            reach(Failpoint.APPROVAL_JUDGED)
            dossier_id = None if approved.act is Act.AUTHORITY else approved.subject
            stored = await keep(tx, verified, subject=approved.digest, dossier_id=dossier_id)
            reach(Failpoint.APPROVAL_STATED)
            await tx.record(
                Action.APPROVAL_GIVEN,
                [Subject(_KIND, stored.id.hex()), approved.named],
                {
                    Fact.ACT: approved.act.value,
                    Fact.DIGEST: approved.digest,
                    Fact.STATEMENT: stored.id,
                    Fact.UNTIL: said.valid_until,
                },
            )
            answer = await self._view(tx, stored, ApprovalState.STANDING)
            await act.remember(tx, answer)
        return answer

    async def withdraw(self, approval_id: str, request: StatementRequest, act: Request) -> Approval:
        """Store the withdrawal of an approval: from now on it counts for nothing.

        By its maker, or by any other admin: it only keeps something from being done.

        Raises:
            RefusedError: not_found; statement_invalid; authority_missing; already_exists; approval_unfit: it
                was used.
        """
        signed = views.signed_of(request.statement, "statement")
        async with self._records.change(act.origin) as tx:
            row = await tx.statements.get(bytes.fromhex(approval_id))
            if row is None or row.kind != _KIND:
                raise RefusedError(Code.NOT_FOUND, "there is no such approval")
            verified = await self._beliefs.accept(tx, signed, Withdrawal, now=tx.now, field="statement")
            if verified.statement.withdrawn != row.id:
                raise RefusedError(
                    Code.STATEMENT_INVALID, "the statement withdraws another approval", field="statement"
                )
            if row.withdrawn_by is not None:
                raise RefusedError(Code.ALREADY_EXISTS, "the approval was withdrawn before")
            approved = _approved(row)
            if await self._is_done(tx, approved):
                raise RefusedError(Code.APPROVAL_UNFIT, "what it approves was done")
            await keep(tx, verified, subject=row.id, dossier_id=row.dossier_id)
            await tx.statements.withdraw(row.id, by=verified.id, at=verified.statement.issued)
            reach(Failpoint.APPROVAL_WITHDRAWN)
            await tx.record(
                Action.APPROVAL_WITHDRAWN,
                [Subject(_KIND, row.id.hex()), approved.named],
                {
                    Fact.ACT: approved.act.value,
                    Fact.STATEMENT: verified.id,
                    Fact.REASON: verified.statement.reason,
                },
            )
            return await self._view(tx, row, ApprovalState.WITHDRAWN)

    async def require(self, view: View, approved: Approved, *, now: int) -> tuple[Subject, ...]:
        """Return the approvals that let an act be done, as its journal entry names them.

        Raises:
            RefusedError: approvals_missing.
        """
        if approved.act not in self.acts:
            return ()
        standing = await self._standing(view, approved, now=now)
        if len(standing) < NEEDED:
            raise RefusedError(
                Code.APPROVALS_MISSING,
                f"{len(standing)} of {NEEDED} approvals are there",
                extra={
                    "act": approved.act.value,
                    "subject": approved.subject,
                    "digest": approved.digest.hex(),
                    "needed": NEEDED,
                    "given": len(standing),
                },
            )
        return tuple(Subject(_KIND, one.row.id.hex()) for one in standing[:NEEDED])

    async def require_reencryption(
        self, view: View, dossier: rows.Dossier, *, now: int | None = None
    ) -> tuple[Subject, ...]:
        """Return the approvals that let a dossier's contents be sealed to its present key, and be replaced.

        Raises:
            RefusedError: approvals_missing.
        """
        if Act.REENCRYPT not in self.acts:
            return ()
        approved = Approved(Act.REENCRYPT, dossier.id, await present_key(view, dossier))
        return await self.require(view, approved, now=self._clock.now() if now is None else now)

    async def count(self, view: View, approved: Approved, *, now: int) -> Count | None:
        """Return how many approvals an act has of how many, None where it needs none."""
        if approved.act not in self.acts:
            return None
        return Count(needed=NEEDED, given=len(await self._standing(view, approved, now=now)))

    # --- what counts -------------------------------------------------------------------------------------

    async def _standing(self, view: View, approved: Approved, *, now: int) -> tuple[_Standing, ...]:
        """Return what counts for this, one approval for each account, the first given first."""
        found: dict[str, _Standing] = {}
        for row in await view.statements.find(_KIND, subject=approved.digest):
            if _approved(row) != approved:
                continue
            account = await self._maker(view, row, now=now)
            if account is not None:
                found.setdefault(account.id, _Standing(row, account))
        return tuple(found.values())

    async def _maker(self, view: View, row: rows.StoredStatement, *, now: int) -> rows.Account | None:
        """Return the admin whose approval this is, None where it does not count now."""
        if row.withdrawn_by is not None or not await self._approves(view, row, now=now):
            return None
        account = await self._account(view, row)
        if account is None or account.disabled_at is not None or account.role != Role.ADMIN.value:
            return None
        return account if await self._beliefs.is_habilitated(view, account, now) else None

    async def _approves(self, view: View, row: rows.StoredStatement, *, now: int) -> bool:
        """Tell whether a stored approval counts at this service now, whoever has its maker's account."""
        said = await self._beliefs.approval(view, row, now)
        return said is not None and said.service == self._origin

    async def _account(self, view: View, row: rows.StoredStatement) -> rows.Account | None:
        """Return the account that has the maker's key, or one that followed it: a new key is no new admin."""
        return await view.accounts.by_signing_key(await self._beliefs.present(view, row.issuer))

    async def _require_fit(self, view: View, approved: Approved, *, now: int) -> None:
        """Return only if this is what would be done now, whether it needs approvals or not.

        Raises:
            RefusedError: approval_unfit, with the digest of what would be done; not_found; dossier_erased.
        """
        if approved.act is Act.AUTHORITY:
            present = (await self._beliefs.present_authority(view)).signing_key_id.hex()
            if approved.subject != present:
                raise RefusedError(
                    Code.APPROVAL_UNFIT, "another key speaks as the authority", extra={"subject": present}
                )
            return
        dossier = await view.dossiers.get(approved.subject)
        if dossier is None:
            raise RefusedError(Code.NOT_FOUND, "there is no such dossier")
        require_kept(dossier)
        if approved.act is Act.ERASE:
            digest = (await plan_erasure(view, dossier.id, now=now)).root
        else:
            digest = await present_key(view, dossier)
        if digest != approved.digest:
            raise RefusedError(
                Code.APPROVAL_UNFIT,
                "what would be done is not, or no longer, what the approval names",
                extra={"digest": digest.hex()},
            )

    async def _is_done(self, view: View, approved: Approved) -> bool:
        """Tell whether exactly this was done; re-encrypting goes on as long as something is deposited."""
        if approved.act is Act.ERASE:
            erased = await view.erasures.get(approved.subject)
            return erased is not None and approved.digest == (
                read_unjudged(Signed(*erased.signed), Erasure).root
            )
        if approved.act is Act.AUTHORITY:
            published = await self._beliefs.require_authority(view)
            line = await self._beliefs.successions(view, published.signing_key_id)
            followed = {read_unjudged(views.stored(row), Succession).new.key_id for row in line}
            return approved.digest in followed
        return False

    async def _view(self, view: View, row: rows.StoredStatement, state: ApprovalState) -> Approval:
        approved, account = _approved(row), await self._account(view, row)
        return Approval(
            id=row.id.hex(),
            act=approved.act,
            subject=approved.subject,
            digest=approved.digest.hex(),
            account=account.id if account else None,
            name=account.name if account else "",
            given=row.created_at,
            until=row.valid_until,
            state=state,
            statement=views.statement(row),
        )

    async def _state(self, view: View, row: rows.StoredStatement, *, now: int) -> ApprovalState:
        if row.withdrawn_by is not None:
            return ApprovalState.WITHDRAWN
        approved = _approved(row)
        if await self._is_done(view, approved):
            return ApprovalState.DONE
        if row.valid_until < now:
            return ApprovalState.EXPIRED
        if await self._maker(view, row, now=now) is None:
            return ApprovalState.VOID
        try:
            await self._require_fit(view, approved, now=now)
        except RefusedError:
            return ApprovalState.OUTDATED
        return ApprovalState.STANDING


def acts_of(text: str) -> frozenset[Act]:
    """Return the acts that a setting names, with commas between.

    Raises:
        ValueError: it names something else.
    """
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    try:
        return frozenset(map(Act, words))
    except ValueError:
        raise ValueError(f"name some of {', '.join(Act)}, with commas between") from None


async def present_key(view: View, dossier: rows.Dossier) -> bytes:
    """Return the id of a dossier's present key."""
    return (await view.statements.dossier_keys(dossier.id))[dossier.generation]


def _approved(row: rows.StoredStatement) -> Approved:
    said = read_unjudged(views.stored(row), ApprovalStatement)
    return Approved(Act(said.act), said.subject, said.digest)
