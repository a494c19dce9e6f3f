"""A dossier whose key is rotated: who has it, what was deposited in it, and what is asked about it."""

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import carry
from tests.exchange.acts_on_dossiers import DossierAt
from tests.exchange.cutting import cut


class Home:
    """A dossier, its admin and reviewer, and what was deposited in it."""

    def __init__(self, sender, reviewer) -> None:
        self.sender, self.reviewer = sender, reviewer
        self.world, self.dossier, self.admin = sender.world, sender.dossier, sender.admin
        self.containers: dict[str, bytes] = {}

    async def deposit(self, dossier=None, generation=1):
        authority = self.world.authority.public.signing_key_id
        container = self.world.seal(
            self.sender.editor.signing,
            dossier or self.dossier,
            generation=generation,
            writers=(authority, self.admin.identity.public.signing_key_id),
        )
        answer = await self.world.deposit(self.sender.session, self.dossier, container)
        if answer.status == 201:
            self.containers[answer.json["version"]["seal_id"]] = container
        return answer

    async def ask(self, name, *, token=None, path=(), **options):
        found = {"dossier": self.dossier.id} | dict(path)
        return await self.world.ask(name, found, token=token or self.admin.token, **options)

    def request(self, key=None, *, issuer=None, grantees=None, **fields):
        issuer = issuer or self.admin.identity
        grantees = [self.admin.identity, self.reviewer.identity] if grantees is None else grantees
        key = key or Identity.generate(Use.DOSSIER)
        return self.world.rotation_request(issuer, self.dossier, key, grantees, **fields)

    async def rotate(self, grantees=None) -> DossierAt:
        """Return the dossier with its second key."""
        grantees = grantees or [self.admin.identity, self.reviewer.identity]
        return await self.world.rotated(self.admin, self.dossier, grantees)

    async def refresh(self) -> None:
        """Take all containers as they are at the service now."""
        for seal_id, container in self.containers.items():
            async with self.world.records.read() as view:
                head = await view.evidence.head(bytes.fromhex(seal_id))
            self.containers[seal_id] = head + b"".join(cut(container)[1:])

    def rewrapped(self, item, dossier, generation=2, *, opens=None, **options):
        """Return the next head of one of the containers, which the key of ``opens`` opens."""
        keys = (generation, dossier.key.public.kem)
        container = self.containers[item["version"]["seal_id"]]
        options = {"recipients": []} | options
        opens = opens or self.dossier
        return self.world.rewrap(container, opens, self.admin.identity, keys=keys, **options)

    async def put(self, item, head):
        version = item["version"]
        return await self.world.ask(
            "rewrite_envelope",
            {"evidence": version["evidence"], "number": version["number"]},
            token=self.admin.token,
            data=head,
            headers={"If-Match": f'"{version["generation"]}"'},
        )

    async def left(self, **query):
        answer = await self.ask("list_outdated", params=query)
        assert answer.status == 200, answer.body
        return answer.json["items"], answer.json["next"]

    async def rewrap_all(self, dossier):
        for item in (await self.left())[0]:
            answer = await self.put(item, self.rewrapped(item, dossier))
            assert (answer.status, answer.json["dossier_generation"]) == (200, 2), answer.body

    async def retire(self, generation=1):
        return await self.ask("retire_dossier_key", path={"generation": generation})

    async def granted(self, who):
        """Return the generations that one is handed, or why none."""
        answer = await self.ask("get_my_grants", token=who.token)
        return len(answer.json["grants"]) if answer.status == 200 else answer.code


async def a_home(sender) -> Home:
    """Return a dossier with three deposits, granted to an admin and a reviewer."""
    world = sender.world
    home = Home(sender, await world.person("reviewer"))
    signed = world.grant(sender.admin.identity, sender.dossier.id, sender.dossier.key, home.reviewer.identity)
    assert (await home.ask("add_grant", json={"statement": carry(signed)})).status == 201
    for _ in range(3):
        assert (await home.deposit()).status == 201
    return home
