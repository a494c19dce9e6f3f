"""The janitor and what arrives in parts: an upload keeps its objects until it expires, and no longer."""

import os
import time

import pytest

from tests.suites.samples import ORIGIN, deposit_of, digest
from tests.vault.server.services.sites import begin, once, upload_of
from vault.journal import Action
from vault.server.ports import ObjectCondemnedError
from vault.server.services.janitor import GRACE


async def test_staged_and_drafts_that_nobody_goes_on_with_are_removed(site):
    staged = await site.store.stage()
    draft = site.folder / "store" / "incoming" / ("0" * 40)
    draft.write_bytes(b"draft")
    long_ago = time.time() - GRACE - 10
    os.utime(draft, (long_ago, long_ago))
    assert (await site.janitor().look()).staged == 1
    cleaning = await site.janitor().run()
    assert (cleaning.staged, cleaning.drafts, cleaning.removed) == (1, 1, 2)
    assert [one.key async for one in site.store.list_staged()] == []
    assert not draft.exists()
    assert staged not in await site.keys()


async def test_an_upload_keeps_its_objects_until_it_expires(site):
    trailer, staged = await site.put(), await site.store.stage()
    upload = upload_of(site, digest(), trailer, staged)
    await begin(site, upload)
    cleaning = await site.janitor().run()
    assert cleaning.removed == 0
    assert await site.keys() == {trailer.key}
    part = await site.store.stage_part(staged, 1, 0, once(b"body"))
    assembled = await site.store.assemble(staged, [part])
    assert (await site.janitor().run()).removed == 0
    assert await site.keys() == {trailer.key, assembled.key}
    site.clock.time += 100
    assert (await site.janitor().look()).uploads == 1
    cleaning = await site.janitor().run()
    assert (cleaning.uploads, cleaning.objects) == (1, 0)
    assert await site.keys() == set()
    with pytest.raises(ObjectCondemnedError):  # completing it comes too late
        await site.deposit(assembled)


async def test_expired_parts_are_removed_with_their_upload(site):
    trailer, staged = await site.put(), await site.store.stage()
    await site.store.stage_part(staged, 1, 0, once(b"body"))
    await begin(site, upload_of(site, digest(), trailer, staged))
    site.clock.time += 100
    assert (await site.janitor().run()).uploads == 1
    assert [one.key async for one in site.store.list_staged()] == []


async def test_of_an_upload_that_was_published_the_body_stays(site):
    trailer, staged = await site.put(), await site.store.stage()
    part = await site.store.stage_part(staged, 1, 0, once(b"body"))
    body = await site.store.assemble(staged, [part])
    upload = upload_of(site, digest(), trailer, staged)
    await begin(site, upload)
    async with site.records.change(ORIGIN) as tx:
        await tx.record(Action.EVIDENCE_DEPOSITED)
        await tx.evidence.publish(deposit_of(site.dossier, seal_id=upload.seal_id, body=body))
        await tx.uploads.complete(upload.id, body_key=body.key, now=tx.now)
    assert (await site.janitor().run()).objects == 1  # a trailer that a crash left
    site.clock.time += 100
    assert (await site.janitor().run()).uploads == 1
    assert await site.keys() == {body.key}


async def test_an_upload_cannot_begin_on_what_was_condemned(site):
    for what in ("trailer", "staged"):
        trailer, staged = await site.put(), await site.store.stage()
        async with site.records.bookkeeping() as books:
            await books.condemning.condemn({trailer.key if what == "trailer" else staged}, now=0)
        with pytest.raises(ObjectCondemnedError):
            await begin(site, upload_of(site, digest(), trailer, staged))
