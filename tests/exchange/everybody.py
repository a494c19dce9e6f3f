"""All actors of the access matrix, at one service: two tenants, two dossiers, and everyone around them."""

from dataclasses import dataclass
from typing import Any

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import Person
from tests.exchange.acts_on_dossiers import DossierAt, signer_id
from tests.exchange.world import World


@dataclass(repr=False)
class Everybody:
    """Who there is, and what the routes of the matrix are asked about."""

    world: World
    organisation: str
    dossier: DossierAt
    other_dossier: DossierAt
    people: dict[str, Person]
    editor: Identity
    colleague: Identity
    other_editor: Identity
    sessions: dict[str, str]
    proof: dict[str, Any]
    container: bytes

    def token(self, actor) -> str | None:
        """Return what an actor sends; the acting portal is the portal."""
        if actor == "anonymous":
            return None
        if actor in self.sessions:
            return self.sessions[actor]
        return self.people["portal" if actor == "acting" else actor].token

    def acting_for(self, actor) -> str | None:
        return signer_id(self.editor) if actor == "acting" else None


async def assemble(world) -> Everybody:
    organisation, other = await world.organisation("Un"), await world.organisation("Autre")
    people = {
        "portal": await world.person("portal", organisation=organisation),
        "other_portal": await world.person("portal", organisation=other),
        "admin": await world.person("admin"),
        "auditor": await world.person("auditor"),
        "lapsed": await world.person("reviewer", seconds=600),
    }
    for name in ("reviewer", "ungranted", "revoked", "withdrawn", "disabled"):
        people[name] = await world.person("reviewer")
    granted = ("admin", "reviewer", "revoked", "withdrawn", "lapsed", "disabled")
    dossier = await world.dossier(
        people["portal"], [people[name].identity for name in granted], organisation=organisation
    )
    other_dossier = await world.dossier(
        people["other_portal"], [people["admin"].identity], organisation=other
    )
    editor = await world.depositor(people["portal"], dossier)
    colleague = await world.depositor(people["portal"], dossier)
    other_editor = await world.depositor(people["other_portal"], other_dossier)
    container = world.seal(editor.signing, dossier)
    first = await world.session(editor)
    proof = await world.kept(first, dossier, container)
    await _fall_from_grace(world, people, dossier)
    expired = await world.token(people["portal"].account, lifetime=60)
    people["expired"] = people["portal"]._replace(token=expired)
    world.clock.time += 900
    sessions = {
        "editor": await world.session(editor),
        "colleague": await world.session(colleague),
        "other_editor": await world.session(other_editor),
    }
    return Everybody(
        world=world,
        organisation=organisation,
        dossier=dossier,
        other_dossier=other_dossier,
        people=people,
        editor=editor,
        colleague=colleague,
        other_editor=other_editor,
        sessions=sessions,
        proof=proof,
        container=container,
    )


async def _fall_from_grace(world, people, dossier) -> None:
    grants = await world.ok("list_grants", {"dossier": dossier.id}, token=world.root)
    lost = next(item for item in grants["items"] if item["account"] == people["revoked"].account)
    await world.ok("revoke_grant", {"dossier": dossier.id, "grant": lost["id"]}, token=world.root)
    await world.withdraw(people["withdrawn"])
    # One that was disabled keeps nothing: not even the token that it had.
    await world.ok(
        "change_account", {"account": people["disabled"].account}, token=world.root, json={"disabled": True}
    )


def stranger() -> Identity:
    return Identity.generate(Use.PERSON)
