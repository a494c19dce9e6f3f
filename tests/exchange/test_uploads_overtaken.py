"""Uploads during which the dossier's key, the proof or the dossier itself becomes another."""

from tests.exchange.cutting import cut
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.uploading import objects


async def test_a_rotated_key_costs_an_envelope_and_no_upload(sender):
    container = sender.seal()
    upload = await sender.begun(container)
    await sender.put_all(upload)
    rotated = await sender.rotate()
    assert (await sender.ask("complete_upload", upload)).code == "dossier_key_outdated"
    assert (await sender.ask("get_upload", upload)).json["state"] == "open"
    lacking = sender.world.rewrap(container, sender.dossier, sender.editor)
    assert (await sender.ask("put_upload_envelope", upload, data=lacking)).code == "dossier_key_outdated"
    envelope = sender.rewrapped(container, rotated)
    forged = envelope[:-1] + bytes([envelope[-1] ^ 1])
    assert (await sender.ask("put_upload_envelope", upload, data=forged)).code == "envelope_tampered"
    for _ in range(2):
        answer = await sender.ask("put_upload_envelope", upload, data=envelope)
        assert (answer.status, answer.json.get("generation")) == (200, 2), answer.body
    other = sender.rewrapped(container, rotated)
    assert (await sender.ask("put_upload_envelope", upload, data=other)).code == "conflict"
    old = cut(container)[0]
    assert (await sender.ask("put_upload_envelope", upload, data=old)).code == "envelope_stale"
    done = await sender.ask("complete_upload", upload)
    assert done.status == 201, done.body
    assert done.json["version"]["dossier_generation"] == 2
    assert await sender.stored(done.json["version"]) == envelope + container[len(old) :]


async def test_beginning_again_with_a_newer_envelope_takes_it_over(sender):
    container = sender.seal()
    upload = await sender.begun(container)
    await sender.put_all(upload)
    envelope = sender.rewrapped(container, await sender.rotate())
    assert (await sender.begin(container)).json["generation"] == 1, "it is found, whatever was rotated"
    newer = envelope + cut(container)[2]
    assert (await sender.begin(None, body=newer)).json["generation"] == 2
    assert (await sender.begin(container)).json["generation"] == 2
    assert (await sender.ask("complete_upload", upload)).status == 201


async def test_whoever_replaced_the_proof_meanwhile_was_first(sender):
    first = await sender.world.kept(sender.session, sender.dossier, sender.seal(100))
    active = bytes.fromhex(first["seal_id"])
    upload = (await sender.replacing(slow := sender.seal(100, supersedes=active), first)).json
    sender.parts[upload["id"]] = [cut(slow)[1]]
    await sender.put_all(upload)
    done = await sender.world.ask(
        "replace_evidence",
        {"evidence": first["evidence"]},
        token=sender.session,
        data=sender.seal(100, supersedes=active),
        headers={"If-Match": f'"{first["seal_id"]}"'},
    )
    assert done.status == 200
    before = await sender.world.state()
    for _ in range(2):
        answer = await sender.ask("complete_upload", upload)
        assert (answer.status, answer.code) == (409, "conflict")
        assert answer.json["extra"]["active"] == done.json["version"]["seal_id"]
    after = await sender.world.state()
    assert {name for name in after if after[name] != before[name]} <= {"files", "objects", "staged"}
    assert (await sender.ask("abandon_upload", upload)).status == 204
    assert len(await objects(sender.world)) == 2


async def test_a_closed_dossier_takes_nothing_any_more(sender):
    world, container = sender.world, sender.seal(100)
    upload = await sender.begun(container)
    await sender.put_all(upload)
    await world.ok("close_dossier", {"dossier": sender.dossier.id}, token=world.root)
    assert (await sender.begin(container)).code == "dossier_closed"
    assert (await sender.ask("complete_upload", upload)).code == "dossier_closed"
