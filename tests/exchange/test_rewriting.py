import asyncio

import pytest

from keys.canonical import encode_binary
from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.targets import fresh_proof
from vault.container.envelope import parse_envelope
from vault.container.layout import PREAMBLE_LENGTH, parse_preamble
from vault.container.slots import PasswordAccess

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Stored:
    """A fresh proof of the editor's, as it is stored."""

    def __init__(self, everybody, path, container):
        self.everybody, self.world, self.path, self.container = everybody, everybody.world, path, container
        self.token = everybody.token("editor")

    @property
    def envelope(self):
        return parse_envelope(self.container[PREAMBLE_LENGTH : parse_preamble(self.container).payload_offset])

    async def put(self, head, generation="1", token=None):
        return await self.world.ask(
            "rewrite_envelope",
            self.path,
            token=token or self.token,
            data=head,
            headers={"If-Match": f'"{generation}"'},
        )

    def rewrap(self, writer=None, **options):
        return self.world.rewrap(
            self.container, self.everybody.dossier, writer or self.everybody.editor, **options
        )


async def make(everybody):
    _, request = await fresh_proof(everybody)
    path = {**request["path"], "number": 1}
    whole = await everybody.world.ask("fetch_container", path, token=everybody.token("editor"))
    return Stored(everybody, path, whole.body)


async def test_a_new_envelope_before_the_same_body(everybody):
    stored = await make(everybody)
    world, head = stored.world, stored.rewrap()
    done = await stored.put(head)
    assert (done.status, done.headers["ETag"]) == (200, '"2"')
    assert done.json["envelope_digest"] == parse_envelope(head[PREAMBLE_LENGTH:]).digest.hex()
    old = parse_preamble(stored.container).payload_offset
    now = await world.ask("fetch_container", stored.path, token=stored.token)
    assert now.body == head + stored.container[old:]
    shown = await world.ask("get_evidence", {"evidence": stored.path["evidence"]}, token=stored.token)
    assert shown.headers["ETag"] == f'"{done.json["seal_id"]}"'


async def test_a_new_password_is_a_new_envelope(everybody):
    stored = await make(everybody)
    access = PasswordAccess("editrice", "une autre phrase de passe")
    assert (await stored.put(stored.rewrap(passwords=[access], recipients=[]))).status == 200


async def test_what_is_superseded_is_gone_and_its_digest_stays_in_the_journal(everybody):
    stored = await make(everybody)
    await stored.put(stored.rewrap())
    details = {item["name"]: item["value"] for item in (await stored.world.last_entry())["details"]}
    assert details["superseded_envelope"] == encode_binary(stored.envelope.digest)
    async with stored.world.records.read() as view:
        version = await view.evidence.version(stored.path["evidence"], 1)
        assert stored.envelope.json not in await view.evidence.head(version.seal_id)


async def test_each_generation_is_written_once(everybody):
    stored = await make(everybody)
    answers = await asyncio.gather(*(stored.put(stored.rewrap()) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 412, 412]
    late = await stored.put(stored.rewrap())
    assert (late.status, late.code) == (412, "precondition_failed")
    stale = await stored.put(stored.rewrap(), generation="2")
    assert (stale.status, stale.code) == (422, "envelope_stale")


async def test_who_writes_it_is_listed_in_the_seal(everybody):
    stored = await make(everybody)
    forged = bytearray(stored.rewrap())
    forged[-1] ^= 1
    refused = await stored.put(bytes(forged))
    assert (refused.status, refused.code) == (422, "envelope_tampered")
    stranger = stored.rewrap(
        writer=everybody.colleague, successors=[everybody.colleague.public.signing_key_id]
    )
    refused = await stored.put(stranger)
    assert (refused.status, refused.code) == (422, "envelope_tampered")
    listed = stored.rewrap(writer=stored.world.authority)
    assert (await stored.put(listed, token=everybody.token("admin"))).status == 200


async def test_the_dossier_keeps_its_access(everybody):
    stored = await make(everybody)
    slots = [slot.id for slot in stored.envelope.envelope.recipient_slots if slot.role == "dossier"]
    refused = await stored.put(stored.rewrap(remove=slots))
    assert (refused.status, refused.code) == (409, "dossier_key_outdated")


async def test_what_is_no_envelope_of_this_proof(everybody):
    stored, other = await make(everybody), await make(everybody)
    before = await stored.world.state()
    for head, code in (
        (b"", "malformed"),
        (stored.container, "malformed"),
        (stored.rewrap()[:-1], "malformed"),
        (other.rewrap(), "envelope_tampered"),
    ):
        refused = await stored.put(head)
        assert (refused.status, refused.code) == (422, code)
    large = await stored.put(bytes(300 * 1024))
    assert (large.status, large.code) == (413, "body_too_large")
    for tag in ("0" * 64, "x", "0", ""):
        refused = await stored.put(stored.rewrap(), generation=tag)
        assert (refused.status, refused.code) == (400, "invalid_request"), tag
    assert await stored.world.state() == before


async def test_every_problem_above_is_declared_for_its_route(everybody):
    lines = everybody.world.log.getvalue().splitlines()
    assert [line for line in lines if '"undeclared"' in line or '"failure"' in line] == []
