"""A dossier with everything in it, to be erased, and one beside it that has to stay."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tests.exchange.acts_of_people import Person, carry
from tests.exchange.uploading import Sender, a_sender
from vault.api.route import IDEMPOTENCY_HEADER
from vault.server.services.janitor import Janitor
from vault.server.services.scrub import Scrub
from vault.server.stores.records import schema

DAY = 86_400
DAYS = 30


@dataclass(repr=False)
class Estate:
    """A dossier with everything in it, and one beside it that has to stay.

    Attributes:
        versions: what was deposited, by what became of it.
        containers: by the same names.
        upload: a session with all its parts.
    """

    world: Any
    sender: Sender
    reviewer: Person
    admin: Person
    versions: dict[str, Any]
    containers: dict[str, bytes]
    upload: dict[str, Any]
    template: dict[str, Any]
    other: Any
    stays: Any

    @property
    def path(self) -> dict[str, str]:
        return {"dossier": self.sender.dossier.id}

    async def close(self) -> None:
        await self.world.ok("close_dossier", self.path, token=self.world.root)

    async def retain(self, days=DAYS) -> Any:
        body = {"procedure": "guidé", "days": days}
        return await self.world.ok("set_retention", token=self.world.root, json=body)

    async def look(self) -> Any:
        return await self.world.ok("get_erasure", self.path, token=self.world.root)

    async def ask(self, root, **options):
        headers = {"If-Match": f'"{root}"'}
        return await self.world.ask(
            "erase_dossier", self.path, token=options.pop("token", self.world.root), headers=headers
        )

    async def erase(self) -> Any:
        answer = await self.ask((await self.look())["root"])
        assert answer.status == 200, answer.body
        return answer.json

    async def end(self) -> Any:
        """Close, wait, erase."""
        await self.retain()
        await self.close()
        self.world.clock.time += DAYS * DAY
        return await self.erase()

    async def objects(self) -> set[str]:
        return {one.key async for one in self.world.store.list()}

    async def rows(self, table):
        async with self.world.records.read() as view:
            return (await view.evidence._handle.execute(select(table))).mappings().all()

    async def everything(self) -> bytes:
        """Return every value of every row, one after the other and whole."""
        found = []
        for table in schema.METADATA.tables.values():
            for row in await self.rows(table):
                found += [
                    value if isinstance(value, bytes) else str(value).encode() for value in row.values()
                ]
        return b"\0".join(found)

    async def janitor(self):
        return await Janitor(self.world.records, self.world.store, self.world.clock).run()


async def an_estate(world, part) -> Estate:
    """Fill a dossier of a new organisation."""
    sender = await a_sender(world, part)
    reviewer, admin = await world.person("reviewer"), await world.person("admin")
    signed = world.grant(admin.identity, sender.dossier.id, sender.dossier.key, reviewer.identity)
    await world.ok(
        "add_grant",
        {"dossier": sender.dossier.id},
        token=world.root,
        json={"statement": carry(signed)},
        headers={IDEMPOTENCY_HEADER: "grant-to-a-reviewer"},
    )
    containers = {"first": sender.seal(1000)}
    first = await world.kept(sender.session, sender.dossier, containers["first"])
    better = sender.seal(2000, supersedes=bytes.fromhex(first["seal_id"]))
    replaced = await world.ok(
        "replace_evidence",
        {"evidence": first["evidence"]},
        token=sender.session,
        data=better,
        headers={"If-Match": f'"{first["seal_id"]}"'},
    )
    containers["better"] = better
    upload = await sender.begun(sender.seal())
    assert (await sender.put(upload, 1)).status == 200
    made = await world.ok(
        "create_template",
        {"dossier": sender.dossier.id},
        token=sender.portal.token,
        data=world.template(sender.dossier, sender.editor),
    )
    other = await world.dossier(sender.portal, [admin.identity], organisation=sender.organisation)
    editor = await world.depositor(sender.portal, other)
    stays = await world.kept(
        await world.session(editor), other, world.seal(editor.signing, other, content=b"stays")
    )
    versions = {"first": first, "better": replaced["version"]}
    return Estate(world, sender, reviewer, admin, versions, containers, upload, made, other, stays)


async def scrubbed(estate, dossier=None):
    found = []
    scrubbing = await Scrub(
        estate.world.records, estate.world.store, estate.world.clock, found=found.append
    ).run(dossier)
    return found, scrubbing
