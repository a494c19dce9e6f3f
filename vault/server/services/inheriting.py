"""Accounts whose key hands over: habilitation and grants go along, and are then wrapped to the new key.

The old key says it once, and nobody else has to agree. From then on the account is the new key's: the old one
signs in nowhere and is handed nothing. What was granted to it stays wrapped to it until the holder of both
keys has wrapped it anew, grant by grant; how far that is stands in the grants themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.errors import KeyMaterialError
from keys.statements import Succession, read_unjudged
from vault.api.models.successions import AccountSucceeded
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.ports import AlreadyExistsError, OutdatedError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.beliefs import invalid
from vault.server.services.granted import shown
from vault.server.services.keeping import keep, require_kept
from vault.server.services.succession import require_between, unfit

if TYPE_CHECKING:
    from keys.keyfile import PublicIdentity
    from keys.statements import Grant as GrantStatement
    from keys.statements import Signed
    from vault.api.models.dossiers import Grant
    from vault.api.models.people import StatementRequest
    from vault.api.models.successions import KeySuccession
    from vault.server.ports import Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs
    from vault.server.services.signin import SignIn
    from vault.server.stores.records import rows
    from vault.server.stores.records.transactions import Change


class Inheriting:
    """Lets an account's key name the one that follows it, and takes its grants wrapped anew."""

    def __init__(self, records: Records, beliefs: Beliefs, signin: SignIn) -> None:
        self._records = records
        self._beliefs = beliefs
        self._signin = signin

    async def succeed(self, request: KeySuccession, act: Act) -> AccountSucceeded:
        """Put the new identity in the place of the account's, with its habilitations and grants.

        The statement may neither lie in the future, nor before the last thing that the old key signed and
        that is stored here, which could not be verified any more.

        Raises:
            RefusedError: statement_invalid (with ``now`` and ``after`` where its time is at fault);
                authority_missing; possession_unproven; already_exists.
        """
        signed = views.signed_of(request.statement, "statement")
        who = act.principal
        former = who.signing_key
        assert who.account is not None
        assert former is not None
        new = heir_of(signed)
        await self._signin.prove(new, request.challenge, request.signature)
        async with self._records.change(act.origin) as tx:
            account = await tx.accounts.get(who.account)
            verified = await self._beliefs.accept(tx, signed, Succession, now=tx.now, field="statement")
            statement = verified.statement
            if account is None or statement.old != views.identity_of(account):
                raise unfit("the statement is another key's than this account's")
            last = await tx.statements.last_issued(former)
            require_between(statement.issued, last=last, now=tx.now)
            await _require_fresh(tx, new)
            reach(Failpoint.INHERITANCE_JUDGED)
            stored = await keep(tx, verified, subject=former)
            await tx.statements.hand_over(former, new.signing_key_id)
            reach(Failpoint.INHERITANCE_STATED)
            await _move(tx, account, new)
            reach(Failpoint.ACCOUNT_MOVED)
            count = await tx.grants.hand_over(statement.old.kem_key_id, new.kem_key_id)
            reach(Failpoint.GRANTS_MOVED)
            await tx.record(
                Action.ACCOUNT_SUCCEEDED,
                [Subject("account", account.id)],
                {
                    Fact.KEY: new.signing_key_id,
                    Fact.SIGNER: former,
                    Fact.STATEMENT: stored.id,
                    Fact.COUNT: count,
                },
            )
        return AccountSucceeded(
            account=account.id,
            former=former.hex(),
            key_id=new.signing_key_id.hex(),
            grants=count,
            since=statement.issued,
        )

    async def rewrap(self, dossier_id: str, generation: int, request: StatementRequest, act: Act) -> Grant:
        """Put a grant that its grantee wrapped to its present key in the place of the one before.

        It gives nothing to anybody: the one who asks has this grant. One that is wrapped to the present key
        already stays as it is.

        Raises:
            RefusedError: statement_invalid; authority_missing; already_exists; conflict; dossier_erased.
        """
        signed = views.signed_of(request.statement, "statement")
        who = act.principal
        assert who.account is not None
        assert who.kem_key is not None
        async with self._records.read() as view:
            row = await _granted(view, dossier_id, who.kem_key, generation)
            present = await view.statements.get(row.statement_id)
            assert present is not None
            if present.subject == who.kem_key:
                return (await shown(view, self._beliefs, [row]))[0]
        async with self._records.change(act.origin) as tx:
            account = await tx.accounts.get(who.account)
            dossier = await tx.dossiers.get(dossier_id)
            assert dossier is not None
            require_kept(dossier)
            if account is None or account.signing_public is None or account.kem_key_id != who.kem_key:
                raise unfit("the account has another key since")
            verified = await self._beliefs.accept_own(
                tx, signed, account.signing_public, now=tx.now, field="statement"
            )
            _require_same(verified.statement, row)
            reach(Failpoint.REWRAP_JUDGED)
            stored = await keep(
                tx, verified, subject=who.kem_key, dossier_id=dossier_id, generation=generation
            )
            reach(Failpoint.REWRAP_STATED)
            try:
                await tx.grants.rewrap(row.id, expected=row.statement_id, statement_id=stored.id)
            except OutdatedError:
                raise RefusedError(
                    Code.CONFLICT, "the grant was revoked, or wrapped anew, at the same time"
                ) from None
            reach(Failpoint.GRANT_REWRAPPED)
            await tx.record(
                Action.GRANT_REWRAPPED,
                [Subject("dossier", dossier_id), Subject("grant", row.id), Subject("account", account.id)],
                {Fact.GENERATION: generation, Fact.KEY: who.kem_key, Fact.STATEMENT: stored.id},
            )
            return (await shown(tx, self._beliefs, [row._replace(statement_id=stored.id)]))[0]


def heir_of(signed: Signed) -> PublicIdentity:
    """Return the new identity that a succession names; raise `RefusedError` where it is none."""
    try:
        return read_unjudged(signed, Succession).new
    except KeyMaterialError as error:
        raise invalid(error, "statement") from None


async def _require_fresh(tx: Change, new: PublicIdentity) -> None:
    """Refuse a key that somebody has, or had."""
    key = new.signing_key_id
    if await tx.depositors.standing(key) or await tx.statements.find("succession", subject=key):
        raise RefusedError(
            Code.ALREADY_EXISTS,
            "a depositor has the new key, or it has itself handed over",
            field="statement",
        )


async def _move(tx: Change, account: rows.Account, new: PublicIdentity) -> None:
    assert account.signing_key_id is not None
    try:
        await tx.accounts.succeed(account.id, account.signing_key_id, new)
    except OutdatedError:
        raise unfit("the account has another key since") from None
    except AlreadyExistsError:
        raise RefusedError(
            Code.ALREADY_EXISTS, "another account has this identity", field="statement"
        ) from None


async def _granted(view: View, dossier_id: str, grantee: bytes, generation: int) -> rows.Grant:
    for row in await view.grants.standing(dossier_id, grantee):
        if row.generation == generation:
            return row
    raise RefusedError(Code.NOT_FOUND, "you have no grant of this generation")


def _require_same(statement: GrantStatement, row: rows.Grant) -> None:
    same = (statement.dossier, statement.generation, statement.grantee) == (
        row.dossier_id,
        row.generation,
        row.grantee,
    )
    if not same:
        raise RefusedError(
            Code.STATEMENT_INVALID,
            "it is not the same grant, wrapped to the key that the account has now",
            field="statement",
            extra={"reason": "mismatch"},
        )
