"""A place with records and objects, for whoever cleans up there."""

from contextlib import aclosing

from tests.suites.samples import MIB, deposit_of, digest, publish
from vault.server.ports import new_id
from vault.server.services.janitor import Janitor
from vault.server.stores.local import LocalStore
from vault.server.stores.records.rows import Upload


class Site:
    """Records and objects, and a clock that is a day and more after everything that is stored now."""

    def __init__(self, folder, records, clock) -> None:
        self.folder = folder
        self.records = records
        self.clock = clock
        self.store = LocalStore(folder / "store")
        self.dossier = ""

    def janitor(self, **options) -> Janitor:
        return Janitor(self.records, options.pop("store", self.store), self.clock, **options)

    async def put(self, data=b"body"):
        async def chunks():
            yield data

        return await self.store.put(chunks())

    async def deposit(self, stored=None):
        """Deposit what is stored, or something new."""
        deposit = deposit_of(self.dossier, body=stored or await self.put())
        await publish(self.records, deposit)
        return deposit

    async def keys(self) -> set[str]:
        return {one.key async for one in self.store.list()}

    async def run_of_janitor(self):
        async with self.records.read() as view:
            (run,) = await view.runs.all()
            return run


class Interrupted(LocalStore):
    """A store that lets somebody in right before, or right after, each time it is asked for something."""

    def __init__(self, folder, *, before_delete=None, after_list=None) -> None:
        super().__init__(folder / "store")
        self.before_delete = before_delete
        self.after_list = after_list

    async def list(self):
        async with aclosing(super().list()) as listed:
            found = [one async for one in listed]
        if self.after_list is not None:
            await self.after_list()
        for one in found:
            yield one

    async def delete(self, key):
        if self.before_delete is not None:
            await self.before_delete(key)
        await super().delete(key)


def upload_of(site, seal_id, trailer, staged, **options):
    fields = {
        "id": new_id(),
        "dossier_id": site.dossier,
        "proof_id": None,
        "seal_id": seal_id,
        "signer": digest(),
        "evidence_type": "aipd",
        "state": "open",
        "generation": 1,
        "head": b"head",
        "trailer_key": trailer.key,
        "trailer_size": trailer.size,
        "staged": staged,
        "body_key": None,
        "payload_length": 4,
        "part_size": 8 * MIB,
        "size": 12,
        "created_at": site.clock.time,
        "expires_at": site.clock.time + 100,
    }
    return Upload(**fields | options)


async def begin(site, upload) -> None:
    async with site.records.read() as view:
        dossier = await view.dossiers.get(site.dossier)
    async with site.records.bookkeeping() as books:
        await books.uploads.begin(upload, dossier.organisation_id)


async def once(data):
    yield data
