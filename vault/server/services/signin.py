"""Signing in with a key: a challenge, its signature, a session."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from keys.canonical import encode_binary
from keys.errors import KeyMaterialError
from keys.keyfile import decode_public
from keys.possession import make_challenge, verify_enrolment, verify_sign_in, wrap_challenge
from keys.signing import SIGNATURE_LENGTH
from vault.api.models.signin import Challenge, Session
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.policy import Principal, Role
from vault.server.ports import new_id
from vault.server.refusals import RefusedError
from vault.server.services.acts import Act, actor_of
from vault.server.services.secrets import SESSION_PREFIX, new_token
from vault.server.services.views import bytes_of
from vault.server.stores.records.rows import Challenge as ChallengeRow

if TYPE_CHECKING:
    from keys.keyfile import PublicIdentity
    from vault.api.models.signin import ChallengeRequest, SessionRequest
    from vault.server.ports import Clock, Records
    from vault.server.services.acts import View
    from vault.server.services.identification import Identification
    from vault.server.services.throttling import Throttling

SIGN_IN: Final = "sign-in"
ENROL: Final = "enrol"


class SignIn:
    """Hands out challenges and, for signed ones, sessions."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        identification: Identification,
        throttling: Throttling,
        *,
        origin: str,
        challenge_seconds: int,
        session_seconds: int,
    ) -> None:
        self._records = records
        self._clock = clock
        self._identification = identification
        self._throttling = throttling
        self._origin = origin
        self._challenge_seconds = challenge_seconds
        self._session_seconds = session_seconds

    async def challenge(self, request: ChallengeRequest, act: Act) -> Challenge:
        """Return something to sign. What is answered does not depend on whether the key is known.

        Raises:
            RefusedError: invalid_request; too_many_attempts.
        """
        if (request.key_id is None) == (request.identity is None):
            raise RefusedError(
                Code.INVALID_REQUEST, "send key_id to sign in, or identity to enrol", field="key_id"
            )
        await self._throttling.check(SIGN_IN if request.key_id else ENROL, act.source)
        challenge, expires = make_challenge(), self._clock.now() + self._challenge_seconds
        if request.key_id is not None:
            purpose, key_id, wrapped = SIGN_IN, bytes.fromhex(request.key_id), None
        else:
            assert request.identity is not None
            try:
                identity = decode_public(request.identity)
            except KeyMaterialError as error:
                raise RefusedError(Code.INVALID_REQUEST, str(error), field="identity") from None
            purpose, key_id = ENROL, identity.key_id
            wrapped = wrap_challenge(challenge, identity, origin=self._origin)
        row = ChallengeRow(new_id(), purpose, challenge, key_id, expires)
        async with self._records.bookkeeping() as books:
            await books.challenges.add(row, now=self._clock.now())
        return Challenge(
            id=row.id,
            expires=expires,
            challenge=None if wrapped else encode_binary(challenge),
            wrapped=encode_binary(wrapped) if wrapped else None,
        )

    async def take(self, challenge_id: str, *, purpose: str, key_id: bytes) -> bytes | None:
        """Return a challenge that was handed out for this key, once; None where there is none."""
        async with self._records.bookkeeping() as books:
            found = await books.challenges.take(challenge_id, purpose=purpose, now=self._clock.now())
        if found is None or not hmac.compare_digest(found.key_id, key_id):
            return None
        return found.challenge

    async def prove(self, new: PublicIdentity, challenge_id: str, signature: str) -> None:
        """Return only if the signature is that of both private halves of an identity over a challenge.

        Raises:
            RefusedError: possession_unproven; invalid_request.
        """
        challenge = await self.take(challenge_id, purpose=ENROL, key_id=new.key_id)
        if challenge is None:
            raise RefusedError(
                Code.POSSESSION_UNPROVEN,
                "the challenge was used, or is for another identity",
                field="challenge",
            )
        proof = bytes_of(signature, SIGNATURE_LENGTH, "signature")
        try:
            verify_enrolment(new, proof, origin=self._origin, challenge=challenge)
        except KeyMaterialError:
            raise RefusedError(
                Code.POSSESSION_UNPROVEN,
                f"the signature is not that of this identity over the challenge, for {self._origin}",
                field="signature",
            ) from None

    async def create(self, request: SessionRequest, act: Act) -> Session:
        """Return a session for a signed challenge.

        Every failure gets the same answer: an unknown key, a wrong signature, a challenge that was used.

        Raises:
            RefusedError: sign_in_failed; too_many_attempts.
        """
        await self._throttling.check(SIGN_IN, act.source)
        key_id = bytes.fromhex(request.key_id)
        signature = bytes_of(request.signature, SIGNATURE_LENGTH, "signature")
        challenge = await self.take(request.challenge, purpose=SIGN_IN, key_id=key_id)
        expires = self._clock.now() + self._session_seconds
        async with self._records.read() as view:
            known = await self._known(view, key_id, expires)
        if challenge is None or known is None or not self._answered(known[1], signature, challenge):
            await self._throttling.failed(SIGN_IN, act.source)
            raise RefusedError(
                Code.SIGN_IN_FAILED,
                f"the key is not known here, or the challenge is not signed for {self._origin}",
            )
        who = known[0]
        secret = new_token(SESSION_PREFIX)
        actor = actor_of(who)
        async with self._records.change(act.named(actor.kind, actor.id).origin) as tx:
            row = await tx.sessions.add(
                session_id=new_id(),
                account_id=who.account,
                signing_key_id=key_id,
                secret_hash=secret.hash,
                expires_at=expires,
            )
            await tx.record(Action.SESSION_OPENED, [Subject("session", row.id)], {Fact.KEY: key_id})
        me = await self._identification.me(Act(who=who))
        return Session(token=secret.text, expires=expires, me=me)

    async def end(self, act: Act) -> None:
        """End the session that asks; a token is ended by revoking it, so for one this does nothing."""
        session = act.principal.session
        if session is None:
            return
        async with self._records.change(act.origin) as tx:
            await tx.sessions.end(session)
            await tx.record(Action.SESSION_ENDED, [Subject("session", session)])

    async def _known(self, view: View, key_id: bytes, expires: int) -> tuple[Principal, bytes] | None:
        """Return the principal and the public key for a key id; an account's key is nobody's else."""
        account = await view.accounts.by_signing_key(key_id)
        if account is not None:
            assert account.signing_public is not None
            if account.disabled_at is not None:
                return None
            who = await self._identification.of_account(view, account.id, expires=expires)
            return who, account.signing_public
        depositors = await view.depositors.standing(key_id)
        if not depositors:
            return None
        who = Principal(role=Role.EDITOR, signing_key=key_id, expires=expires)
        return who, depositors[0].signing_public

    def _answered(self, public_key: bytes, signature: bytes, challenge: bytes) -> bool:
        try:
            verify_sign_in(public_key, signature, origin=self._origin, challenge=challenge)
        except KeyMaterialError:
            return False
        return True
