"""The server's key names the one that follows it: once, for a moment to come, in one change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.keyfile import Use
from keys.statements import Habilitation, Succession, momentary, read_unjudged, sign_statement
from keys.trust import Trust
from vault.api.problems import Code
from vault.journal import Action, Fact, Subject
from vault.server.refusals import RefusedError
from vault.server.services import views
from vault.server.services.beliefs import SERVER_HABILITATION, Beliefs
from vault.server.services.keeping import keep
from vault.server.services.serverkeys import standing_from

if TYPE_CHECKING:
    from keys.keyfile import PublicIdentity
    from vault.server.ports import Clock, Origin, Records
    from vault.server.services.acts import View
    from vault.server.services.serverkeys import Held, Standing


class NextKey:
    """What the records say of the server's keys, and how the next one is announced."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._beliefs = Beliefs()

    async def look(self) -> Standing:
        """Return who signs, and who will.

        Raises:
            RefusedError: authority_missing.
        """
        async with self._records.read() as view:
            return await self._standing(view, self._clock.now())

    async def announce(self, held: Held, new: PublicIdentity, *, seconds: int, origin: Origin) -> Succession:
        """Let the present key say that ``new`` signs from ``seconds`` from now on.

        Until then every server can be given the file; nobody signs with it, and the present key goes on.

        Args:
            held: the present key.
            new: of the next one.
            seconds: until it takes over.
            origin: who does this.

        Raises:
            RefusedError: authority_missing; conflict: another key signs by now, or the next is announced
                already; statement_invalid: the new key signed before, or is for another use.
        """
        async with self._records.change(origin) as tx:
            authority = await self._beliefs.require_authority(tx)
            standing = await self._standing(tx, tx.now)
            if standing.present != held.identity:
                raise RefusedError(Code.CONFLICT, "another key signs for this service")
            if standing.coming is not None:
                raise RefusedError(Code.CONFLICT, "the next key is announced already")
            if new.use is not Use.SERVICE or new in {standing.present, *standing.former}:
                raise RefusedError(Code.STATEMENT_INVALID, "this key cannot be a server's next one")
            at = tx.now + seconds
            said = Succession(held.key.public_key, **momentary(at), old=held.identity, new=new)
            signed = sign_statement(said, held.key)
            # It speaks of a time to come, and is judged as it will be then.
            verified = Trust(authority.signing).verify(signed, Succession, at=at)
            await keep(tx, verified, subject=held.identity.signing_key_id)
            await tx.record(
                Action.SERVER_SUCCEEDED,
                [Subject("server", new.signing_key_id.hex())],
                {
                    Fact.KEY: new.signing_key_id,
                    Fact.SIGNER: held.identity.signing_key_id,
                    Fact.STATEMENT: verified.id,
                    Fact.UNTIL: at,
                },
            )
        return said

    async def _standing(self, view: View, now: int) -> Standing:
        await self._beliefs.require_authority(view)
        vouched = await self._beliefs.named(view, SERVER_HABILITATION)
        assert vouched is not None
        return await standing_from(view, read_unjudged(views.stored(vouched), Habilitation).subject, now)
