"""An editor that deposits in parts, and what it sends."""

import io
from dataclasses import dataclass, field
from typing import Any

from keys.keyring import Identity
from tests.exchange.acts_on_dossiers import DossierAt
from tests.exchange.cutting import content_digest, cut, without_payload
from tests.exchange.world import World


@dataclass(repr=False)
class Sender:
    """A portal's editor with a dossier."""

    world: World
    organisation: str
    portal: Any
    admin: Any
    dossier: DossierAt
    editor: Identity
    session: str
    part: int
    parts: dict[str, list[bytes]] = field(default_factory=dict)

    def seal(self, size=None, **options) -> bytes:
        """Return a container: of three parts, unless ``size`` bytes are to be in it."""
        size = 2 * self.part + 100_000 if size is None else size
        content = bytes(range(256)) * (size // 256 + 1)
        return self.world.seal(self.editor.signing, self.dossier, content=content[:size], **options)

    async def begin(self, container, *, token=None, dossier=None, **options):
        path = {"dossier": dossier or self.dossier.id}
        body = options.pop("body", None) or without_payload(container)
        return await self.world.ask("begin_upload", path, token=token or self.session, data=body, **options)

    async def begun(self, container, **options) -> dict[str, Any]:
        answer = await self.begin(container, **options)
        assert answer.status == 200, answer.body
        self.parts[answer.json["id"]] = split(container, answer.json["part_size"])
        return answer.json

    async def replacing(self, container, version):
        path, match = {"evidence": version["evidence"]}, f'"{version["seal_id"]}"'
        return await self.world.ask(
            "begin_replacement",
            path,
            token=self.session,
            data=without_payload(container),
            headers={"If-Match": match},
        )

    async def put(self, upload, number, data=None, *, token=None, digest=None, **options):
        data = self.parts[upload["id"]][number - 1] if data is None else data
        headers = {"Content-Digest": digest or content_digest(data)} | options.pop("headers", {})
        path = {"upload": upload["id"], "part": number}
        return await self.world.ask(
            "put_part", path, token=token or self.session, data=io.BytesIO(data), headers=headers, **options
        )

    async def put_all(self, upload) -> None:
        for number in range(1, upload["parts"] + 1):
            answer = await self.put(upload, number)
            assert answer.status == 200, answer.body

    async def ask(self, name, upload, *, token=None, **options):
        return await self.world.ask(name, {"upload": upload["id"]}, token=token or self.session, **options)

    async def stored(self, version) -> bytes:
        """Return what is kept of a version, as a reviewer would get it."""
        async with self.world.records.read() as view:
            row = await view.evidence.version(version["evidence"], version["number"])
            head = await view.evidence.head(row.seal_id)
        body = [chunk async for chunk in self.world.store.get(row.body_key)]
        return head + b"".join(body)

    async def rotate(self) -> DossierAt:
        """Give the dossier a new key."""
        return await self.world.rotated(self.admin, self.dossier, [self.admin.identity])

    def rewrapped(self, container, dossier, generation=2) -> bytes:
        """Return a newer envelope, for the dossier's new key."""
        keys = (generation, dossier.key.public.kem)
        return self.world.rewrap(container, self.dossier, self.editor, keys=keys)


def split(container, size) -> list[bytes]:
    payload = cut(container)[1]
    return [payload[start : start + size] for start in range(0, len(payload), size)]


async def a_sender(world, part, **limits) -> Sender:
    organisation = await world.organisation(**limits)
    portal = await world.person("portal", organisation=organisation)
    admin = await world.person("admin")
    dossier = await world.dossier(portal, [admin.identity], organisation=organisation)
    editor = await world.depositor(portal, dossier)
    return Sender(world, organisation, portal, admin, dossier, editor, await world.session(editor), part)


async def objects(world) -> list[str]:
    """Return the name of every object, whole or not, and nothing may stand in a folder beside them."""
    store = world.store
    whole = [entry.key async for entry in store.list()]
    staged = [entry.key async for entry in store.list_staged()]
    folder = world.folder / "store"
    if folder.exists():
        found = [*(folder / "objects").glob("*/*"), *(folder / "incoming").iterdir()]
        assert sorted(path.name.removesuffix(".parts") for path in found) == sorted(whole + staged)
    return sorted(whole + staged)
