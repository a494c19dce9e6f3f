"""Enrolling: tying an identity to an account, by a one-use code and the proof of both private halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.errors import KeyMaterialError
from keys.keyfile import Use, decode_public
from vault.api.models.signin import Role
from vault.api.problems import Code
from vault.api.tokens import hash_of
from vault.journal import Action, Fact, Subject
from vault.server.ports import AlreadyExistsError, OutdatedError
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.signin import ENROL

if TYPE_CHECKING:
    from keys.keyfile import PublicIdentity
    from vault.api.models.people import Account, EnrolmentRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act
    from vault.server.services.signin import SignIn
    from vault.server.services.throttling import Throttling
    from vault.server.stores.records import rows


class Enrolments:
    """Gives an account its keys."""

    def __init__(self, records: Records, clock: Clock, signin: SignIn, throttling: Throttling) -> None:
        self._records = records
        self._clock = clock
        self._signin = signin
        self._throttling = throttling

    async def enrol(self, request: EnrolmentRequest, act: Act) -> Account:
        """Tie an identity to the account that the code was made for; the code is used up.

        Raises:
            RefusedError: not_found for a code that is not (or no longer) one; possession_unproven;
                already_exists for keys that another account or a depositor has; too_many_attempts.
        """
        await self._throttling.check(ENROL, act.source)
        code_hash = hash_of(request.code)
        async with self._records.read() as view:
            account = await view.accounts.by_enrolment(code_hash)
        if account is None or account.disabled_at is not None or not self._open(account):
            await self._throttling.failed(ENROL, act.source)
            raise RefusedError(Code.NOT_FOUND, "the code is not, or no longer, one", field="code")
        identity = _identity(request.identity, account)
        await self._signin.prove(identity, request.challenge, request.signature)
        async with self._records.change(act.named("account", account.id).origin) as tx:
            if await tx.depositors.standing(identity.signing_key_id):
                raise RefusedError(Code.ALREADY_EXISTS, "a depositor has this key", field="identity")
            if await tx.statements.find("succession", subject=identity.signing_key_id):
                raise RefusedError(
                    Code.ALREADY_EXISTS, "this key has handed over to another one", field="identity"
                )
            try:
                await tx.accounts.enrol(account.id, enrolment_hash=code_hash, identity=identity)
            except OutdatedError:
                raise RefusedError(Code.NOT_FOUND, "the code was used", field="code") from None
            except AlreadyExistsError:
                raise RefusedError(
                    Code.ALREADY_EXISTS, "another account has this identity", field="identity"
                ) from None
            await tx.record(
                Action.ACCOUNT_ENROLLED, [Subject("account", account.id)], {Fact.KEY: identity.key_id}
            )
            enrolled = await tx.accounts.get(account.id)
            assert enrolled is not None
        return views.account(enrolled)

    def _open(self, account: rows.Account) -> bool:
        return account.enrolment_until is not None and account.enrolment_until > self._clock.now()


def _identity(text: str, account: rows.Account) -> PublicIdentity:
    """Return the identity, if it is made for what the account is."""
    try:
        identity = decode_public(text)
    except KeyMaterialError as error:
        raise RefusedError(Code.INVALID_REQUEST, str(error), field="identity") from None
    wanted = Use.SERVICE if account.role == Role.PORTAL.value else Use.PERSON
    if identity.use is not wanted:
        raise RefusedError(
            Code.INVALID_REQUEST,
            f"the account needs a key for the use {wanted.name.lower()}",
            field="identity",
        )
    return identity
