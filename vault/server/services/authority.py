"""Publishing the authority, once, and saying who is to be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.derivation import key_id
from keys.errors import KeyMaterialError
from keys.keyfile import Use, decode_public, encode_public, require_use
from keys.statements import Habilitation, RecoveryKey, Succession, read_unjudged
from keys.trust import Trust
from vault.api.models.approvals import Act as ApprovedAct
from vault.api.models.trust import Trust as TrustAnswer
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.approvals import Approved
from vault.server.services.beliefs import AUTHORITY, RECOVERY, SERVER_HABILITATION, invalid
from vault.server.services.inheriting import heir_of
from vault.server.services.keeping import keep
from vault.server.services.succession import require_between, unfit

if TYPE_CHECKING:
    from keys.keyfile import PublicIdentity
    from keys.statements import Signed
    from keys.trust import Verified
    from vault.api.models.people import StatementRequest
    from vault.api.models.successions import KeySuccession
    from vault.api.models.trust import AuthorityPublication
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.approvals import Approvals
    from vault.server.services.beliefs import Beliefs
    from vault.server.services.serverkeys import ServerKeys
    from vault.server.services.signin import SignIn
    from vault.server.stores.records.transactions import Change

_NOT_THIS: Final = "this statement is about another server"


class Authority:
    """The one key that everything starts at. Its private half never comes near the server."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        beliefs: Beliefs,
        signin: SignIn,
        keys: ServerKeys,
        *,
        approvals: Approvals,
        origin: str,
    ) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs
        self._signin = signin
        self._keys = keys
        self._approvals = approvals
        self._origin = origin

    async def show(self) -> TrustAnswer:
        """Return what a client compares with its pin."""
        async with self._records.read() as view:
            return await self._view(view)

    async def publish(self, request: AuthorityPublication, act: Act) -> TrustAnswer:
        """Pin the authority, with its word on this server and on the recovery key.

        Raises:
            RefusedError: already_exists; statement_invalid; invalid_request.
        """
        try:
            authority = decode_public(request.authority)
            require_use(authority, Use.AUTHORITY)
        except KeyMaterialError as error:
            raise RefusedError(Code.INVALID_REQUEST, str(error), field="authority") from None
        server = self._habilitation(authority, views.signed_of(request.server, "server"))
        recovery = self._recovery(authority, views.signed_of(request.recovery, "recovery"))
        async with self._records.change(act.origin) as tx:
            if await self._beliefs.authority(tx) is not None:
                raise RefusedError(Code.ALREADY_EXISTS, "the authority is published once, and was")
            await tx.record(
                Action.AUTHORITY_PUBLISHED,
                [Subject("authority", authority.key_id.hex())],
                {Fact.KEY: authority.signing_key_id},
            )
            await self._pin(tx, authority, server, recovery)
            return await self._view(tx)

    async def succeed(self, request: KeySuccession, act: Act) -> TrustAnswer:
        """Let a new key stand in the authority's place, on the old one's word alone.

        What the old key said before stays said, the recovery key among it; it says nothing new, and hands
        over once. The statement may neither lie in the future, nor before the last one of the old key.

        Raises:
            RefusedError: statement_invalid (with ``now`` and ``after`` where its time is at fault);
                authority_missing; possession_unproven; already_exists; approvals_missing.
        """
        signed = views.signed_of(request.statement, "statement")
        new = heir_of(signed)
        await self._signin.prove(new, request.challenge, request.signature)
        async with self._records.change(act.origin) as tx:
            verified = await self._beliefs.accept(tx, signed, Succession, now=tx.now, field="statement")
            statement = verified.statement
            old = await self._beliefs.present_authority(tx)
            if statement.old != old:
                raise unfit("the statement is not by the key that speaks as the authority now")
            last = await tx.statements.last_issued(old.signing_key_id)
            require_between(statement.issued, last=last, now=tx.now)
            published = await self._beliefs.require_authority(tx)
            line = await self._beliefs.successions(tx, published.signing_key_id)
            if new.signing_key_id in {row.subject for row in line}:
                raise unfit("the new key was the authority's before")
            approved = await self._approvals.require(
                tx, Approved(ApprovedAct.AUTHORITY, old.signing_key_id.hex(), new.key_id), now=tx.now
            )
            reach(Failpoint.AUTHORITY_JUDGED)
            await keep(tx, verified, subject=old.signing_key_id)
            reach(Failpoint.AUTHORITY_STATED)
            await tx.record(
                Action.AUTHORITY_SUCCEEDED,
                [Subject("authority", new.key_id.hex()), *approved],
                {
                    Fact.KEY: new.signing_key_id,
                    Fact.SIGNER: old.signing_key_id,
                    Fact.STATEMENT: verified.id,
                },
            )
            return await self._view(tx)

    async def change_recovery(self, request: StatementRequest, act: Act) -> TrustAnswer:
        """Let another recovery key follow the present one; what is sealed to that stays as it is.

        The statement is the present authority's, dated after the one before and not after now, and about a
        key that never was the recovery key: nobody goes back to one that was given up.

        Raises:
            RefusedError: statement_invalid (with ``now`` and ``after`` where its time is at fault);
                authority_missing; already_exists.
        """
        signed = views.signed_of(request.statement, "statement")
        async with self._records.change(act.origin) as tx:
            authority = await self._beliefs.present_authority(tx)
            verified = await self._beliefs.accept(tx, signed, RecoveryKey, now=tx.now, field="statement")
            statement = verified.statement
            if statement.valid_until:
                raise unfit("a recovery key's statement has no end: seals need a slot for it until the next")
            key = key_id(statement.public_key)
            if await tx.statements.find("recovery key", subject=key):
                raise RefusedError(
                    Code.ALREADY_EXISTS, "this is the recovery key, or was one before", field="statement"
                )
            former = await self._beliefs.recovery(tx)
            assert former is not None
            require_between(statement.issued, last=former.issued_at, now=tx.now)
            reach(Failpoint.RECOVERY_JUDGED)
            await keep(tx, verified, subject=key)
            reach(Failpoint.RECOVERY_STATED)
            await tx.record(
                Action.RECOVERY_KEY_PUBLISHED,
                [Subject("authority", authority.key_id.hex())],
                {Fact.KEY: key, Fact.SIGNER: key_id(statement.issuer), Fact.STATEMENT: verified.id},
            )
            return await self._view(tx)

    async def _pin(
        self,
        tx: Change,
        authority: PublicIdentity,
        server: Verified[Habilitation],
        recovery: Verified[RecoveryKey],
    ) -> None:
        await tx.facts.pin(AUTHORITY, encode_public(authority).encode())
        await keep(tx, server, subject=server.statement.subject.signing_key_id)
        await tx.facts.pin(SERVER_HABILITATION, server.id)
        await keep(tx, recovery, subject=key_id(recovery.statement.public_key))
        await tx.facts.pin(RECOVERY, recovery.id)

    def _habilitation(self, authority: PublicIdentity, signed: Signed) -> Verified[Habilitation]:
        try:
            verified = Trust(authority.signing).admit(signed, Habilitation, now=self._clock.now())
        except KeyMaterialError as error:
            raise invalid(error, "server") from None
        statement = verified.statement
        if statement.role != "server" or statement.subject != self._keys.own.identity:
            raise RefusedError(Code.STATEMENT_INVALID, _NOT_THIS, field="server")
        return verified

    def _recovery(self, authority: PublicIdentity, signed: Signed) -> Verified[RecoveryKey]:
        try:
            return Trust(authority.signing).admit(signed, RecoveryKey, now=self._clock.now())
        except KeyMaterialError as error:
            raise invalid(error, "recovery") from None

    async def _view(self, view: View) -> TrustAnswer:
        authority = await self._beliefs.authority(view)
        server = await self._beliefs.named(view, SERVER_HABILITATION)
        recovery = await self._beliefs.recovery(view)
        present = await self._keys.present(view, self._clock.now())
        first = read_unjudged(views.stored(server), Habilitation).subject if server else None
        successions = [
            row
            for key in (authority, first)
            if key is not None
            for row in await self._beliefs.successions(view, key.signing_key_id)
        ]
        return TrustAnswer(
            origin=self._origin,
            server_identity=encode_public(present),
            server_key_id=present.signing_key_id.hex(),
            authority=encode_public(authority) if authority else None,
            fingerprint=authority.fingerprint if authority else None,
            server=views.statement(server) if server else None,
            recovery=views.statement(recovery) if recovery else None,
            successions=tuple(views.statement(row) for row in successions),
        )
