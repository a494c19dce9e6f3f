"""Successions of depositors: a key hands its mandates, and what it sealed, over to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.errors import KeyMaterialError
from keys.keyfile import Use
from keys.possession import verify_signer
from keys.signing import SIGNATURE_LENGTH
from keys.statements import Succession as SuccessionStatement
from vault.api.models.dossiers import Succeeded
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.failpoints import Failpoint, reach
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.keeping import keep

if TYPE_CHECKING:
    from keys.keyfile import PublicIdentity
    from vault.api.models.dossiers import SuccessionRequest
    from vault.server.ports import Records
    from vault.server.services.acts import Act
    from vault.server.services.beliefs import Beliefs


class Succession:
    """Lets a depositor's key name the one that follows it, once. Nobody else has to agree, or be awake."""

    def __init__(self, records: Records, beliefs: Beliefs, *, origin: str) -> None:
        self._records = records
        self._beliefs = beliefs
        self._origin = origin

    async def succeed(self, dossier_id: str, request: SuccessionRequest, act: Act) -> Succeeded:
        """Put the new key in the place of the one that asks, in every dossier.

        From then on the old one signs in nowhere and deposits nothing; what it sealed stays as it is, and is
        the new one's. The statement says when; it may neither lie in the future, nor before the last deposit
        of the old key, which could not be verified any more.

        Raises:
            RefusedError: statement_invalid (with ``now`` and ``after`` where its time is at fault);
                authority_missing; possession_unproven; already_exists.
        """
        signed = views.signed_of(request.statement, "statement")
        former = act.principal.signing_key
        assert former is not None
        async with self._records.change(act.origin) as tx:
            verified = await self._beliefs.accept(
                tx, signed, SuccessionStatement, now=tx.now, field="statement"
            )
            statement = verified.statement
            if statement.old.signing_key_id != former or statement.new.use is not Use.PERSON:
                raise unfit("the statement is another key's, or names a key for another use")
            last = await tx.depositors.last_deposit(former)
            require_between(statement.issued, last=last, now=tx.now)
            self._prove(statement.new, dossier_id, request.possession)
            key = statement.new.signing_key_id
            if await tx.accounts.by_signing_key(key) is not None:
                raise RefusedError(
                    Code.ALREADY_EXISTS,
                    "an account has this key; depositors have their own",
                    field="statement",
                )
            if await tx.statements.find("succession", subject=key):
                raise unfit("the new key has itself handed over to a successor")
            reach(Failpoint.SUCCESSION_JUDGED)
            stored = await keep(tx, verified, subject=former, dossier_id=dossier_id)
            reach(Failpoint.SUCCESSION_STATED)
            count = await tx.depositors.hand_over(former, key, statement.new.signing)
            reach(Failpoint.DEPOSITORS_MOVED)
            await tx.record(
                Action.DEPOSITOR_SUCCEEDED,
                [
                    Subject("dossier", dossier_id),
                    Subject("depositor", former.hex()),
                    Subject("depositor", key.hex()),
                ],
                {Fact.KEY: key, Fact.SIGNER: former, Fact.STATEMENT: stored.id, Fact.COUNT: count},
            )
        return Succeeded(former=former.hex(), key_id=key.hex(), mandates=count, since=statement.issued)

    def _prove(self, new: PublicIdentity, dossier_id: str, possession: str) -> None:
        signature = views.bytes_of(possession, SIGNATURE_LENGTH, "possession")
        try:
            verify_signer(new.signing, signature, origin=self._origin, dossier=dossier_id)
        except KeyMaterialError:
            raise RefusedError(
                Code.POSSESSION_UNPROVEN,
                f"the signature is not that of the new key for this dossier at {self._origin}",
                field="possession",
            ) from None


def require_between(issued: int, *, last: int | None, now: int) -> None:
    """Return only if a succession is dated after the last word of the old key, and not after now.

    Raises:
        RefusedError: statement_invalid, with ``now`` and ``after``.
    """
    after = last or 0
    if after < issued <= now:
        return
    early = issued > now
    raise RefusedError(
        Code.STATEMENT_INVALID,
        "the statement is dated after now" if early else "the old key signed something since that time",
        field="statement",
        extra={"reason": "early" if early else "mismatch", "now": now, "after": after},
    )


def unfit(detail: str) -> RefusedError:
    """Return the refusal of a succession that is not about what it was sent for."""
    return RefusedError(Code.STATEMENT_INVALID, detail, field="statement", extra={"reason": "mismatch"})
