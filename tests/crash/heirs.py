"""Depositors who hand over and take their templates over, each prepared for one act."""

from dataclasses import dataclass

from client.remote.handover import hand_over
from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import Person
from tests.exchange.acts_on_dossiers import DossierAt, examine_whole
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock


@dataclass
class Heirs:
    """What is ready to be sent.

    Attributes:
        old: who hands over to ``new``, and its session.
        owner: session of who takes its template over, by ``replacement``.
        keeper: session of who gives its template another password, by ``head``.
    """

    dossier: DossierAt
    old: Identity
    new: Identity
    session: str
    said_at: int
    owner: str
    taken: dict
    replacement: bytes
    new_seal: str
    keeper: str
    kept: dict
    head: bytes

    async def succeed(self, town):
        # The proof names the address of the server, which is another one each time.
        request = hand_over(self.old, self.new, self.dossier.id, town.origin, now=self.said_at)
        path = {"dossier": self.dossier.id}
        body = request.model_dump(mode="json")
        return await town.ask("succeed_depositor", path, token=self.session, json=body)

    async def replace(self, town):
        path = {"dossier": self.dossier.id, "template": self.taken["id"]}
        headers = {"If-Match": f'"{self.taken["seal_id"]}"'}
        return await town.ask(
            "replace_template", path, token=self.owner, data=self.replacement, headers=headers
        )

    async def rewrite(self, town):
        path = {"dossier": self.dossier.id, "template": self.kept["id"]}
        headers = {"If-Match": '"1"'}
        return await town.ask("rewrite_template", path, token=self.keeper, data=self.head, headers=headers)


async def prepare_heirs(town, dossier) -> Heirs:
    """Give mandates, store templates, seal and sign what will be sent."""
    authority = Person("", town.root, town.authority)
    old, owner, keeper = [await town.depositor(authority, dossier) for _ in range(3)]
    stored = {}
    for depositor in (owner, keeper):
        template = town.template(dossier, depositor)
        path = {"dossier": dossier.id}
        issued = await town.ok("create_template", path, token=town.root, data=template)
        stored[depositor.public] = (issued["template"], template)
    taken, _ = stored[owner.public]
    kept, template = stored[keeper.public]
    replacement = town.template(dossier, owner)
    return Heirs(
        dossier=dossier,
        old=old,
        new=Identity.generate(Use.PERSON),
        session=await town.session(old),
        said_at=town.clock.now(),
        owner=await town.session(owner),
        taken=taken,
        replacement=replacement,
        new_seal=examine_whole(replacement).seal.seal_id.hex(),
        keeper=await town.session(keeper),
        kept=kept,
        head=other_password(template, keeper),
    )


def other_password(template: bytes, depositor: Identity) -> bytes:
    """Return preamble and envelope of a template that opens with another password than `World.template`'s."""
    examined = examine_whole(template)
    unlocked = unlock(examined, PasswordAccess("editrice", "correct horse battery"))
    access = PasswordAccess("editrice", "une autre phrase de passe", identity=depositor.seed)
    envelope = rewrap(examined, unlocked, depositor.signing, remove=[unlocked.slot_id], passwords=[access])
    return replace_envelope(examined, envelope)
