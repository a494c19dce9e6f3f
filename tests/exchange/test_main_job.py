import pytest

from keys.holder import open_grant
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import DossierKey, Grant, Receipt, read_unjudged
from keys.trust import Trust
from tests.exchange.acts_of_people import unpack
from tests.exchange.acts_on_dossiers import signer_id
from tests.exchange.engines import engine  # noqa: F401 - both engines
from vault.api.route import CONTAINER


@pytest.fixture
async def cast(world):
    """Return everybody whom the main job needs."""
    organisation = await world.organisation()
    portal = await world.person("portal", organisation=organisation)
    admin = await world.person("admin")
    first, second = await world.person("reviewer"), await world.person("reviewer")
    dossier = await world.dossier(portal, [admin.identity, first.identity], organisation=organisation)
    editor = await world.depositor(portal, dossier)
    return {
        "portal": portal,
        "admin": admin,
        "first": first,
        "second": second,
        "dossier": dossier,
        "editor": editor,
        "session": await world.session(editor),
    }


async def test_from_the_deposit_to_the_reviewer_and_nowhere_else(world, cast):
    dossier, session = cast["dossier"], cast["session"]
    container = world.seal(cast["editor"].signing, dossier)
    answer = await world.deposit(session, dossier, container)
    assert answer.status == 201, answer.body
    version = answer.json["version"]
    receipt = read_unjudged(unpack(answer.json["receipt"]), Receipt)
    assert receipt.seal_id.hex() == version["seal_id"]
    assert receipt.size == len(container)
    assert receipt.signer.hex() == signer_id(cast["editor"])
    where = {"evidence": version["evidence"], "number": 1}
    fetched = await world.ask("fetch_container", where, token=cast["first"].token)
    assert (fetched.status, fetched.body) == (200, container)
    assert fetched.headers["Content-Type"] == CONTAINER
    refused = await world.ask("fetch_container", where, token=cast["second"].token)
    assert (refused.status, refused.code) == (404, "not_found")
    assert (await world.ask("fetch_container", where, token=cast["portal"].token)).status == 403
    other = await world.person("admin")
    assert (await world.ask("fetch_container", where, token=other.token)).status == 404
    granted = await world.ask("fetch_container", where, token=cast["admin"].token)
    assert granted.body == container, "an admin with a grant re-encrypts"
    own = await world.ask("fetch_container", where, token=session)
    assert own.body == container


async def test_a_better_version_archives_the_first_which_stays_retrievable(world, cast):
    dossier, session, editor = cast["dossier"], cast["session"], cast["editor"]
    first = world.seal(editor.signing, dossier)
    version = await world.kept(session, dossier, first)
    better = world.seal(
        editor.signing, dossier, content=b"mieux", supersedes=bytes.fromhex(version["seal_id"])
    )
    path = {"evidence": version["evidence"]}
    headers = {"If-Match": f'"{version["seal_id"]}"'}
    replaced = await world.ask("replace_evidence", path, token=session, data=better, headers=headers)
    assert replaced.status == 200, replaced.body
    assert replaced.json["version"]["number"] == 2
    listed = await world.ok(
        "list_evidence",
        {"dossier": dossier.id},
        token=session,
        params={"type": "aipd", "state": "archived"},
    )
    assert [item["seal_id"] for item in listed["items"]] == [version["seal_id"]]
    old = await world.ask("fetch_container", {**path, "number": 1}, token=cast["first"].token)
    assert old.body == first
    shown = await world.ask("get_evidence", path, token=session)
    assert shown.headers["ETag"] == f'"{replaced.json["version"]["seal_id"]}"'
    assert [item["state"] for item in shown.json["versions"]] == ["archived", "active"]


async def test_archiving_needs_the_active_seal_and_happens_once(world, cast):
    session = cast["session"]
    container = world.seal(cast["editor"].signing, cast["dossier"])
    version = await world.kept(session, cast["dossier"], container)
    path = {"evidence": version["evidence"]}
    missing = await world.ask("archive_evidence", path, token=session)
    assert (missing.status, missing.code) == (428, "precondition_required")
    wrong = await world.ask(
        "archive_evidence", path, token=session, headers={"If-Match": '"' + "0" * 64 + '"'}
    )
    assert (wrong.status, wrong.code) == (412, "precondition_failed")
    headers = {"If-Match": f'"{version["seal_id"]}"'}
    done = await world.ask("archive_evidence", path, token=session, headers=headers)
    assert done.json["state"] == "archived"
    again = await world.ask("archive_evidence", path, token=session, headers=headers)
    assert (again.status, again.code) == (409, "conflict")


async def test_a_portal_deposits_what_the_editor_sealed(world, cast):
    container = world.seal(cast["editor"].signing, cast["dossier"])
    options = {"acting_for": signer_id(cast["editor"])}
    version = await world.kept(cast["portal"].token, cast["dossier"], container, **options)
    assert version["signer"] == signer_id(cast["editor"])
    stranger = await world.depositor(cast["portal"], cast["dossier"])
    other = await world.deposit(
        cast["portal"].token,
        cast["dossier"],
        world.seal(stranger.signing, cast["dossier"]),
        acting_for=signer_id(cast["editor"]),
    )
    assert (other.status, other.code) == (403, "unknown_signer")


async def test_the_template_goes_to_whoever_has_its_link_until_it_is_withdrawn(world, cast):
    dossier, portal = cast["dossier"], cast["portal"]
    template = world.template(dossier, cast["editor"])
    made = await world.ok("create_template", {"dossier": dossier.id}, token=portal.token, data=template)
    fetched = await world.send("GET", made["link"].removeprefix(world.origin))
    assert (fetched.status, fetched.body) == (200, template)
    assert (await world.last_entry())["action"] == "template.fetched"
    path = {"dossier": dossier.id, "template": made["template"]["id"]}
    await world.ok("withdraw_template", path, token=portal.token)
    gone = await world.ask("fetch_template", {"code": made["code"]})
    assert (gone.status, gone.code) == (404, "not_found")


async def test_a_stored_template_proves_possession_for_the_mandate(world, cast):
    dossier, portal = cast["dossier"], cast["portal"]
    depositor = Identity.generate(Use.PERSON)
    body = world.mandate_request(portal.identity, dossier.id, depositor)
    del body["possession"]
    path = {"dossier": dossier.id}
    early = await world.ask("add_depositor", path, token=portal.token, json=body)
    assert (early.status, early.code) == (422, "possession_unproven")
    template = world.template(dossier, depositor)
    await world.ok("create_template", path, token=portal.token, data=template)
    made = await world.ok("add_depositor", path, token=portal.token, json=body)
    assert made["valid"] is True


async def test_an_opening_and_a_complaint_show_in_the_list(world, cast):
    dossier, session, reviewer = cast["dossier"], cast["session"], cast["first"]
    for outcome, shown in (("opened", "opened"), ("envelope_tampered", "complaint")):
        container = world.seal(cast["editor"].signing, dossier, content=outcome.encode())
        version = await world.kept(session, dossier, container)
        assert version["opened"] == "unknown"
        path = {"evidence": version["evidence"], "number": 1}
        body = world.opening(reviewer.identity, version["seal_id"], outcome)
        await world.ok("record_opening", path, token=reviewer.token, json=body)
        seen = await world.ok("get_evidence", {"evidence": version["evidence"]}, token=session)
        assert seen["versions"][0]["opened"] == shown


async def test_a_withdrawn_reviewer_gets_nothing_more(world, cast):
    reviewer, dossier = cast["first"], cast["dossier"]
    container = world.seal(cast["editor"].signing, dossier)
    version = await world.kept(cast["session"], dossier, container)
    where = {"evidence": version["evidence"], "number": 1}
    assert (await world.ask("fetch_body", where, token=reviewer.token)).status == 200
    await world.withdraw(reviewer, cast["admin"].identity)
    for name in ("fetch_container", "fetch_body", "fetch_envelope"):
        refused = await world.ask(name, where, token=reviewer.token)
        assert (refused.status, refused.code) == (403, "not_habilitated")
    refused = await world.ask("get_my_grants", {"dossier": dossier.id}, token=reviewer.token)
    assert refused.status == 403


async def test_a_grantee_gets_all_that_it_needs_to_open(world, cast):
    reviewer, dossier = cast["first"], cast["dossier"]
    mine = await world.ok("get_my_grants", {"dossier": dossier.id}, token=reviewer.token)
    now = world.clock.now()
    trust = Trust(world.authority.public.signing, [unpack(item) for item in mine["issuers"]])
    key = trust.verify_opening(unpack(mine["keys"][0]), at=now)
    opener = key.statement.issuer
    grant = trust.verify(unpack(mine["grants"][0]), Grant, at=now, opener=opener)
    assert trust.verify(unpack(mine["keys"][0]), DossierKey, at=now, opener=opener)
    assert open_grant(grant, key, reviewer.identity).public == dossier.key.public
