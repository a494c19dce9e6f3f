"""What may never be found after a crash, done on purpose to a service that nobody serves."""

from sqlalchemy import DDL, delete, insert, select, update

from keys.serverkey import load_server_key
from keys.statements import Signed, sign_statement
from tests.crash.inspection import Kind, read_receipt
from vault.server.stores.records import schema


class Plant:
    """A site that nobody serves, and what is done to it.

    Attributes:
        versions: its versions.
        uploads: its open uploads.
        victim: the version that is harmed.
        other: one that is not.
    """

    def __init__(self, site, made) -> None:
        self.site = site
        self.made = made

    async def read(self) -> "Plant":
        async with self.site.records() as records, records.read() as view:
            execute = view.evidence._handle.execute
            self.versions = (await execute(select(schema.versions))).mappings().all()
            self.uploads = (await execute(select(schema.uploads))).mappings().all()
        self.victim, self.other = self.versions[0], self.versions[1]
        self.seal = self.victim["seal_id"]
        return self

    async def write(self, *statements) -> None:
        async with self.site.records() as records, records.bookkeeping() as books:
            for statement in statements:
                await books.uploads._handle.execute(statement)

    async def receipt(self):
        async with self.site.records() as records, records.read() as view:
            return read_receipt(Signed(*await view.evidence.receipt(self.seal)))


def _of(table, plant, **values):
    return update(table).where(table.c.seal_id == plant.seal).values(**values)


async def lost_object(plant):
    async with plant.site.store() as store:
        await store.delete(plant.victim["body_key"])
    return Kind.LOST, f"object {plant.victim['body_key']}"


async def object_of_another_size(plant):
    await plant.write(_of(schema.versions, plant, body_size=plant.victim["body_size"] + 1))
    return Kind.LOST, f"object {plant.victim['body_key']}"


async def condemned_object(plant):
    key = plant.victim["body_key"]
    await plant.write(insert(schema.condemned).values(key=key, condemned_at=1))
    return Kind.LOST, f"object {key}, condemned and named"


async def lost_trailer(plant):
    async with plant.site.store() as store:
        await store.delete(plant.uploads[0]["trailer_key"])
    return Kind.LOST, f"object {plant.uploads[0]['trailer_key']}"


async def lost_parts(plant):
    async with plant.site.store() as store:
        await store.unstage(plant.uploads[0]["staged"])
    return Kind.LOST, f"parts of upload {plant.uploads[0]['id']}"


async def version_without_envelope(plant):
    await plant.write(delete(schema.heads).where(schema.heads.c.seal_id == plant.seal))
    return Kind.HALF, f"version {plant.seal.hex()} has no envelope, or another"


async def envelope_of_an_erased_version(plant):
    await plant.write(_of(schema.versions, plant, erased_at=1))
    return Kind.HALF, f"version {plant.seal.hex()} has no envelope, or another"


async def version_without_seal(plant):
    await plant.write(delete(schema.seals).where(schema.seals.c.seal_id == plant.seal))
    return Kind.HALF, f"version {plant.seal.hex()} has no seal and no receipt"


async def two_active_versions(plant):
    moved = {"proof_id": plant.other["proof_id"], "number": 2}
    await plant.write(DDL("DROP INDEX uq_versions_active"), _of(schema.versions, plant, **moved))
    return Kind.HALF, f"proof {plant.other['proof_id']} is active with 2 active versions"


async def no_active_version(plant):
    await plant.write(_of(schema.versions, plant, state="archived"))
    return Kind.HALF, f"proof {plant.victim['proof_id']} is active with 0 active versions"


async def archived_proof_with_an_active_version(plant):
    await plant.write(_of(schema.proofs, plant, state="archived"))
    return Kind.HALF, f"proof {plant.victim['proof_id']} is archived with 1 active versions"


async def version_lacking(plant):
    await plant.write(_of(schema.versions, plant, number=2), _of(schema.proofs, plant, version=2))
    return Kind.HALF, f"proof {plant.victim['proof_id']} lacks a version, or has one too many"


async def proof_of_another_seal(plant):
    await plant.write(_of(schema.proofs, plant, seal_id=bytes(32)))
    return Kind.HALF, f"proof {plant.victim['proof_id']} does not name its newest version"


async def completed_and_not_published(plant):
    upload = plant.uploads[0]
    await plant.write(
        update(schema.uploads).where(schema.uploads.c.id == upload["id"]).values(state="completed")
    )
    return Kind.HALF, f"upload {upload['id']} is completed, and not published"


async def receipt_of_another(plant):
    theirs = select(schema.seals.c.receipt, schema.seals.c.receipt_signature)
    theirs = theirs.where(schema.seals.c.seal_id == plant.other["seal_id"])
    async with plant.site.records() as records, records.read() as view:
        receipt, signature = (await view.evidence._handle.execute(theirs)).one()
    await plant.write(_of(schema.seals, plant, receipt=receipt, receipt_signature=signature))
    return Kind.HALF, f"version {plant.seal.hex()} has the receipt of something else"


async def receipt_not_in_the_journal(plant):
    receipt = (await plant.receipt())._replace(journal_leaf=bytes(32))
    signed = sign_statement(receipt, load_server_key(plant.site.data / "server.key"))
    values = {"receipt": signed.statement, "receipt_signature": signed.signature}
    await plant.write(_of(schema.seals, plant, **values))
    return Kind.JOURNAL, f"the receipt of {plant.seal.hex()} does not stand in it"


async def journal_gap(plant):
    await plant.write(delete(schema.journal).where(schema.journal.c.position == 3))
    return Kind.JOURNAL, "entry 3 is missing: entry 4 stands in its place"


async def journal_cut(plant):
    async with plant.site.records() as records, records.read() as view:
        last = (await view.journal.checkpoint()).size - 1
    await plant.write(delete(schema.journal).where(schema.journal.c.position == last))
    return Kind.JOURNAL, "its head is not the tree of its entries"


async def journal_leaf_altered(plant):
    where = schema.journal.c.position == 3
    await plant.write(update(schema.journal).where(where).values(leaf=bytes(32)))
    return Kind.JOURNAL, "its leaves are not those of its entries"


async def version_gone(plant):
    of = plant.seal
    tables = (schema.heads, schema.seals, schema.versions, schema.proofs)
    await plant.write(*(delete(table).where(table.c.seal_id == of) for table in tables))
    left = len(plant.versions) - 1
    return Kind.JOURNAL, f"{left + 1} deposits in it, {left} versions"


async def use_miscounted(plant):
    table = schema.organisations
    owner = plant.made.dossier.organisation
    async with plant.site.records() as records, records.read() as view:
        used = (await view.organisations.get(owner)).used_bytes
    await plant.write(update(table).where(table.c.id == owner).values(used_bytes=used + 1))
    return Kind.COUNT, f"organisation {owner} uses {used} bytes"


HARMS = (
    lost_object,
    object_of_another_size,
    condemned_object,
    lost_trailer,
    lost_parts,
    version_without_envelope,
    envelope_of_an_erased_version,
    version_without_seal,
    two_active_versions,
    no_active_version,
    archived_proof_with_an_active_version,
    version_lacking,
    proof_of_another_seal,
    completed_and_not_published,
    receipt_of_another,
    receipt_not_in_the_journal,
    journal_gap,
    journal_cut,
    journal_leaf_altered,
    version_gone,
    use_miscounted,
)
