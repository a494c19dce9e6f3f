"""Taking a template over: a new key and password, and the mandate goes along by the old key's succession.

Every step can be the last one before the machine dies: the same call goes on from there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from client.errors import N_, AccessProblem, ConflictProblem
from client.policies import require_passwords, to_note
from client.remote.granting import fetch_keys, keep_judged
from client.remote.handover import succeed
from client.remote.pages import every
from client.remote.problems import NothingThere, ServiceProblem, SignInRefused, StateConflict
from client.remote.signin import sign_in
from client.remote.templating import seal_template
from client.remote.uploading import upload_bytes
from keys.derivation import DEFAULT_COST, PasswordCost
from keys.keyfile import Use
from keys.keyring import Identity
from vault.api.models.base import Paging
from vault.api.problems import Code
from vault.container.arrival import ArrivalExaminer
from vault.container.slots import PasswordAccess

if TYPE_CHECKING:
    from collections.abc import Collection

    from client.exchange.takeover import Takeover
    from client.profile import ServiceProfile
    from client.remote.service import Service
    from client.trust import Anchor
    from keys.statements import DossierKey
    from vault.api.models.base import Page
    from vault.api.models.dossiers import Template

MAX_FORMER: Final = 8
"""Keys that a template carries beside the depositor's: a container has sixteen passwords at most."""

_ATTEMPTS: Final = 3


class Owned(NamedTuple):
    """A template that was taken over, here and at the service.

    Attributes:
        depositor: key id of the new key.
        former: key id of the one before.
        template: what the service stores; None where the template was withdrawn there.
    """

    depositor: bytes
    former: bytes
    template: Template | None


class Owning:
    """One take-over at one service.

    Args:
        service: where the template was fetched; nobody has to be signed in.
        known: the profile, which keeps the dossier's keys.
        anchor: whom to trust there.
        takeover: the template, opened.
        access: the user name and password that opened it.
        cost: Argon2id costs of the passwords.
    """

    def __init__(
        self,
        service: Service,
        known: ServiceProfile,
        anchor: Anchor,
        takeover: Takeover,
        *,
        access: PasswordAccess,
        cost: PasswordCost = DEFAULT_COST,
    ) -> None:
        self._service = service
        self._known = known
        self._anchor = anchor
        self._takeover = takeover
        self._access = access
        self._cost = cost
        self._dossier = takeover.held.seal.dossier

    async def take_over(self, password: str) -> Owned:
        """Give the template a new key and ``password``, and hand the mandate over to that key.

        When this returns, the template on disk opens with the new password alone; what lies beside it is for
        the caller to end, once the password was handed out.

        Raises:
            AccessProblem: the service does not know the key in the template, or its mandate is over.
            ConflictProblem: it was taken over too often.
            ServiceProblem, TransportProblem: the service refuses or does not answer; the same call goes on.
        """
        line = await self._hand_over()
        made = await asyncio.to_thread(self._seal, await self._current_key(), password, line)
        stored = await self._replace(made, {each.public.signing_key_id.hex() for each in line})
        self._takeover.replace(made)
        return Owned(line[0].public.signing_key_id, line[1].public.signing_key_id, stored)

    async def _hand_over(self) -> tuple[Identity, ...]:
        """Return the new key and those before it: the service knows the new one, and no other any more."""
        held = self._takeover.held.identities
        if self._takeover.begun:
            if await self._is_known(held[0]):
                return held
            await self._sign_in_as_before(held[1])
            line = held
        else:
            if len(held) > MAX_FORMER:
                raise ConflictProblem(
                    N_("{path}: this template was taken over too often; ask for a new one"),
                    path=self._takeover.path,
                )
            await self._sign_in_as_before(held[0])
            line = (Identity.generate(Use.PERSON), *held)
            key = await self._current_key()
            self._takeover.begin(await asyncio.to_thread(self._seal, key, self._access.password, line))
        await self._succeed(line[1], line[0])
        return line

    async def _succeed(self, old: Identity, new: Identity) -> None:
        try:
            await succeed(self._service, old, new, self._dossier, now=self._anchor.now())
        except ServiceProblem as problem:
            # A refusal may be the echo of a success whose answer was lost.
            if await self._is_known(new):
                return
            if isinstance(problem, NothingThere):
                # Nobody heard of the new key, and nobody will.
                self._takeover.end()
                raise self._no_mandate() from None
            raise
        await sign_in(self._service, new)

    async def _is_known(self, identity: Identity) -> bool:
        """Sign in, if the service knows the key."""
        try:
            await sign_in(self._service, identity)
        except SignInRefused as problem:
            if problem.code is not Code.SIGN_IN_FAILED:
                raise
            return False
        return True

    async def _sign_in_as_before(self, identity: Identity) -> None:
        if not await self._is_known(identity):
            raise AccessProblem(
                N_(
                    "{url} does not know the key in this template any more: its mandate was withdrawn, or "
                    "the template was taken over already, and its current copy opens with the new password; "
                    "if that was not you, tell whoever sent you the link"
                ),
                url=self._service.url,
            )

    def _no_mandate(self) -> AccessProblem:
        return AccessProblem(
            N_(
                "the mandate of this template for dossier {dossier} was withdrawn or has run out; "
                "ask whoever sent you the link for a new template"
            ),
            dossier=self._dossier,
        )

    async def _current_key(self) -> DossierKey:
        try:
            fetched = await fetch_keys(self._service, self._dossier)
        except NothingThere:
            raise self._no_mandate() from None
        key = keep_judged(self._known, self._anchor, fetched).current_key()
        # Before anything is changed: a template without a password opens to nobody.
        require_passwords(self._known.policy(self._dossier))
        return key

    def _seal(self, key: DossierKey, password: str, line: tuple[Identity, ...]) -> bytes:
        name = self._access.username
        accesses = [PasswordAccess(name, password, identity=each.seed) for each in line]
        note = to_note(self._known.policy(self._dossier))
        return seal_template(self._anchor, line[0], key, *accesses, note=note, cost=self._cost)

    async def _replace(self, made: bytes, keys: set[str]) -> Template | None:
        """Put the template in the place of the stored one; None where that was withdrawn."""
        seal_id, refusal = _seal_id(made), None
        for _attempt in range(_ATTEMPTS):
            stored = await find_template(self._service, self._dossier, keys)
            if stored is None or stored.seal_id == seal_id:
                return stored
            try:
                return await self._service.replace_template(
                    self._dossier, stored.id, upload_bytes(made), if_match=stored.seal_id
                )
            except NothingThere:
                return None
            except StateConflict as problem:
                # Sent twice because an answer was lost, or taken over at the same time from another copy.
                refusal = problem
        assert refusal is not None
        raise refusal


async def find_template(service: Service, dossier: str, keys: Collection[str]) -> Template | None:
    """Return the stored template that carries one of these keys, None where it was withdrawn.

    Args:
        service: signed in as the editor.
        dossier: its dossier.
        keys: key ids, in hexadecimal.
    """

    async def page(query: Paging) -> Page[Template]:
        return await service.list_templates(dossier, query)

    async for stored in every(page, Paging()):
        if stored.signer in keys and not stored.withdrawn:
            return stored
    return None


def _seal_id(container: bytes) -> str:
    examiner = ArrivalExaminer()
    examiner.update(container)
    return examiner.finalize().seal.seal_id.hex()
