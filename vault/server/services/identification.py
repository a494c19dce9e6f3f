"""Who asks: from a bearer's secret to a principal."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from vault.api.models.signin import Me
from vault.api.problems import Code
from vault.api.tokens import hash_of
from vault.server.policy import Principal, Role
from vault.server.refusals import RefusedError
from vault.server.services.secrets import SESSION_PREFIX

if TYPE_CHECKING:
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import Act, View
    from vault.server.services.beliefs import Beliefs


class Identification:
    """Finds the account or the depositor behind a token or session."""

    def __init__(self, records: Records, clock: Clock, beliefs: Beliefs) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = beliefs

    async def identify(self, secret: str, *, acting_for: bytes | None) -> Principal:
        """Return who has this secret.

        Args:
            secret: the bearer's text.
            acting_for: key id of the editor that the request names, if any.

        Raises:
            RefusedError: unauthenticated, account_disabled or credential_expired.
        """
        async with self._records.read() as view:
            if secret.startswith(SESSION_PREFIX):
                who = await self._by_session(view, hash_of(secret))
            else:
                who = await self._by_token(view, hash_of(secret))
        if acting_for is None:
            return who
        return replace(who, acting_for=acting_for)

    async def me(self, act: Act) -> Me:
        """Return who one is."""
        who = act.principal
        name = habilitation = None
        if who.account is not None:
            async with self._records.read() as view:
                account = await view.accounts.get(who.account)
                if account is not None:
                    name = account.name
                    habilitation = await self._beliefs.habilitation(view, account, self._clock.now())
        return Me(
            role=who.role.value,
            name=name,
            account=who.account,
            organisation=who.organisation,
            key_id=who.signing_key.hex() if who.signing_key else None,
            habilitated=who.habilitated,
            habilitated_until=(habilitation.statement.valid_until or None) if habilitation else None,
            expires=who.expires,
            token=who.token,
        )

    async def of_account(
        self, view: View, account_id: str, *, expires: int | None, read_only: bool = False
    ) -> Principal:
        """Return an account's principal.

        Raises:
            RefusedError: account_disabled, or unauthenticated where it is gone.
        """
        account = await view.accounts.get(account_id)
        if account is None:
            raise _unknown()
        if account.disabled_at is not None:
            raise RefusedError(Code.ACCOUNT_DISABLED, "the account is disabled; ask an admin")
        return Principal(
            role=Role(account.role),
            account=account.id,
            organisation=account.organisation_id,
            signing_key=account.signing_key_id,
            kem_key=account.kem_key_id,
            habilitated=await self._beliefs.is_habilitated(view, account, self._clock.now()),
            read_only=read_only,
            expires=expires,
        )

    async def _by_token(self, view: View, secret_hash: bytes) -> Principal:
        token = await view.tokens.by_secret(secret_hash)
        if token is None or not hmac.compare_digest(token.secret_hash, secret_hash):
            raise _unknown()
        who = await self.of_account(
            view, token.account_id, expires=token.expires_at, read_only=token.read_only
        )
        self._check_time(token.expires_at, token.revoked_at)
        return replace(who, token=token.id)

    async def _by_session(self, view: View, secret_hash: bytes) -> Principal:
        session = await view.sessions.by_secret(secret_hash)
        if session is None or not hmac.compare_digest(session.secret_hash, secret_hash):
            raise _unknown()
        if session.account_id is None:
            who = Principal(role=Role.EDITOR, signing_key=session.signing_key_id, expires=session.expires_at)
            if not await view.depositors.standing(session.signing_key_id):
                raise _unknown()
        else:
            who = await self.of_account(view, session.account_id, expires=session.expires_at)
            if who.signing_key != session.signing_key_id:
                # The account has another identity since.
                raise _unknown()
        self._check_time(session.expires_at, session.ended_at)
        return replace(who, session=session.id)

    def _check_time(self, expires: int, ended: int | None) -> None:
        if ended is not None:
            raise _unknown()
        if expires <= self._clock.now():
            raise RefusedError(Code.CREDENTIAL_EXPIRED, "the token or session has expired; sign in again")


def _unknown() -> RefusedError:
    return RefusedError(Code.UNAUTHENTICATED, "the token or session is not known, or was ended")
