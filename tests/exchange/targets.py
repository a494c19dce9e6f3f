"""One good request for every route that creates something, to be sent twice.

``actor`` matters only where what is sent has to be signed by who sends it.
"""

from typing import Any

from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.acts_of_people import carry
from tests.exchange.again import seal_again
from tests.exchange.approving import approval
from tests.exchange.everybody import stranger
from vault.container.manifest import CarriedRecipient

TARGETS: dict[str, Any] = {}


def target(function):
    TARGETS[function.__name__] = function
    return function


def plain(route, /, **body):
    """Register a route whose request is always the same."""

    async def make(everybody, actor):
        return {"json": body}

    TARGETS[route] = make


plain("create_organisation", name="Encore une")
plain("create_account", name="R", role="reviewer")
plain("create_token", label="essai")


@target
async def create_dossier(everybody, actor):
    issuer = {"portal": "portal", "acting": "portal", "other_portal": "other_portal"}.get(actor)
    key = everybody.people[issuer].identity if issuer else everybody.world.authority
    body = everybody.world.dossier_request(key, [everybody.people["admin"].identity])
    return {"json": body if issuer else {**body, "organisation": everybody.organisation}}


@target
async def approve(everybody, actor):
    world = everybody.world
    subject = world.authority.public.signing_key_id.hex()
    identity = everybody.people["admin"].identity
    return {"json": {"statement": carry(approval(world, identity, "authority", subject, bytes(32)))}}


@target
async def add_depositor(everybody, actor):
    issuer = everybody.people["portal"].identity
    body = everybody.world.mandate_request(issuer, everybody.dossier.id, stranger())
    return {"path": {"dossier": everybody.dossier.id}, "json": body}


@target
async def create_template(everybody, actor):
    data = everybody.world.template(everybody.dossier, stranger())
    return {"path": {"dossier": everybody.dossier.id}, "data": data}


@target
async def rotate_dossier_key(everybody, actor):
    world, admin = everybody.world, everybody.people["admin"].identity
    portal, organisation = everybody.people["portal"], everybody.organisation
    dossier = await world.dossier(portal, [admin], organisation=organisation)
    request = world.rotation_request(admin, dossier, Identity.generate(Use.DOSSIER), [admin])
    return {"path": {"dossier": dossier.id}, "json": request}


@target
async def add_grant(everybody, actor):
    world, dossier = everybody.world, everybody.dossier
    person = await world.person("reviewer")
    admin = everybody.people["admin"].identity
    signed = world.grant(admin, dossier.id, dossier.key, person.identity)
    return {"path": {"dossier": dossier.id}, "json": {"statement": carry(signed)}}


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
async def reencrypt(everybody, actor):
    world, dossier, admin = everybody.world, everybody.dossier, everybody.people["admin"].identity
    container = world.seal(everybody.editor.signing, dossier)
    proof = await world.kept(everybody.sessions["editor"], dossier, container)
    recipients = (
        CarriedRecipient("dossier", 1, dossier.key.public.kem),
        CarriedRecipient("reader", 0, everybody.editor.public.kem),
        CarriedRecipient("recovery", 0, world.recovery.public.kem),
    )
    data = seal_again(container, dossier.key.decapsulation, admin.signing, recipients)
    return {"path": {"evidence": proof["evidence"], "number": 1}, "data": data}


@target
async def record_opening(everybody, actor):
    reviewer = everybody.people["reviewer"].identity
    body = everybody.world.opening(reviewer, everybody.proof["seal_id"])
    path = {"evidence": everybody.proof["evidence"], "number": 1}
    return {"path": path, "json": body}
