"""A proof of two versions, and the admin who re-encrypts them."""

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.again import seal_again
from vault.container.manifest import CarriedRecipient


class Home:
    """A dossier whose first version was replaced, and the admin who re-encrypts both."""

    def __init__(self, sender) -> None:
        self.sender, self.world, self.admin = sender, sender.world, sender.admin
        self.dossier = sender.dossier
        self.reader = Identity.generate(Use.PERSON)
        self.containers: dict[str, bytes] = {}
        self.first: dict = {}
        self.second: dict = {}

    def seal(self, **options):
        return self.world.seal(self.sender.editor.signing, self.dossier, **options)

    async def fill(self):
        first = self.seal()
        self.first = await self.world.kept(self.sender.session, self.dossier, first)
        second = self.seal(content=b"better", supersedes=bytes.fromhex(self.first["seal_id"]))
        answer = await self.replace(second, self.first["seal_id"])
        assert answer.status == 200, answer.body
        self.second = answer.json["version"]
        self.containers |= {self.first["seal_id"]: first, self.second["seal_id"]: second}

    async def replace(self, container, match):
        return await self.world.ask(
            "replace_evidence",
            {"evidence": self.first["evidence"]},
            token=self.sender.session,
            data=container,
            headers={"If-Match": f'"{match}"'},
        )

    def again(self, container, *, to=None, signer=None, **options):
        """Return what re-encrypts a container, for the dossier as it is now."""
        to = to or self.dossier
        options.setdefault(
            "recipients",
            (
                CarriedRecipient("dossier", options.pop("generation", 1), to.key.public.kem),
                CarriedRecipient("reader", 0, self.reader.public.kem),
                CarriedRecipient("recovery", 0, self.world.recovery.public.kem),
            ),
        )
        key = self.dossier.key.decapsulation
        return seal_again(container, key, signer or self.admin.identity.signing, **options)

    async def send(self, version, container, *, token=None, route="reencrypt", **options):
        path = {"evidence": version["evidence"], "number": version["number"]}
        return await self.world.ask(route, path, token=token or self.admin.token, data=container, **options)

    async def reencrypted(self, version, **options):
        container = self.again(self.containers[version["seal_id"]], **options)
        answer = await self.send(version, container)
        assert answer.status == 201, answer.body
        made = answer.json["version"]
        self.containers[made["seal_id"]] = container
        return made

    async def erase(self, version, match=None, token=None):
        path = {"evidence": version["evidence"], "number": version["number"]}
        headers = {"If-Match": f'"{match or version["seal_id"]}"'}
        return await self.world.ask("erase_originals", path, token=token or self.admin.token, headers=headers)

    async def progress(self):
        made = await self.world.ok("get_reencryption", {"dossier": self.dossier.id}, token=self.admin.token)
        return made["left"], made["originals"]

    async def left(self):
        made = await self.world.ok("list_left", {"dossier": self.dossier.id}, token=self.admin.token)
        return [(one["version"]["number"], one["outdated"], one["originals"]) for one in made["items"]]

    async def versions(self, token=None):
        path = {"evidence": self.first["evidence"]}
        return (await self.world.ok("get_evidence", path, token=token or self.admin.token))["versions"]

    async def receipt(self, version):
        path = {"evidence": version["evidence"], "number": version["number"]}
        return await self.world.ok("get_receipt", path, token=self.admin.token)

    async def fetch(self, version, token):
        path = {"evidence": version["evidence"], "number": version["number"]}
        return await self.world.ask("fetch_container", path, token=token)

    async def objects(self):
        return {item.key async for item in self.world.store.list()}
