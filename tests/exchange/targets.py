"""One good request for every route: what each actor of the matrix sends.

A request that would change something asks about something made for it, so that the next actor finds the
same service. ``actor`` matters only where what is sent has to be signed by who sends it.
"""

from typing import Any

from keys.canonical import decode_binary, encode_binary
from keys.holder import answer_enrolment
from keys.keyfile import encode_public
from keys.possession import answer_sign_in
from tests.exchange.acts_of_people import carry
from tests.exchange.acts_on_dossiers import signer_id
from tests.exchange.everybody import stranger

TARGETS: dict[str, Any] = {}


def target(function):
    TARGETS[function.__name__] = function
    return function


def plain(*names, path=(), **options):
    """Register routes whose request is always the same; ``path`` names attributes of everybody."""

    async def make(everybody, actor):
        return {"path": {name: read(everybody) for name, read in dict(path).items()}, **options}

    TARGETS.update(dict.fromkeys(names, make))


DOSSIER = {"dossier": lambda everybody: everybody.dossier.id}
PROOF = {"evidence": lambda everybody: everybody.proof["evidence"]}
VERSION = {**PROOF, "number": lambda everybody: 1}

plain("live", "ready", "version", "openapi", "docs", "get_trust", "get_me")
plain("list_organisations", "list_accounts", "list_tokens", "list_reviewers", "list_dossiers")
plain("list_journal", "get_checkpoint")
plain("get_consistency", params={"first": "1", "second": "2"})
plain("create_challenge", json={"key_id": "0" * 64})
plain("create_organisation", json={"name": "Encore une"})
plain(
    "change_organisation",
    path={"organisation": lambda everybody: everybody.organisation},
    json={"name": "Un"},
)
plain("create_account", json={"name": "R", "role": "reviewer"})
plain("get_account", path={"account": lambda everybody: everybody.people["reviewer"].account})
plain("create_token", json={"label": "essai"})
plain("get_dossier", "get_dossier_keys", "list_evidence", path=DOSSIER)
plain("list_depositors", "list_templates", "list_grants", "get_my_grants", path=DOSSIER)
plain("get_evidence", path=PROOF)
plain("fetch_container", "fetch_envelope", "fetch_body", "get_receipt", path=VERSION)


@target
async def publish_authority(everybody, actor):
    return {"json": everybody.world.publication()}


@target
async def create_session(everybody, actor):
    world, key = everybody.world, everybody.editor.signing
    challenge = await world.ok("create_challenge", json={"key_id": key.key_id.hex()})
    signature = answer_sign_in(key, origin=world.origin, challenge=decode_binary(challenge["challenge"], 32))
    return {
        "json": {
            "challenge": challenge["id"],
            "key_id": key.key_id.hex(),
            "signature": encode_binary(signature),
        }
    }


@target
async def delete_session(everybody, actor):
    if actor not in everybody.sessions:
        return {}
    identity = getattr(everybody, actor)
    return {"token": await everybody.world.session(identity)}


@target
async def enrol(everybody, actor):
    world, identity = everybody.world, stranger()
    _, code = await world.account("reviewer")
    text = encode_public(identity.public)
    challenge = await world.ok("create_challenge", json={"identity": text})
    answer = answer_enrolment(identity, decode_binary(challenge["wrapped"], 1713), origin=world.origin)
    return {
        "json": {
            "code": code,
            "challenge": challenge["id"],
            "identity": text,
            "signature": encode_binary(answer),
        }
    }


@target
async def fetch_template(everybody, actor):
    world = everybody.world
    made = await world.ok(
        "create_template",
        {"dossier": everybody.dossier.id},
        token=everybody.people["portal"].token,
        data=world.template(everybody.dossier, stranger()),
    )
    return {"path": {"code": made["code"]}}


@target
async def change_account(everybody, actor):
    account, _ = await everybody.world.account("auditor")
    return {"path": {"account": account}, "json": {"disabled": True}}


@target
async def habilitate(everybody, actor):
    world = everybody.world
    person = await world.person("reviewer", habilitated=False)
    signed = world.habilitation(person.identity, "reviewer")
    return {"path": {"account": person.account}, "json": {"statement": carry(signed)}}


@target
async def withdraw_habilitation(everybody, actor):
    world = everybody.world
    person = await world.person("reviewer")
    signed = world.withdrawal(person.habilitation)
    return {"path": {"account": person.account}, "json": {"statement": carry(signed)}}


@target
async def revoke_token(everybody, actor):
    world, account = everybody.world, everybody.people["portal"].account
    body = {"account": account, "label": "à révoquer"}
    made = await world.ok("create_token", token=world.root, json=body)
    return {"path": {"token": made["token"]["id"]}}


@target
async def create_dossier(everybody, actor):
    issuer = {"portal": "portal", "acting": "portal", "other_portal": "other_portal"}.get(actor)
    key = everybody.people[issuer].identity if issuer else everybody.world.authority
    body = everybody.world.dossier_request(key, [everybody.people["admin"].identity])
    return {"json": body if issuer else {**body, "organisation": everybody.organisation}}


@target
async def close_dossier(everybody, actor):
    people, world = everybody.people, everybody.world
    dossier = await world.dossier(
        people["portal"], [people["admin"].identity], organisation=everybody.organisation
    )
    return {"path": {"dossier": dossier.id}}


@target
async def add_depositor(everybody, actor):
    issuer = everybody.people["portal"].identity
    body = everybody.world.mandate_request(issuer, everybody.dossier.id, stranger())
    return {"path": {"dossier": everybody.dossier.id}, "json": body}


@target
async def remove_depositor(everybody, actor):
    depositor = await everybody.world.depositor(everybody.people["portal"], everybody.dossier)
    return {"path": {"dossier": everybody.dossier.id, "key": signer_id(depositor)}}


@target
async def create_template(everybody, actor):
    data = everybody.world.template(everybody.dossier, stranger())
    return {"path": {"dossier": everybody.dossier.id}, "data": data}


@target
async def withdraw_template(everybody, actor):
    world, path = everybody.world, {"dossier": everybody.dossier.id}
    data = world.template(everybody.dossier, stranger())
    made = await world.ok("create_template", path, token=everybody.people["portal"].token, data=data)
    return {"path": {**path, "template": made["template"]["id"]}}


@target
async def add_grant(everybody, actor):
    world, dossier = everybody.world, everybody.dossier
    person = await world.person("reviewer")
    admin = everybody.people["admin"].identity
    signed = world.grant(admin, dossier.id, dossier.key, person.identity)
    return {"path": {"dossier": dossier.id}, "json": {"statement": carry(signed)}}


@target
async def revoke_grant(everybody, actor):
    request = await add_grant(everybody, actor)
    made = await everybody.world.ok(
        "add_grant", request["path"], token=everybody.world.root, json=request["json"]
    )
    return {"path": {**request["path"], "grant": made["id"]}}


@target
async def deposit(everybody, actor):
    signer = everybody.colleague if actor == "colleague" else everybody.editor
    data = everybody.world.seal(signer.signing, everybody.dossier)
    return {"path": {"dossier": everybody.dossier.id}, "data": data}


async def fresh_proof(everybody):
    container = everybody.world.seal(everybody.editor.signing, everybody.dossier)
    proof = await everybody.world.kept(everybody.sessions["editor"], everybody.dossier, container)
    return proof, {"path": {"evidence": proof["evidence"]}, "headers": {"If-Match": f'"{proof["seal_id"]}"'}}


@target
async def replace_evidence(everybody, actor):
    proof, request = await fresh_proof(everybody)
    supersedes = bytes.fromhex(proof["seal_id"])
    better = everybody.world.seal(everybody.editor.signing, everybody.dossier, supersedes=supersedes)
    return {**request, "data": better}


@target
async def rewrite_envelope(everybody, actor):
    _, request = await fresh_proof(everybody)
    world, path = everybody.world, {**request["path"], "number": 1}
    whole = await world.ask("fetch_container", path, token=everybody.sessions["editor"])
    head = world.rewrap(whole.body, everybody.dossier, everybody.editor)
    return {"path": path, "data": head, "headers": {"If-Match": '"1"'}}


@target
async def archive_evidence(everybody, actor):
    _, request = await fresh_proof(everybody)
    return request


@target
async def record_opening(everybody, actor):
    reviewer = everybody.people["reviewer"].identity
    body = everybody.world.opening(reviewer, everybody.proof["seal_id"])
    path = {"evidence": everybody.proof["evidence"], "number": 1}
    return {"path": path, "json": body}
