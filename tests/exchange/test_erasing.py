"""A dossier is erased: what opened it is gone, what proves it stays, and the certificate says so."""

import asyncio
import json

import pytest

from keys.canonical import decode_binary
from keys.statements import Erasure, read_unjudged
from tests.exchange.acts_of_people import carry, unpack
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.estate import DAY, DAYS, an_estate, scrubbed
from vault.certificates import ERASED_VERSION, LineTree
from vault.journal import Action
from vault.merkle import leaf_hash
from vault.server.stores.records import schema


@pytest.fixture
async def estate(world, part):
    return await an_estate(world, part)


async def test_a_dossier_is_kept_until_somebody_said_for_how_long(estate):
    root = (await estate.look())["root"]
    answer = await estate.ask(root)
    assert (answer.status, answer.code) == (409, "dossier_open")
    await estate.close()
    seen = await estate.look()
    assert (seen["state"], seen["retention_days"], seen["allowed_from"]) == ("closed", None, None)
    answer = await estate.ask(root)
    assert (answer.status, answer.code, answer.json["extra"]) == (
        409,
        "retention_running",
        {"allowed_from": None},
    )
    before = await estate.world.state()
    assert [row["name"] for row in before["erasures"]] == []


async def test_a_dossier_is_kept_until_its_time_is_over(estate):
    made = await estate.retain(9999)
    assert made == {"procedure": "guidé", "days": 9999, "changed": estate.world.clock.time}
    entry = await estate.world.last_entry()
    assert entry["action"] == "retention.set"
    assert "guidé" not in str(entry)
    await estate.close()
    closed = estate.world.clock.time
    await estate.retain()
    listed = await estate.world.ok("list_retentions", token=estate.world.root)
    assert [(one["procedure"], one["days"]) for one in listed["items"]] == [("guidé", DAYS)]
    end = closed + DAYS * DAY
    seen = await estate.look()
    assert (seen["closed"], seen["retention_days"], seen["allowed_from"]) == (closed, DAYS, end)
    estate.world.clock.time = end - 1
    before = await estate.world.state()
    answer = await estate.ask(seen["root"])
    assert (answer.code, answer.json["extra"]) == ("retention_running", {"allowed_from": end})
    assert await estate.world.state() == before
    estate.world.clock.time = end
    assert (await estate.ask(seen["root"])).status == 200


async def test_the_plan_says_what_would_go_and_changes_nothing(estate):
    before = await estate.world.state()
    seen = await estate.look()
    assert await estate.world.state() == before
    sizes = sum(version["size"] for version in estate.versions.values())
    assert (seen["versions"], seen["size"], seen["grants"]) == (2, sizes, 2)
    assert (seen["templates"], seen["uploads"]) == (1, 1)
    assert (seen["waiting"], seen["held"], seen["held_until"]) == (2, 0, None)
    assert (seen["erased"], seen["certificate"]) == (None, None)
    refused = await estate.world.ask("list_erased", estate.path, token=estate.world.root)
    assert refused.status == 404


async def test_only_what_was_planned_is_erased(estate):
    await estate.retain(0)
    await estate.close()
    planned = (await estate.look())["root"]
    version, container = estate.versions["better"], estate.containers["better"]
    await estate.world.ok(
        "rewrite_envelope",
        {"evidence": version["evidence"], "number": 2},
        token=estate.sender.session,
        data=estate.world.rewrap(container, estate.sender.dossier, estate.sender.editor),
        headers={"If-Match": '"1"'},
    )
    before = await estate.world.state()
    answer = await estate.ask(planned)
    root = (await estate.look())["root"]
    assert (answer.status, answer.json["extra"]) == (412, {"root": root})
    assert root != planned
    assert await estate.world.state() == before


async def test_nothing_that_opens_it_is_left(estate):
    rows = [row for row in await estate.rows(schema.versions) if row["dossier_id"] == estate.path["dossier"]]
    keys = {row["body_key"] for row in rows}
    assert keys < await estate.objects()
    wrapped, before = await _wrapped(estate), await estate.everything()
    assert len(wrapped) == 7
    assert all(secret in before for secret in wrapped)
    # Those of PostgreSQL are not ours to look into.
    files = {path.name: path for path in estate.world.folder.glob("records.db*")}
    # One or the other stands over the border of two pages.
    written = b"".join(path.read_bytes() for path in files.values())
    assert sum(secret in written for secret in wrapped) > (4 if files else -1)
    size = await estate.world.journal_size()
    done = await estate.end()
    assert (done["state"], done["waiting"], done["held"], done["uploads"]) == ("erased", 0, 0, 0)
    # Closing, setting a time and erasing: one entry each.
    assert await estate.world.journal_size() == size + 3
    after = await estate.everything()
    assert not [secret for secret in wrapped if secret in after]
    left = await estate.objects()
    assert not left & keys
    assert len(left) == 1
    assert (await estate.world.state())["staged"] == []
    for name, path in files.items():
        data = path.read_bytes()
        assert not [secret for secret in wrapped if secret in data], name


async def _wrapped(estate) -> list[bytes]:
    """Return a piece of everything that is wrapped for the dossier, as it stands in rows."""
    found = []
    heads = await estate.rows(schema.heads)
    own = {bytes.fromhex(version["seal_id"]) for version in estate.versions.values()}
    documents = [row["head"] for row in heads if row["seal_id"] in own]
    documents += [row["head"] for row in await estate.rows(schema.template_parts)]
    documents += [row["head"] for row in await estate.rows(schema.uploads)]
    documents += [
        row["statement"]
        for row in await estate.rows(schema.statements)
        if row["kind"] == "grant" and row["dossier_id"] == estate.path["dossier"]
    ]
    for data in documents:
        at = data.index(b'"wrapped":"') + len(b'"wrapped":"')
        found.append(data[at : at + 60])
    # An answer that is remembered under its key carries a grant as it was sent.
    (answer,) = [row["answer"] for row in await estate.rows(schema.remembered) if row["route"] == "add_grant"]
    found.append(json.loads(answer)["statement"]["statement"][1000:1060].encode())
    return found


async def test_what_proves_it_stays(estate):
    receipts = {}
    for name, version in estate.versions.items():
        where = {"evidence": version["evidence"], "number": version["number"]}
        receipts[name] = await estate.world.ok("get_receipt", where, token=estate.sender.session)
    await estate.end()
    session = await estate.world.session(estate.sender.editor)
    for name, version in estate.versions.items():
        where = {"evidence": version["evidence"], "number": version["number"]}
        assert await estate.world.ok("get_receipt", where, token=session) == receipts[name]
    shown = await estate.world.ok("get_dossier", estate.path, token=session)
    assert shown["state"] == "erased"
    for state, expected in (("open", 1), ("closed", 0), ("erased", 1)):
        listed = await estate.world.ok("list_dossiers", token=estate.world.root, params={"state": state})
        assert len(listed["items"]) == expected
    page = await estate.world.ok("list_evidence", estate.path, token=session)
    shown = [(one["seal_id"], one["erased"]) for one in page["items"]]
    assert shown == [(estate.versions["better"]["seal_id"], estate.world.clock.time)]
    keys = await estate.world.ok("get_dossier_keys", estate.path, token=session)
    assert len(keys["keys"]) == 1
    # The other dossier is whole.
    fetched = await estate.sender.stored(estate.stays)
    assert fetched
    found, _ = await scrubbed(estate)
    assert found == []


async def test_nothing_is_handed_out_or_added_any_more(estate):
    world, version = estate.world, estate.versions["better"]
    where = {"evidence": version["evidence"], "number": 2}
    erased = (await estate.end())["erased"]
    session, size = await world.session(estate.sender.editor), await world.journal_size()
    for name in ("fetch_container", "fetch_envelope", "fetch_body"):
        answer = await world.ask(name, where, token=session)
        assert (answer.status, answer.code, answer.json["extra"]) == (
            410,
            "dossier_erased",
            {"erased": erased},
        )
        # Without a grant there is nothing to be seen.
        assert (await world.ask(name, where, token=estate.reviewer.token)).status == 404
    mine = await world.ask("get_my_grants", estate.path, token=estate.admin.token)
    assert mine.status == 404
    link = await world.ask("fetch_template", {"code": estate.template["code"]})
    assert link.status == 404
    match = {"If-Match": f'"{version["seal_id"]}"'}
    head = world.rewrap(estate.containers["better"], estate.sender.dossier, estate.sender.editor)
    again = world.grant(
        estate.admin.identity, estate.path["dossier"], estate.sender.dossier.key, estate.reviewer.identity
    )
    portal = estate.sender.portal
    for answer in (
        await world.deposit(session, estate.sender.dossier, estate.sender.seal(10)),
        await estate.sender.begin(estate.sender.seal(10), token=session),
        await world.ask("archive_evidence", {"evidence": version["evidence"]}, token=session, headers=match),
        await world.ask("rewrite_envelope", where, token=session, data=head, headers={"If-Match": '"1"'}),
        await world.ask("add_grant", estate.path, token=world.root, json={"statement": carry(again)}),
        await world.ask(
            "create_template",
            estate.path,
            token=portal.token,
            data=world.template(estate.sender.dossier, estate.sender.editor),
        ),
        await world.ask(
            "add_depositor",
            estate.path,
            token=portal.token,
            json=world.mandate_request(portal.identity, estate.path["dossier"], estate.sender.editor),
        ),
    ):
        assert (answer.status, answer.code) == (410, "dossier_erased"), answer.body
    assert (await estate.sender.ask("get_upload", estate.upload, token=session)).status == 404
    assert await world.journal_size() == size


async def test_the_certificate_lists_what_was_there_and_is_bound_to_the_journal(estate):
    done = await estate.end()
    signed = unpack(done["certificate"])
    said = read_unjudged(signed, Erasure)
    assert (said.dossier, said.versions, said.root.hex()) == (estate.path["dossier"], 2, done["root"])
    assert (said.grants, said.templates) == (2, 1)
    assert said.issued == done["erased"]
    async with estate.world.records.read() as view:
        (row,) = await view.journal.entries(said.journal_position, 1)
        account = (await view.accounts.list()).items[-1]
    assert leaf_hash(row.entry) == said.journal_leaf
    assert said.actor == f"account:{account.id}"
    entry = await estate.world.last_entry()
    assert entry["action"] == Action.DOSSIER_ERASED
    assert entry["position"] == said.journal_position
    tree, lines = LineTree(ERASED_VERSION), []
    for start in (0, 1):
        page = await estate.world.ok(
            "list_erased", estate.path, token=estate.world.root, params={"start": start, "limit": 1}
        )
        assert page["next"] == (1 if start == 0 else None)
        lines += [tree.read(decode_binary(item, len(item) * 3 // 4)) for item in page["items"]]
    tree.require(count=said.versions, root=said.root)
    for line, version in zip(lines, estate.versions.values(), strict=True):
        assert line.seal_id.hex() == version["seal_id"]
        assert (line.proof, line.number, line.size) == (
            version["evidence"],
            version["number"],
            version["size"],
        )
        assert line.envelope.hex() == version["envelope_digest"]
        assert line.held == 0


async def test_asking_again_is_answered_alike(estate):
    done = await estate.end()
    before = await estate.world.state()
    again = await estate.ask(done["root"])
    assert again.json == done
    assert (await estate.look()) == done
    assert await estate.world.state() == before
    other = await estate.ask("00" * 32)
    assert (other.status, other.json["extra"]) == (412, {"root": done["root"]})


async def test_several_who_erase_at_once_erase_once(estate):
    await estate.retain(0)
    await estate.close()
    root, size = (await estate.look())["root"], await estate.world.journal_size()
    answers = await asyncio.gather(*(estate.ask(root) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert {answer.json["certificate"]["signature"] for answer in answers} == {
        (await estate.look())["certificate"]["signature"]
    }
    assert await estate.world.journal_size() == size + 1
    assert (await estate.look())["waiting"] == 0


async def test_deposits_that_are_under_way_end_before_or_not_at_all(estate):
    """Closing comes first: whatever was still acknowledged is in the certificate, and nothing comes after."""
    await estate.retain(0)
    containers = [estate.sender.seal(100 + number) for number in range(6)]

    async def end():
        await asyncio.sleep(0)
        await estate.close()
        return await estate.erase()

    done, *answers = await asyncio.gather(
        end(),
        *(estate.world.deposit(estate.sender.session, estate.sender.dossier, one) for one in containers),
    )
    kept = [answer for answer in answers if answer.status == 201]
    assert {answer.code for answer in answers} <= {None, "dossier_closed", "dossier_erased"}
    assert done["versions"] == 2 + len(kept)
    await estate.janitor()
    assert len(await estate.objects()) == 1


async def test_nobody_but_an_admin_erases(estate):
    await estate.retain(0)
    await estate.close()
    root = (await estate.look())["root"]
    for token in (estate.sender.portal.token, estate.sender.session, estate.reviewer.token):
        assert (await estate.ask(root, token=token)).status == 403
    answer = await estate.world.ask("erase_dossier", estate.path, token=estate.world.root)
    assert answer.status == 428


async def test_an_empty_dossier_is_erased_too(estate):
    world, path = estate.world, {"dossier": estate.other.id}
    await estate.retain(0)
    empty = await world.dossier(
        estate.sender.portal, [estate.admin.identity], organisation=estate.sender.organisation
    )
    path = {"dossier": empty.id}
    await world.ok("close_dossier", path, token=world.root)
    seen = await world.ok("get_erasure", path, token=world.root)
    assert (seen["versions"], seen["size"], seen["grants"]) == (0, 0, 1)
    headers = {"If-Match": f'"{seen["root"]}"'}
    done = await world.ok("erase_dossier", path, token=world.root, headers=headers)
    assert (done["state"], done["versions"]) == ("erased", 0)
