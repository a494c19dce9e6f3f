from types import SimpleNamespace

import pytest

from client.distrust import Distrusted
from client.remote.carriage import to_model
from client.remote.journaling import JournalForged, entries, extends, fetch_checkpoint, verify_journal
from client.remote.problems import NotOurService
from keys.canonical import encode_binary
from tests.client import sayings as s
from vault.journal import Actor, Checkpoint, Entry, encode_entry
from vault.merkle import consistency_proof, leaf_hash, root_of


def entry(position, action="org.made"):
    return encode_entry(Entry(position, s.NOW, Actor("account", "a"), action, (), (), ""))


class Service:
    """A journal of ``count`` entries, whatever it says about itself."""

    def __init__(self, count=5):
        self.entries = [entry(position) for position in range(count)]
        self.signed = None

    def checkpoint(self, size=None, **more):
        size = len(self.entries) if size is None else size
        return s.checkpoint(size, root_of(map(leaf_hash, self.entries[:size])), **more)

    async def get_checkpoint(self):
        return SimpleNamespace(checkpoint=to_model(self.signed or self.checkpoint()))

    async def list_journal(self, query):
        found = self.entries[query.start : query.start + min(query.limit, 2)]
        items = [
            SimpleNamespace(position=query.start + number, entry=encode_binary(data))
            for number, data in enumerate(found)
        ]
        end = query.start + len(items)
        return SimpleNamespace(items=items, next=end if end < len(self.entries) else None)

    async def get_consistency(self, query):
        leaves = [leaf_hash(data) for data in self.entries[: query.second]]
        return SimpleNamespace(proof=[digest.hex() for digest in consistency_proof(leaves, query.first)])


async def test_an_honest_journal_is_verified_entry_by_entry():
    service, seen = Service(), []
    verified = await verify_journal(
        service, s.anchor(), [service.checkpoint(2), service.checkpoint(5)], on_entry=seen.append
    )
    assert verified.checkpoint.size == 5
    assert [item.position for item in seen] == [0, 1, 2, 3, 4]


async def test_an_empty_journal_is_a_journal():
    assert (await verify_journal(Service(0), s.anchor(), [])).checkpoint.size == 0


@pytest.mark.parametrize("count", [1, 3, 5])
async def test_a_changed_entry_is_noticed_even_where_the_server_signs_anew(count):
    service = Service()
    before = [service.checkpoint(count)]
    service.entries[0] = entry(0, "org.unmade")
    with pytest.raises(JournalForged, match="are not those that were signed") as forged:
        await verify_journal(service, s.anchor(), before)
    assert forged.value.exit_code == 5


async def test_entries_that_are_taken_back_are_noticed():
    service = Service()
    before = [service.checkpoint()]
    service.entries.pop()
    with pytest.raises(JournalForged, match="4 entries, 5 were signed"):
        await verify_journal(service, s.anchor(), before)


async def test_entries_that_are_fewer_than_signed_are_noticed():
    service = Service()
    service.signed = service.checkpoint()
    service.entries.pop()
    with pytest.raises(JournalForged):
        await verify_journal(service, s.anchor(), [])


async def test_entries_out_of_order_are_noticed():
    service = Service()
    service.entries[1], service.entries[2] = service.entries[2], service.entries[1]
    with pytest.raises(JournalForged, match="entry 1 is missing"):
        await verify_journal(service, s.anchor(), [])


async def test_a_checkpoint_of_somebody_else_is_not_believed():
    service = Service()
    service.signed = service.checkpoint(by=s.STRANGER)
    with pytest.raises(Distrusted):
        await fetch_checkpoint(service, s.anchor())
    service.signed = None
    with pytest.raises(Distrusted):
        await verify_journal(service, s.anchor(), [service.checkpoint(by=s.STRANGER)])


async def test_growth_is_shown_by_a_proof_alone():
    service = Service()
    old = Checkpoint(3, root_of(map(leaf_hash, service.entries[:3])))
    new = Checkpoint(5, root_of(map(leaf_hash, service.entries)))
    await extends(service, old, new)
    with pytest.raises(JournalForged):
        await extends(service, old._replace(root=bytes(32)), new)
    with pytest.raises(JournalForged, match="3 entries, 5 were signed before"):
        await extends(service, new, old)


async def test_a_part_of_the_journal_can_be_read():
    service = Service()
    assert [data async for data in entries(service, start=1, stop=4)] == service.entries[1:4]
    assert [data async for data in entries(service, start=3)] == service.entries[3:]


async def test_a_page_that_begins_elsewhere_is_no_answer():
    service = Service()
    page = service.list_journal

    async def shifted(query):
        return await page(query.model_copy(update={"start": query.start + 1}))

    service.list_journal = shifted
    with pytest.raises(NotOurService):
        [data async for data in entries(service)]
