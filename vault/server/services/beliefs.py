"""What the server believes: only what the published authority, and whom it habilitates, has signed.

Statements are stored, and none is believed for that. Each is judged at the time of the act that it backs,
with the few others that it rests on: the habilitations of its issuer, their withdrawals, and those of whoever
withdrew.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from keys.derivation import key_id
from keys.errors import KeyMaterialError, StatementError
from keys.keyfile import decode_public
from keys.statements import (
    Approval,
    DossierKey,
    Grant,
    Habilitation,
    Mandate,
    Statement,
    Succession,
    read_unjudged,
)
from keys.trust import Trust, Verified
from vault.api.problems import Code
from vault.server.refusals import RefusedError
from vault.server.services import views

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Sequence

    from keys.keyfile import PublicIdentity
    from keys.kinds import Role
    from keys.statements import Signed
    from vault.api.models.base import SignedStatement
    from vault.server.policy import Principal
    from vault.server.services.acts import View
    from vault.server.stores.records import rows

S = TypeVar("S", bound=Statement)

AUTHORITY: Final = "authority"
"""The fact that pins the authority's public key file."""
SERVER_HABILITATION: Final = "authority.server"
"""The fact that names the statement by which the authority habilitates the server."""
RECOVERY: Final = "authority.recovery"
"""The fact that names the authority's first recovery-key statement."""

_HABILITABLE: Final[dict[str, Role]] = {"reviewer": "reviewer", "portal": "portal", "admin": "admin"}
_REMEMBERED: Final = 256
"""How many sets of judged statements are kept; each has a few statements of ten kilobytes."""
_SUBJECTS: Final = 65_536
"""For how many habilitations it is remembered whom they name: two digests each."""


class Grounds(NamedTuple):
    """What a judgement rests on: habilitations, their withdrawals, successions."""

    habilitations: tuple[rows.StoredStatement, ...]
    withdrawals: tuple[rows.StoredStatement, ...]
    successions: tuple[rows.StoredStatement, ...]

    @property
    def all(self) -> tuple[rows.StoredStatement, ...]:
        """All of them."""
        return self.habilitations + self.withdrawals + self.successions


class Beliefs:
    """Judges statements by what the authority vouches for; holds no state but what it verified before."""

    def __init__(self) -> None:
        self._trusts: OrderedDict[tuple[bytes, ...], Trust] = OrderedDict()
        self._subjects: dict[bytes, bytes] = {}

    async def authority(self, view: View) -> PublicIdentity | None:
        """Return the published authority, None before that."""
        text = await view.facts.get(AUTHORITY)
        return decode_public(text.decode()) if text is not None else None

    async def require_authority(self, view: View) -> PublicIdentity:
        """Return the published authority.

        Raises:
            RefusedError: authority_missing.
        """
        authority = await self.authority(view)
        if authority is None:
            raise RefusedError(Code.AUTHORITY_MISSING, "an admin has to publish the authority first")
        return authority

    async def present_authority(self, view: View) -> PublicIdentity:
        """Return who speaks as the authority now: the published one, or whoever followed it.

        Raises:
            RefusedError: authority_missing.
        """
        found = await self.require_authority(view)
        for row in await self.successions(view, found.signing_key_id):
            found = read_unjudged(views.stored(row), Succession).new
        return found

    async def named(self, view: View, fact: str) -> rows.StoredStatement | None:
        """Return the statement that a fact names."""
        statement_id = await view.facts.get(fact)
        return await view.statements.get(statement_id) if statement_id is not None else None

    @staticmethod
    async def recovery(view: View) -> rows.StoredStatement | None:
        """Return the authority's word on the present recovery key: the last that was published."""
        published = await view.statements.find("recovery key")
        return published[-1] if published else None

    async def accept(
        self,
        view: View,
        signed: Signed,
        kind: type[S],
        *,
        now: int,
        field: str,
        opener: bytes | None = None,
    ) -> Verified[S]:
        """Return a statement that is handed in now, if it counts.

        Args:
            view: the open transaction.
            signed: what was sent.
            kind: what it has to be.
            now: UTC seconds.
            field: where it stood in the request.
            opener: signing public key of the portal that opened the dossier, where one did.

        Raises:
            RefusedError: statement_invalid, with the reason; authority_missing.
        """
        try:
            issuer = read_unjudged(signed, kind).issuer
            trust = await self._trust(view, await self.grounds(view, [key_id(issuer)]))
            return trust.admit(signed, kind, now=now, opener=opener)
        except KeyMaterialError as error:
            raise invalid(error, field) from None

    async def accept_own(
        self, view: View, signed: Signed, key: bytes, *, now: int, field: str
    ) -> Verified[Grant]:
        """Return a grant that the holder of a signing public key made to itself, if it counts now.

        Raises:
            RefusedError: statement_invalid, with the reason; authority_missing.
        """
        try:
            trust = await self._trust(view, await self.grounds(view, [key_id(key)]))
            return trust.verify_own(signed, key, at=now)
        except KeyMaterialError as error:
            raise invalid(error, field) from None

    async def opener(self, view: View, dossier_id: str) -> bytes | None:
        """Return the signing public key of whoever issued a dossier's first key statement."""
        found = await view.statements.find("dossier key", dossier_id=dossier_id, generation=1)
        return read_unjudged(views.stored(found[0]), DossierKey).issuer if found else None

    async def is_habilitated(self, view: View, account: rows.Account, at: int) -> bool:
        """Tell whether the account's identity has a habilitation for its role that is valid at ``at``."""
        return await self.habilitation(view, account, at) is not None

    async def habilitation(self, view: View, account: rows.Account, at: int) -> Verified[Habilitation] | None:
        """Return the habilitation by which an account may act in its role at the time ``at``."""
        role = _HABILITABLE.get(account.role)
        if role is None or account.signing_public is None or account.signing_key_id is None:
            return None
        if await self.authority(view) is None:
            return None
        trust = await self._trust(view, await self.grounds(view, [account.signing_key_id]))
        try:
            return trust.habilitation(account.signing_public, role, at=at)
        except StatementError:
            return None

    async def in_scope(self, view: View, who: Principal, procedure: str, at: int) -> bool:
        """Tell whether the habilitation of who asks covers a démarche; one without scope covers all."""
        account = await view.accounts.get(who.account) if who.account else None
        return account is not None and await self.covers(view, account, procedure, at)

    async def covers(self, view: View, account: rows.Account, procedure: str, at: int) -> bool:
        """Tell whether an account's habilitation covers a démarche at the time ``at``."""
        found = await self.habilitation(view, account, at)
        return found is not None and (not found.statement.scope or procedure in found.statement.scope)

    async def habilitation_rows(
        self, view: View, account: rows.Account
    ) -> tuple[rows.StoredStatement | None, rows.StoredStatement | None]:
        """Return an account's habilitation and what withdrew it, as stored.

        Of several the latest that is not withdrawn, so that whoever withdraws them sees the next one; else
        the latest.
        """
        if account.signing_key_id is None:
            return None, None
        found = await view.statements.find("habilitation", subject=account.signing_key_id)
        if not found:
            return None, None
        standing = [row for row in found if row.withdrawn_by is None]
        if standing:
            return standing[-1], None
        latest = found[-1]
        assert latest.withdrawn_by is not None
        return latest, await view.statements.get(latest.withdrawn_by)

    async def line(self, view: View, dossier_id: str, signing_key_id: bytes) -> frozenset[bytes]:
        """Return the ids of the keys whose place a key has in a dossier, its own among them.

        What those sealed is its own: it may see, fetch, replace and rewrite it.
        """
        found = {signing_key_id}
        for origin in await view.depositors.origins(dossier_id, signing_key_id):
            found.update(await self.chain(view, origin))
        return frozenset(found)

    async def present(self, view: View, signing_key_id: bytes) -> bytes:
        """Return the id of the key that has a depositor's place now: its own, or that of who followed it."""
        return (await self.chain(view, signing_key_id))[-1]

    @staticmethod
    async def chain(view: View, signing_key_id: bytes) -> list[bytes]:
        """Return the ids of the keys from one on to that which has its place now."""
        return [key async for key, _rows in _walk(view, signing_key_id)]

    @staticmethod
    async def successions(view: View, signing_key_id: bytes) -> tuple[rows.StoredStatement, ...]:
        """Return the successions that lead from a key to that which has its place now, in order."""
        return tuple([row async for _key, handed in _walk(view, signing_key_id) for row in handed])

    async def inherited(self, view: View, account: rows.Account) -> tuple[rows.StoredStatement, ...]:
        """Return how an account's identity followed those that its habilitations name."""
        assert account.signing_key_id is not None
        found: dict[bytes, rows.StoredStatement] = {}
        for habilitation in await view.statements.find("habilitation", subject=account.signing_key_id):
            for row in await self.successions(view, self._subject(habilitation)):
                found[row.id] = row
        return tuple(found.values())

    async def mandates(
        self, view: View, dossier_id: str, signing_key_id: bytes, at: int
    ) -> tuple[Mandate, ...]:
        """Return the mandates that count for a signing key in a dossier at the time ``at``.

        Those are the ones that it was given, or that were given to a key whose place it has.
        """
        found = await view.depositors.mandates(dossier_id, signing_key_id)
        if not found or await self.authority(view) is None:
            return ()
        opener = await self.opener(view, dossier_id)
        counting = []
        for row in found:
            assert row.subject is not None
            grounds = await self.grounds(view, [row.issuer, row.subject])
            withdrawals = await view.statements.find("withdrawal", subject=row.id)
            trust = await self._trust(view, grounds._replace(withdrawals=grounds.withdrawals + withdrawals))
            try:
                verified = trust.verify(views.stored(row), Mandate, at=at, opener=opener)
            except KeyMaterialError:
                continue
            mandate = verified.statement
            if mandate.dossier == dossier_id and signing_key_id in trust.mandated(mandate.signer, at=at):
                counting.append(mandate)
        return tuple(counting)

    async def approval(self, view: View, row: rows.StoredStatement, at: int) -> Approval | None:
        """Return what a stored approval says, None where it does not count at the time ``at``."""
        grounds = await self.grounds(view, [row.issuer])
        withdrawals = await view.statements.find("withdrawal", subject=row.id)
        trust = await self._trust(view, grounds._replace(withdrawals=grounds.withdrawals + withdrawals))
        try:
            return trust.verify(views.stored(row), Approval, at=at).statement
        except KeyMaterialError:
            return None

    async def issuers(
        self, view: View, statements: Collection[rows.StoredStatement]
    ) -> tuple[SignedStatement, ...]:
        """Return what ``statements`` are judged by.

        Those are their issuers' habilitations, what ended those, and who followed the signers of mandates
        and the writers that dossier keys list.
        """
        keys = {row.issuer for row in statements}
        keys |= {row.subject for row in statements if row.kind == "mandate" and row.subject is not None}
        keys |= await self._writers_gone(view, statements)
        grounds = await self.grounds(view, keys)
        return tuple(views.statement(row) for row in grounds.all)

    async def grounds(self, view: View, keys: Iterable[bytes]) -> Grounds:
        """Return what is known of signing keys (by key id): who followed them, who withdrew what."""
        authority = await self.authority(view)
        waiting, seen = [*keys, *([authority.signing_key_id] if authority else [])], set[bytes]()
        habilitations: dict[bytes, rows.StoredStatement] = {}
        withdrawals: dict[bytes, rows.StoredStatement] = {}
        successions: dict[bytes, rows.StoredStatement] = {}
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            for habilitation in await view.statements.find("habilitation", subject=key):
                habilitations[habilitation.id] = habilitation
                # The key that it names may have handed over since.
                waiting.append(self._subject(habilitation))
                for withdrawal in await view.statements.find("withdrawal", subject=habilitation.id):
                    withdrawals[withdrawal.id] = withdrawal
                    waiting.append(withdrawal.issuer)
            for succession in await view.statements.find("succession", subject=key):
                successions[succession.id] = succession
                waiting.append(read_unjudged(views.stored(succession), Succession).new.signing_key_id)
        return Grounds(
            tuple(habilitations.values()), tuple(withdrawals.values()), tuple(successions.values())
        )

    async def judge(self, view: View, keys: Iterable[bytes]) -> Trust:
        """Return the judge who knows what is known of signing keys (by key id), and of the authority.

        Raises:
            RefusedError: authority_missing.
        """
        return await self._trust(view, await self.grounds(view, keys))

    async def _writers_gone(self, view: View, statements: Iterable[rows.StoredStatement]) -> set[bytes]:
        """Return the ids of the writers that dossier keys list and that handed over."""
        listed: set[bytes] = set()
        for row in statements:
            if row.kind == "dossier key":
                listed.update(read_unjudged(views.stored(row), DossierKey).writers)
        return {key for key in listed if await view.statements.find("succession", subject=key)}

    def _subject(self, row: rows.StoredStatement) -> bytes:
        """Return the id of the signing key that a stored habilitation names."""
        found = self._subjects.get(row.id)
        if found is None:
            found = read_unjudged(views.stored(row), Habilitation).subject.signing_key_id
            if len(self._subjects) >= _SUBJECTS:
                self._subjects.clear()
            self._subjects[row.id] = found
        return found

    async def _trust(self, view: View, grounds: Grounds) -> Trust:
        authority = await self.require_authority(view)
        name = (authority.signing_key_id, *sorted(row.id for row in grounds.all))
        trust = self._trusts.get(name)
        if trust is None:
            trust = Trust(authority.signing, [views.stored(row) for row in grounds.all])
            self._trusts[name] = trust
            if len(self._trusts) > _REMEMBERED:
                self._trusts.popitem(last=False)
        self._trusts.move_to_end(name)
        return trust


async def _walk(
    view: View, signing_key_id: bytes
) -> AsyncIterator[tuple[bytes, Sequence[rows.StoredStatement]]]:
    """Yield the keys from one on to that which has its place now, each with how it handed over."""
    seen, key = set[bytes](), signing_key_id
    while key not in seen:
        seen.add(key)
        handed = await view.statements.find("succession", subject=key)
        yield key, handed
        for row in handed:
            key = read_unjudged(views.stored(row), Succession).new.signing_key_id


def invalid(error: KeyMaterialError, field: str) -> RefusedError:
    """Return the refusal of a statement; the text of these errors is made for the one who sent it."""
    extra = {"reason": error.reason.value} if isinstance(error, StatementError) else None
    return RefusedError(Code.STATEMENT_INVALID, str(error), field=field, extra=extra)
