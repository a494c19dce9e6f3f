"""The numbers of a running service, scraped before and after real deposits, refusals and transfers."""

import asyncio
import io

import pytest

from tests.exchange.cutting import content_digest, cut, without_payload
from vault.api.problems import Code
from vault.api.route import DIGEST_HEADER
from vault.api.routes import BY_NAME, ROUTES
from vault.server import metrics as module
from vault.server.metrics import NO_ROUTE, OUTCOMES
from vault.server.stores.records.runs import Ended
from vault.server.transferred import Break

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 30


async def scrape(world):
    """Return every number by its name and labels, as the text has them."""
    async with world.http.get(world.metrics) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == module.CONTENT_TYPE
        text = await answer.text()
    assert text.endswith("\n")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}
    assert len(found) == len(lines), "a number that stands there twice"
    return found


async def changes(world, before):
    """Return what has changed, but for what changes by itself."""
    after = await scrape(world)
    return {
        name: value - before.get(name, 0)
        for name, value in after.items()
        if value != before.get(name, 0)
        and not name.startswith(("process_", "scelle_event_loop", "scelle_request_seconds"))
    }


async def test_a_deposit_and_its_bytes_are_counted(everybody):
    world = everybody.world
    container = world.seal(everybody.editor.signing, everybody.dossier)
    before = await scrape(world)
    answer = await world.deposit(everybody.token("editor"), everybody.dossier, container)
    assert answer.status == 201
    assert await changes(world, before) == {
        'scelle_deposits_total{outcome="accepted"}': 1,
        'scelle_requests_total{route="deposit",status="201"}': 1,
        'scelle_bytes_total{direction="in"}': len(container),
        'scelle_bytes_total{direction="out"}': len(answer.body),
    }
    where = {"evidence": answer.json["version"]["evidence"], "number": 1}
    before = await scrape(world)
    await world.ask("fetch_container", where, token=everybody.token("editor"))
    # What is sent piece by piece may have arrived before it is counted.
    assert await comes_to(world, 'scelle_transfers_in_flight{direction="out"}', 0)
    assert await changes(world, before) == {
        'scelle_requests_total{route="fetch_container",status="200"}': 1,
        'scelle_bytes_total{direction="out"}': len(container),
    }


async def test_a_replacement_is_a_deposit_and_a_refused_one_is_counted_by_its_code(everybody):
    world, editor, token = everybody.world, everybody.editor, everybody.token("editor")
    proof = await world.kept(token, everybody.dossier, world.seal(editor.signing, everybody.dossier))
    seal = bytes.fromhex(proof["seal_id"])
    better = world.seal(editor.signing, everybody.dossier, supersedes=seal)
    before = await scrape(world)
    path, match = {"evidence": proof["evidence"]}, {"If-Match": f'"{seal.hex()}"'}
    statuses = [
        (await world.ask("replace_evidence", path, token=token, data=better, headers=match)).status
        for _ in range(2)
    ]
    forged = await world.deposit(token, everybody.dossier, better[:-1])
    assert (*statuses, forged.status) == (200, 412, 422)
    found = await changes(world, before)
    assert found['scelle_deposits_total{outcome="accepted"}'] == 1
    assert found['scelle_deposits_total{outcome="refused"}'] == 2
    assert found['scelle_refusals_total{code="precondition_failed"}'] == 1
    assert found['scelle_refusals_total{code="malformed"}'] == 1
    assert found['scelle_requests_total{route="replace_evidence",status="412"}'] == 1


async def test_a_transfer_is_seen_while_it_goes_on_and_when_it_breaks_off(everybody):
    world = everybody.world
    container = world.seal(everybody.editor.signing, everybody.dossier)
    before = await scrape(world)
    half, go_on = asyncio.Event(), asyncio.Event()

    async def pieces():
        yield container[:1000]
        half.set()
        await go_on.wait()
        raise ConnectionAbortedError

    token, path = everybody.token("editor"), {"dossier": everybody.dossier.id}
    sending = asyncio.ensure_future(world.ask("deposit", path, token=token, data=pieces()))
    await half.wait()
    assert await comes_to(world, 'scelle_transfers_in_flight{direction="in"}', 1)
    go_on.set()
    await asyncio.gather(sending, return_exceptions=True)
    assert await comes_to(world, 'scelle_transfers_in_flight{direction="in"}', 0)
    found = await changes(world, before)
    assert found['scelle_broken_off_total{by="sender"}'] == 1
    assert found['scelle_deposits_total{outcome="broken_off"}'] == 1
    assert 0 < found['scelle_bytes_total{direction="in"}'] <= 1000


async def test_parts_and_what_they_lead_to_are_counted(everybody):
    world, token = everybody.world, everybody.token("editor")
    container = world.seal(everybody.editor.signing, everybody.dossier)
    _, payload, _ = cut(container)
    start, dossier = without_payload(container), {"dossier": everybody.dossier.id}
    begun = await world.ok("begin_upload", dossier, token=token, data=start)
    where = {"upload": begun["id"], "part": 1}
    before = await scrape(world)
    for digest, status in ((content_digest(b"else"), 400), (content_digest(payload), 200)):
        answer = await world.ask(
            "put_part", where, token=token, data=payload, headers={DIGEST_HEADER: digest}
        )
        assert answer.status == status
    await world.ok("complete_upload", {"upload": begun["id"]}, token=token)
    found = await changes(world, before)
    assert found['scelle_upload_parts_total{outcome="accepted"}'] == 1
    assert found['scelle_upload_parts_total{outcome="refused"}'] == 1
    assert found['scelle_refusals_total{code="digest_mismatch"}'] == 1
    assert found['scelle_deposits_total{outcome="accepted"}'] == 1
    assert found['scelle_bytes_total{direction="in"}'] >= len(payload)


async def comes_to(world, name, expected):
    for _ in range(PATIENCE * 20):
        if (await scrape(world)).get(name) == expected:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_rubbish_adds_no_lines(everybody):
    world, token = everybody.world, everybody.token("editor")
    await world.send("GET", "/nowhere")
    await world.send("PROPFIND", "/livez")
    for path in ({"dossier": everybody.dossier.id}, {"dossier": "nowhere"}):
        await world.ask("get_dossier", path, token=token)
        await world.ask("list_evidence", path, token=token, params={"type": "rubbish"})
    before = set(await scrape(world))
    for number in range(50):
        rubbish = f"rubbish-{number}"
        await world.send("GET", f"/{rubbish}/{rubbish}")
        await world.send("PROPFIND", f"/livez?{rubbish}", headers={rubbish: rubbish})
        await world.ask("get_dossier", {"dossier": rubbish}, token=token)
        await world.ask("get_dossier", {"dossier": everybody.dossier.id}, token=token)
        path = {"dossier": everybody.dossier.id}
        await world.ask("list_evidence", path, token=token, params={"type": rubbish})
        await world.ask("list_evidence", {"dossier": rubbish}, token=token)
        await world.ask("get_dossier", {"dossier": rubbish}, token=rubbish, headers={"X-Request-Id": rubbish})
    after = await scrape(world)
    new = set(after) - before
    assert {
        name for name in new if not name.startswith('scelle_requests_total{route="get_dossier",status="401"')
    } == set()
    assert after[f'scelle_requests_total{{route="{NO_ROUTE}",status="404"}}'] >= 50
    assert not [name for name in after if "rubbish" in name]


async def test_every_label_is_a_word_that_is_known_beforehand(everybody):
    known = {
        "route": {NO_ROUTE, *BY_NAME},
        "code": {code.value for code in Code},
        "outcome": set(OUTCOMES),
        "direction": {"in", "out"},
        "by": {by.value for by in Break},
        "part": {"database", "schema", "objects", "running"},
        "name": {"janitor", "scrub"},
        "version": {"0"},
        "days": {"7", "30"},
    }
    for name in await scrape(everybody.world):
        labels = name.partition("{")[2].removesuffix("}")
        for label, value in (pair.split("=") for pair in labels.split(",") if pair):
            if label == "status":
                assert 100 <= int(value.strip('"')) <= 599
            elif label != "le":
                assert value.strip('"') in known[label], name


async def test_a_first_refusal_is_a_change_from_nothing(everybody):
    found = await scrape(everybody.world)
    assert {f'scelle_refusals_total{{code="{code.value}"}}' for code in Code} <= found.keys()
    assert 'scelle_upload_parts_total{outcome="accepted"}' in found


async def test_what_janitor_and_scrub_left_in_the_records_is_shown(everybody):
    world = everybody.world
    found = await scrape(world)
    assert found["scelle_upkeep_readable"] == 1
    assert not [name for name in found if name.startswith("scelle_upkeep_ended")]
    for ended in (
        Ended("janitor", 100, 101, "done", removed=3),
        Ended("janitor", 200, 202, "done", removed=4),
        Ended("scrub", 300, 310, "failed", examined=9, damaged=2),
    ):
        async with world.records.bookkeeping() as books:
            await books.runs.keep(ended)
    assert await comes_to(world, 'scelle_upkeep_ended_seconds{name="scrub"}', 310)
    found = await scrape(world)
    assert found['scelle_upkeep_removed_total{name="janitor"}'] == 7
    assert found['scelle_upkeep_runs_total{name="janitor"}'] == 2
    assert found['scelle_upkeep_done{name="janitor"}'] == 1
    assert found['scelle_upkeep_damaged{name="scrub"}'] == 2
    assert found['scelle_upkeep_done{name="scrub"}'] == 0


async def test_habilitations_that_end_soon_are_counted_until_they_are_renewed(everybody):
    world = everybody.world
    before = await scrape(world)
    week, month = (f'scelle_habilitations_ending{{days="{days}"}}' for days in (7, 30))
    people = [await world.person("reviewer", seconds=days * 86_400) for days in (6, 20, 20, 200)]
    assert await comes_to(world, month, before[month] + 3)
    assert (await scrape(world))[week] == before[week] + 1
    world.clock.time += 1
    renewed = world.habilitation(people[0].identity, "reviewer", seconds=365 * 86_400)
    await world.habilitate(people[0].account, renewed)
    await world.withdraw(people[1])
    assert await comes_to(world, month, before[month] + 1)
    assert (await scrape(world))[week] == before[week]


async def test_the_loop_and_the_process_are_looked_at(everybody):
    for _ in range(PATIENCE * 20):
        found = await scrape(everybody.world)
        if found["scelle_event_loop_lag_seconds_count"]:
            break
        await asyncio.sleep(0.05)
    assert found["scelle_event_loop_lag_seconds_count"] > 0
    assert found["scelle_event_loop_lag_seconds_sum"] >= 0
    assert found["process_resident_memory_bytes"] > 2**20
    assert found['scelle_ready{part="objects"}'] == 1


async def test_only_this_path_is_answered_and_only_by_the_port_of_its_own(everybody):
    world = everybody.world
    assert (await world.send("GET", "/metrics")).status == 404
    for path in ("", "/metrics/x", "/livez", "/v1/me"):
        async with world.http.get(world.metrics.removesuffix("/metrics") + path) as answer:
            assert answer.status == 404
    async with world.http.post(world.metrics, data=io.BytesIO(b"x")) as answer:
        assert answer.status == 405
    assert not [route for route in ROUTES if route.path == "/metrics"]
