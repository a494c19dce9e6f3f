"""One of the crowd who opens dossiers, fills them, closes them and erases them, again and again."""

from keys.canonical import encode_binary
from keys.keyfile import Use
from keys.keyring import Identity
from keys.possession import prove_signer
from tests.crash.crowd import SMALL, Client, was_deposited
from tests.crash.ledger import Change
from tests.crash.town import seal_id_of
from tests.exchange.acts_of_people import unpack
from tests.exchange.acts_on_dossiers import DossierAt
from tests.exchange.cutting import without_payload
from vault.journal import Action

PROCEDURE = "guidé"


class Eraser(Client):
    """Each dossier is its own, so that nobody else misses it.

    Attributes:
        erased: how many were.
    """

    erased = 0

    async def live(self) -> None:
        """Go on for ever."""
        while True:
            await self._one()

    async def _one(self) -> None:
        """Take one dossier from its first day to its last; what was refused is a fault already."""
        opened = await self._open()
        if opened is None:
            return
        dossier, gone = opened
        editor = await self._let_in(dossier)
        for _ in range(self.rng.randrange(3)):
            gone |= await self._deposit(dossier, editor)
        if self.rng.random() < 0.5:
            gone |= await self._begin(dossier, editor)
        await self._end(dossier, gone)

    async def _open(self):
        made, key = self.made, Identity.generate(Use.DOSSIER)
        body = made.town.dossier_request(made.portal.identity, [made.admin.identity], key=key)
        grants = [("grant", unpack(grant).id.hex()) for grant in body["grants"]]
        after = {("dossier", body["id"]): "open"} | dict.fromkeys(grants, False)
        answer = await self.change(
            "open a dossier",
            Change(after, Action.DOSSIER_CREATED.value),
            lambda town: town.ask("create_dossier", token=made.portal.token, json=body),
            201,
            lambda answer: answer.code == "already_exists",
        )
        if answer is None:
            return None
        return DossierAt(body["id"], key, made.dossier.organisation), dict.fromkeys(grants)

    async def _let_in(self, dossier) -> Identity:
        made, editor = self.made, Identity.generate(Use.PERSON)
        body = made.town.mandate_request(made.portal.identity, dossier.id, editor)

        def send(town):
            # Where it is proven that the key is there is where the server is now.
            proof = prove_signer(editor.signing, origin=town.origin, dossier=dossier.id)
            proven = body | {"possession": encode_binary(proof)}
            return town.ask("add_depositor", {"dossier": dossier.id}, token=made.portal.token, json=proven)

        change = Change({("mandate", unpack(body["mandate"]).id.hex()): True}, Action.DEPOSITOR_ADDED.value)
        await self.change("let in", change, send, 201, lambda answer: answer.code == "already_exists")
        return editor

    def _sealed(self, dossier, editor) -> tuple[str, bytes]:
        content = self.rng.randbytes(self.rng.randrange(1, SMALL))
        container = self.made.town.seal(editor.signing, dossier, content=content)
        return seal_id_of(container), container

    async def _deposit(self, dossier, editor):
        """Deposit something, and return what is left of it once the dossier is erased."""
        seal_id, container = self._sealed(dossier, editor)
        change = Change({("doomed", seal_id): ("active", 1, 1, False)}, Action.EVIDENCE_DEPOSITED.value)

        def send(town):
            return town.deposit(self.made.portal.token, dossier, container)

        answer = await self.change("deposit elsewhere", change, send, 201, was_deposited)
        return {} if answer is None else {("doomed", seal_id): ("active", 1, 1, True)}

    async def _begin(self, dossier, editor):
        """Begin an upload that nobody will go on with."""
        seal_id, container = self._sealed(dossier, editor)
        start, path = without_payload(container), {"dossier": dossier.id}
        answer = await self.change(
            "begin an upload elsewhere",
            Change({("upload", seal_id): ("open", 1, frozenset())}),
            lambda town: town.ask("begin_upload", path, token=self.made.portal.token, data=start),
            200,
        )
        return {} if answer is None else {("upload", seal_id): None}

    async def _end(self, dossier, gone) -> None:
        token, path = self.made.admin.token, {"dossier": dossier.id}
        await self.change(
            "close",
            Change({("dossier", dossier.id): "closed"}, Action.DOSSIER_CLOSED.value),
            lambda town: town.ask("close_dossier", path, token=token),
            200,
            lambda answer: answer.code == "dossier_closed",
        )
        plan, _ = await self.crowd.ask(lambda town: town.ask("get_erasure", path, token=token))
        if plan.status != 200:
            self.complain("plan", plan)
            return
        headers = {"If-Match": f'"{plan.json["root"]}"'}
        answer = await self.change(
            "erase",
            Change({("dossier", dossier.id): "erased"} | gone, Action.DOSSIER_ERASED.value),
            lambda town: town.ask("erase_dossier", path, token=token, headers=headers),
            200,
        )
        if answer is not None:
            self.erased += 1
            if answer.json["waiting"]:
                self.complain("bodies that were left", answer)
