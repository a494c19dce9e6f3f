"""Templates taken over: the editor's own stands behind the same link, what it replaces is gone."""

import asyncio

import pytest

from client.remote.handover import hand_over
from keys.canonical import encode_binary
from keys.keyfile import Use
from keys.keyring import Identity
from tests.crash.heirs import other_password
from tests.exchange.acts_on_dossiers import examine_whole, signer_id
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.container.layout import parse_preamble
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError, Outcome
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock
from vault.server.services.templatecheck import check_templates

pytestmark = pytest.mark.asyncio

OLD, NEW = "correct horse battery", "une autre phrase de passe"


class Owner:
    """An editor with a stored template."""

    def __init__(self, world, people, dossier, issued, template) -> None:
        self.world, (self.portal, self.editor), self.dossier = world, people, dossier
        self.template, self.code = template, issued["code"]
        self.stored = issued["template"]
        self.path = {"dossier": dossier.id, "template": self.stored["id"]}

    async def replace(self, data, match=None, token=None):
        return await self.world.ask(
            "replace_template",
            self.path,
            token=token or await self.world.session(self.editor),
            data=data,
            headers={"If-Match": f'"{match or self.stored["seal_id"]}"'},
        )

    async def rewrite(self, data, generation=1, token=None):
        return await self.world.ask(
            "rewrite_template",
            self.path,
            token=token or await self.world.session(self.editor),
            data=data,
            headers={"If-Match": f'"{generation}"'},
        )

    async def behind_the_link(self):
        return await self.world.ask("fetch_template", {"code": self.code})

    async def hand_over(self):
        """Hand over to a new key, and act by it from now on."""
        old, self.editor = self.editor, Identity.generate(Use.PERSON)
        request = hand_over(old, self.editor, self.dossier.id, self.world.origin, now=self.world.clock.now())
        body = request.model_dump(mode="json")
        path = {"dossier": self.dossier.id}
        await self.world.ok("succeed_depositor", path, token=await self.world.session(old), json=body)


@pytest.fixture
async def owner(world):
    organisation = await world.organisation()
    portal = await world.person("portal", organisation=organisation)
    dossier = await world.dossier(portal, [(await world.person("admin")).identity], organisation=organisation)
    editor = await world.depositor(portal, dossier)
    template = world.template(dossier, editor)
    issued = await world.ok("create_template", {"dossier": dossier.id}, token=portal.token, data=template)
    return Owner(world, (portal, editor), dossier, issued, template)


async def damage(world):
    return [finding async for finding in check_templates(world.records, dossier_id=None)]


async def test_the_editors_own_template_takes_the_place(owner):
    world = owner.world
    await owner.hand_over()
    own = world.template(owner.dossier, owner.editor)
    seal_id = examine_whole(own).seal.seal_id.hex()
    token, size = await world.session(owner.editor), await world.journal_size()
    done = await owner.replace(own, token=token)
    assert done.status == 200, done.body
    assert done.headers["ETag"] == f'"{seal_id}"'
    assert await world.journal_size() == size + 1
    entry = await world.last_entry()
    assert entry["action"] == "template.replaced"
    details = {item["name"]: item["value"] for item in entry["details"]}
    assert details == {
        "seal": encode_binary(bytes.fromhex(seal_id)),
        "signer": encode_binary(owner.editor.public.signing_key_id),
        "supersedes": encode_binary(bytes.fromhex(owner.stored["seal_id"])),
    }
    assert (await owner.behind_the_link()).body == own
    listed = await world.ok("list_templates", {"dossier": owner.dossier.id}, token=token)
    assert [(item["signer"], item["seal_id"]) for item in listed["items"]] == [
        (signer_id(owner.editor), seal_id)
    ]
    # Nothing of the one before is kept.
    async with world.records.read() as view:
        parts = await view.templates.parts(owner.stored["id"])
    assert parts.head + parts.body == own
    assert await damage(world) == []


async def test_each_seal_is_replaced_once(owner):
    world = owner.world
    made = [world.template(owner.dossier, owner.editor) for _ in range(3)]
    token = await world.session(owner.editor)
    answers = await asyncio.gather(*(owner.replace(one, token=token) for one in made))
    assert sorted(answer.status for answer in answers) == [200, 412, 412]
    (kept,) = [one for one, answer in zip(made, answers, strict=True) if answer.status == 200]
    late = await owner.replace(made[0])
    assert late.code == "precondition_failed"
    assert late.json["extra"] == {"active": examine_whole(kept).seal.seal_id.hex()}


async def test_what_cannot_take_the_place(owner):
    world, dossier, editor = owner.world, owner.dossier, owner.editor
    other = await world.dossier(
        owner.portal, [(await world.person("admin")).identity], organisation=dossier.organisation
    )
    stranger = Identity.generate(Use.PERSON)
    before = await world.state()
    for data, code in (
        (world.seal(editor.signing, dossier), "template_refused"),
        (world.seal(editor.signing, dossier, content=None, evidence_type="template"), "template_refused"),
        (world.template(dossier, editor, writers=()), "writer_missing"),
        (world.template(dossier, stranger), "unknown_signer"),
        (world.template(other, editor), "wrong_dossier"),
        (owner.template[:-1], "malformed"),
        (owner.template, "already_exists"),
    ):
        session = await world.session(editor)
        refused = await owner.replace(data, token=session)
        assert refused.code == code, (code, refused.body)
        await world.ok("delete_session", token=session)
    after = await world.state()
    assert after["templates"] == before["templates"]
    assert after["template_parts"] == before["template_parts"]
    lines = world.log.getvalue().splitlines()
    assert [line for line in lines if '"undeclared"' in line or '"failure"' in line] == []


async def test_who_may_not(owner):
    world = owner.world
    colleague = await world.depositor(owner.portal, owner.dossier)
    own = world.template(owner.dossier, colleague)
    head = other_password(owner.template, owner.editor)
    for token, status in (
        (await world.session(colleague), 404),
        (owner.portal.token, 403),
        (world.root, 403),
    ):
        assert (await owner.replace(own, token=token)).status == status
        assert (await owner.rewrite(head, token=token)).status == status
    listed = await world.ok(
        "list_templates", {"dossier": owner.dossier.id}, token=await world.session(colleague)
    )
    assert listed["items"] == []
    old = await world.session(owner.editor)
    await owner.hand_over()
    assert (await owner.replace(owner.template, token=old)).status == 401


async def test_a_new_password_is_a_new_envelope(owner):
    world = owner.world
    head = other_password(owner.template, owner.editor)
    token, size = await world.session(owner.editor), await world.journal_size()
    done = await owner.rewrite(head, token=token)
    assert (done.status, done.headers["ETag"], done.json["generation"]) == (200, '"2"', 2)
    assert await world.journal_size() == size + 1
    assert (await world.last_entry())["action"] == "template.rewritten"
    now = (await owner.behind_the_link()).body
    assert now == head + owner.template[parse_preamble(owner.template).payload_offset :]
    assert done.json["size"] == len(now)
    examined = examine_whole(now)
    assert unlock(examined, PasswordAccess("editrice", NEW)).identity == owner.editor.seed
    with pytest.raises(ContainerError) as refused:
        unlock(examined, PasswordAccess("editrice", OLD))
    assert refused.value.outcome is Outcome.NO_ACCESS
    assert await damage(world) == []


async def test_each_generation_of_a_template_is_written_once(owner):
    token = await owner.world.session(owner.editor)
    heads = [other_password(owner.template, owner.editor) for _ in range(3)]
    answers = await asyncio.gather(*(owner.rewrite(head, token=token) for head in heads))
    assert sorted(answer.status for answer in answers) == [200, 412, 412]
    late = await owner.rewrite(heads[0], token=token)
    assert (late.code, late.json["extra"]) == ("precondition_failed", {"generation": 2})
    stale = await owner.rewrite(heads[0], generation=2, token=token)
    assert stale.code == "envelope_stale"


async def test_what_is_no_envelope_of_this_template(owner):
    world = owner.world
    other = world.template(owner.dossier, owner.editor)
    head = bytearray(other_password(owner.template, owner.editor))
    head[-1] ^= 1
    token = await world.session(owner.editor)
    before = await world.state()
    for data, code in (
        (b"", "malformed"),
        (owner.template, "malformed"),
        (bytes(head), "envelope_tampered"),
        (other_password(other, owner.editor), "envelope_tampered"),
    ):
        refused = await owner.rewrite(data, token=token)
        assert refused.code == code, refused.body
    assert await world.state() == before


async def test_a_template_that_was_withdrawn_is_gone(owner):
    world = owner.world
    await world.ok("withdraw_template", owner.path, token=owner.portal.token)
    own = world.template(owner.dossier, owner.editor)
    assert (await owner.replace(own)).code == "not_found"
    assert (await owner.rewrite(other_password(owner.template, owner.editor))).code == "not_found"


async def test_what_was_forbidden_meanwhile(owner):
    world, path = owner.world, {"organisation": owner.dossier.organisation}
    await world.ok("change_organisation", path, token=world.root, json={"passwords": "forbidden"})
    session = await world.session(owner.editor)
    before = await world.state()
    for answer in (
        await owner.replace(world.template(owner.dossier, owner.editor), token=session),
        await owner.rewrite(other_password(owner.template, owner.editor), token=session),
    ):
        assert (answer.status, answer.code) == (422, "password_forbidden"), answer.body
    assert await world.state() == before


async def test_the_editors_own_template_is_recoverable_too(owner):
    session = await owner.world.session(owner.editor)
    before = await owner.world.state()
    dossier = CarriedRecipient("dossier", 1, owner.dossier.key.public.kem)
    own = owner.world.template(owner.dossier, owner.editor, recipients=[dossier])
    answer = await owner.replace(own, token=session)
    assert (answer.status, answer.code) == (422, "recovery_slot_missing"), answer.body
    assert await owner.world.state() == before
