"""What an organisation asks of passwords: told to whoever seals, enforced where an envelope shows it."""

import pytest

from tests.exchange.engines import engine  # noqa: F401 - both engines
from tests.exchange.uploading import a_sender
from vault.container.manifest import CarriedRecipient
from vault.container.slots import PasswordAccess

pytestmark = pytest.mark.asyncio

PASSWORD = PasswordAccess("editrice", "une phrase de passe")


@pytest.fixture
async def sender(world, part):
    return await a_sender(world, part)


async def ask_for(sender, passwords):
    path = {"organisation": sender.dossier.organisation}
    return await sender.world.ask(
        "change_organisation", path, token=sender.world.root, json={"passwords": passwords}
    )


def without_password(sender, size=10):
    return sender.seal(size, passwords=())


async def test_the_default_is_generated_and_a_change_stands_in_the_journal(sender):
    world, path = sender.world, {"dossier": sender.dossier.id}
    keys = await world.ok("get_dossier_keys", path, token=sender.session)
    assert keys["passwords"] == "generated"
    changed = await ask_for(sender, "strength:3")
    assert (changed.status, changed.json["passwords"]) == (200, "strength:3")
    details = {item["name"]: item["value"] for item in (await world.last_entry())["details"]}
    assert details["passwords"] == "strength:3"
    keys = await world.ok("get_dossier_keys", path, token=sender.session)
    assert keys["passwords"] == "strength:3"


@pytest.mark.parametrize("wrong", ["", "none", "strength", "strength:0", "strength:5", "Forbidden", 3])
async def test_a_policy_that_nobody_knows(sender, wrong):
    before = await sender.world.state()
    answer = await ask_for(sender, wrong)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert await sender.world.state() == before


@pytest.mark.parametrize("policy", ["generated", "strength:4"])
async def test_what_the_server_cannot_see_it_takes(sender, policy):
    await ask_for(sender, policy)
    await sender.world.kept(sender.session, sender.dossier, sender.seal(10, passwords=(PASSWORD,)))


async def test_a_deposit_with_a_password_where_they_are_forbidden(sender):
    world = sender.world
    await ask_for(sender, "forbidden")
    before = await world.state()
    answer = await world.deposit(sender.session, sender.dossier, sender.seal(10, passwords=(PASSWORD,)))
    assert (answer.status, answer.code) == (422, "password_forbidden"), answer.body
    assert await world.state() == before
    version = await world.kept(sender.session, sender.dossier, without_password(sender))
    # Nor in its place, nor by a new envelope.
    seal_id = version["seal_id"]
    better = sender.seal(10, passwords=(PASSWORD,), supersedes=bytes.fromhex(seal_id))
    answer = await world.ask(
        "replace_evidence",
        {"evidence": version["evidence"]},
        token=sender.session,
        data=better,
        headers={"If-Match": f'"{seal_id}"'},
    )
    assert (answer.status, answer.code) == (422, "password_forbidden"), answer.body


async def test_a_new_envelope_with_a_password_where_they_are_forbidden(sender):
    world = sender.world
    container = without_password(sender)
    version = await world.kept(sender.session, sender.dossier, container)
    await ask_for(sender, "forbidden")

    async def put(**options):
        return await world.ask(
            "rewrite_envelope",
            {"evidence": version["evidence"], "number": 1},
            token=sender.session,
            data=world.rewrap(container, sender.dossier, sender.editor, **options),
            headers={"If-Match": '"1"'},
        )

    before = await world.state()
    answer = await put(passwords=[PASSWORD])
    assert (answer.status, answer.code) == (422, "password_forbidden"), answer.body
    assert await world.state() == before
    assert (await put()).status == 200


async def test_an_upload_in_parts_is_asked_when_it_begins_and_when_it_ends(sender):
    world = sender.world
    upload = await sender.begun(sender.seal(10, passwords=(PASSWORD,)))
    await sender.put_all(upload)
    await ask_for(sender, "forbidden")
    answer = await sender.begin(sender.seal(10, passwords=(PASSWORD,)))
    assert (answer.status, answer.code) == (422, "password_forbidden"), answer.body
    size = await world.journal_size()
    answer = await sender.ask("complete_upload", upload)
    assert (answer.status, answer.code) == (422, "password_forbidden"), answer.body
    assert await world.journal_size() == size
    listed = await world.ok("list_evidence", {"dossier": sender.dossier.id}, token=sender.session)
    assert listed["items"] == []


async def test_no_template_where_passwords_are_forbidden(sender):
    world = sender.world
    path = {"dossier": sender.dossier.id}
    await ask_for(sender, "forbidden")
    before = await world.state()
    made = world.template(sender.dossier, sender.editor)
    answer = await world.ask("create_template", path, token=sender.portal.token, data=made)
    assert (answer.status, answer.code) == (422, "password_forbidden"), answer.body
    assert await world.state() == before


async def test_a_template_is_recoverable_too(sender):
    world = sender.world
    path = {"dossier": sender.dossier.id}
    before = await world.state()
    dossier = CarriedRecipient("dossier", 1, sender.dossier.key.public.kem)
    made = world.template(sender.dossier, sender.editor, recipients=[dossier])
    answer = await world.ask("create_template", path, token=sender.portal.token, data=made)
    assert (answer.status, answer.code) == (422, "recovery_slot_missing"), answer.body
    assert await world.state() == before
