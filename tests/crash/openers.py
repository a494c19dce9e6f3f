"""Those of the crowd who open dossiers of their own, let an editor in, fill them, and end them."""

from typing import NamedTuple

from keys.canonical import encode_binary
from keys.keyfile import Use
from keys.keyring import Identity
from keys.possession import prove_signer
from tests.crash.crowd import SMALL, Client, was_deposited
from tests.crash.ledger import Change, Picture
from tests.crash.town import seal_id_of
from tests.exchange.acts_of_people import unpack
from tests.exchange.acts_on_dossiers import DossierAt
from vault.journal import Action


class Deposited(NamedTuple):
    """The first version of a proof."""

    seal_id: str
    container: bytes
    evidence: str


class Opener(Client):
    """Each dossier is its own, so that nobody else misses it."""

    async def live(self) -> None:
        """Go on for ever."""
        while True:
            await self.one()

    async def one(self) -> None:
        """Take one dossier from its first day to its last; what was refused is a fault already."""
        raise NotImplementedError

    async def open(self) -> tuple[DossierAt, Picture] | None:
        """Open a dossier, and return it with what is left of it once it is erased."""
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

    async def let_in(self, dossier) -> Identity:
        """Give a new editor a mandate."""
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

    def sealed(self, dossier, editor) -> tuple[str, bytes]:
        """Seal something small, and return seal id and container."""
        content = self.rng.randbytes(self.rng.randrange(1, SMALL))
        container = self.made.town.seal(editor.signing, dossier, content=content)
        return seal_id_of(container), container

    async def deposit(self, dossier, editor) -> Deposited | None:
        """Deposit something; None: it was refused."""
        seal_id, container = self.sealed(dossier, editor)
        change = Change({("doomed", seal_id): ("active", 1, 1, False)}, Action.EVIDENCE_DEPOSITED.value)

        def send(town):
            return town.deposit(self.made.portal.token, dossier, container)

        answer = await self.change("deposit elsewhere", change, send, 201, was_deposited)
        if answer is None:
            return None
        said = answer.json["version"] if answer.status == 201 else answer.json["extra"]
        return Deposited(seal_id, container, said["evidence"])

    async def end(self, dossier, gone) -> bool:
        """Close a dossier and erase it; ``gone`` is what is left of what was in it."""
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
            return False
        headers = {"If-Match": f'"{plan.json["root"]}"'}
        answer = await self.change(
            "erase",
            Change({("dossier", dossier.id): "erased"} | gone, Action.DOSSIER_ERASED.value),
            lambda town: town.ask("erase_dossier", path, token=token, headers=headers),
            200,
        )
        if answer is not None and answer.json["waiting"]:
            self.complain("bodies that were left", answer)
        return answer is not None
