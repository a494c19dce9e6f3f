"""One of the crowd who gives dossiers their next key, to the end, and re-encrypts what they hold."""

from keys.keyfile import Use
from keys.keyring import Identity
from tests.crash.audit import opened
from tests.crash.crowd import was_deposited
from tests.crash.inspection import Fault, Kind
from tests.crash.ledger import Change
from tests.crash.openers import Deposited, Opener
from tests.crash.town import seal_id_of
from tests.exchange.acts_of_people import unpack
from tests.exchange.acts_on_dossiers import DossierAt
from tests.exchange.again import seal_again
from tests.exchange.cutting import cut
from vault.api.route import IDEMPOTENCY_HEADER
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError, Outcome
from vault.journal import Action

MOST = 3
"""Proofs in one dossier."""


class Rotator(Opener):
    """Opens a dossier, rotates and re-encrypts it, and erases it in the end.

    Attributes:
        rotated: dossiers that went all the way.
        erased: dossiers that were.
    """

    rotated = erased = 0

    async def one(self) -> None:
        found = await self.open()
        if found is None:
            return
        dossier, gone = found
        editor = await self.let_in(dossier)
        there = []
        for _ in range(self.rng.randrange(1, MOST + 1)):
            if (deposited := await self.deposit(dossier, editor)) is None:
                return
            there.append(deposited)
        turned = await self._turn(dossier)
        if turned is None:
            return
        following, grants = turned
        there = [await self._rewrap(one, dossier, following) for one in there]
        await self._retire(dossier, gone)
        gone |= grants | {("doomed", one.seal_id): ("active", 1, 2, True) for one in there}
        last = there.pop()
        moved = await self._reencrypt(last, following)
        if moved is None:
            return
        there.append(moved)
        gone["doomed", last.seal_id] = ("archived", 0, 2, True)
        gone["doomed", moved.seal_id] = ("active", 1, 1, True)
        for one in there:
            await self._look_into(one, dossier, following)
        self.rotated += 1
        self.erased += await self.end(dossier, gone)

    async def _turn(self, dossier):
        """Give a dossier its next key; return it, and what is left of its grants once it is erased."""
        made, key = self.made, Identity.generate(Use.DOSSIER)
        body = made.town.rotation_request(made.admin.identity, dossier, key, [made.admin.identity])
        grants = [("grant", unpack(grant).id.hex()) for grant in body["grants"]]
        headers = {IDEMPOTENCY_HEADER: f"rotate-{dossier.id}"}

        def send(town):
            path = {"dossier": dossier.id}
            return town.ask("rotate_dossier_key", path, token=made.admin.token, json=body, headers=headers)

        change = Change(dict.fromkeys(grants, False), Action.DOSSIER_KEY_ROTATED.value)
        if await self.change("rotate", change, send, 201) is None:
            return None
        return DossierAt(dossier.id, key, dossier.organisation), dict.fromkeys(grants)

    async def _rewrap(self, one: Deposited, dossier, following) -> Deposited:
        """Wrap a container to the next key, and return it as it is then."""
        town, keys = self.made.town, (2, following.key.public.kem)
        head = town.rewrap(one.container, dossier, town.authority, keys=keys, recipients=[])
        path, headers = {"evidence": one.evidence, "number": 1}, {"If-Match": '"1"'}

        def send(town):
            token = self.made.admin.token
            return town.ask("rewrite_envelope", path, token=token, data=head, headers=headers)

        def rewritten(answer):
            return answer.code == "precondition_failed" and answer.json["extra"]["generation"] == 2

        change = Change({("doomed", one.seal_id): ("active", 1, 2, False)}, Action.ENVELOPE_REWRITTEN.value)
        await self.change("wrap to the next key", change, send, 200, rewritten)
        return one._replace(container=head + b"".join(cut(one.container)[1:]))

    async def _retire(self, dossier, grants) -> None:
        """Have it certified that nothing has a slot for the first key any more, which ends its grants."""
        path = {"dossier": dossier.id, "generation": 1}
        change = Change(
            {("retired", f"{dossier.id} 1"): True} | dict.fromkeys(grants, True),
            Action.DOSSIER_KEY_RETIRED.value,
        )
        await self.change(
            "retire a key",
            change,
            lambda town: town.ask("retire_dossier_key", path, token=self.made.admin.token),
            200,
        )

    async def _reencrypt(self, one: Deposited, following) -> Deposited | None:
        """Put a new container in the place of one, which is erased, and return the new one."""
        made, path = self.made, {"evidence": one.evidence, "number": 1}
        recipients = (
            CarriedRecipient("dossier", 2, following.key.public.kem),
            CarriedRecipient("recovery", 0, made.town.recovery.public.kem),
        )
        key, signer = following.key.decapsulation, made.admin.identity.signing
        container = seal_again(one.container, key, signer, recipients)
        seal_id = seal_id_of(container)
        old, new = ("doomed", one.seal_id), ("doomed", seal_id)
        change = Change(
            {new: ("active", 1, 1, False), old: ("archived", 0, 2, False)}, Action.EVIDENCE_REENCRYPTED.value
        )

        def send(town):
            return town.ask("reencrypt", path, token=made.admin.token, data=container)

        if await self.change("re-encrypt", change, send, 201, was_deposited) is None:
            return None
        headers = {"If-Match": f'"{seal_id}"'}
        change = Change({old: ("archived", 0, 2, True)}, Action.ORIGINALS_ERASED.value)
        await self.change(
            "erase what was re-encrypted",
            change,
            lambda town: town.ask("erase_originals", path, token=made.admin.token, headers=headers),
            200,
        )
        return Deposited(seal_id, container, one.evidence)

    async def _look_into(self, one: Deposited, dossier, following) -> None:
        """Fetch a container: the next key opens it, the first one does not."""
        path = {"evidence": one.evidence, "number": 1}
        container = await self.fetched(path, self.made.admin.token)
        if container is None:
            return
        if container != one.container:
            self.ledger.faults.append(Fault(Kind.LOST, f"{one.seal_id} is not what was sent"))
        opened(container, following.key)
        try:
            opened(container, dossier.key)
        except ContainerError as error:
            if error.outcome is Outcome.NO_ACCESS:
                return
        self.ledger.faults.append(Fault(Kind.ANSWER, f"the first key opens {one.seal_id}"))
