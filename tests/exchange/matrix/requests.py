"""One request for each route, such that it succeeds for whoever may send it.

Each is what the client library sends: it is let run until it comes to the route in question, and what it is
about to send there is kept instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from client.remote.approving import approve, take_back
from client.remote.authority import habilitate, publish, publish_recovery_key, withdraw
from client.remote.carriage import to_model
from client.remote.granting import give_grants
from client.remote.handover import hand_over
from client.remote.inheriting import hand_account_over, hand_authority_over
from client.remote.opening import NewDossier, NewMandate, give_mandate, open_dossier, prove
from client.remote.rotating import Member, Plan, give_next_key
from client.remote.service import Service
from client.remote.signin import enrol, sign_in
from client.remote.transport import Call, Transport
from client.remote.uploading import upload_bytes
from keys.grants import make_grant
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import Opening, lasting, momentary, sign_statement
from tests.exchange.cutting import content_digest, without_payload
from tests.exchange.matrix.world import EVIDENCE_TYPE, OWN, TURNED
from vault.api.models.approvals import ApprovalQuery
from vault.api.models.base import Paging
from vault.api.models.dossiers import DossierQuery, TemplateQuery
from vault.api.models.erasure import LinesQuery, RetentionRequest
from vault.api.models.evidence import EvidenceQuery, OpeningRequest
from vault.api.models.journal import ConsistencyQuery, JournalQuery
from vault.api.models.people import (
    AccountChange,
    AccountRequest,
    OrganisationChange,
    OrganisationRequest,
    StatementRequest,
    TokenRequest,
    TokenRotation,
)
from vault.api.models.rotation import OutdatedQuery
from vault.api.models.signin import ChallengeRequest, Role
from vault.api.route import ACTING_HEADER, DIGEST_HEADER
from vault.api.routes import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.exchange.matrix.world import World
    from vault.api.route import Route

    Send = Callable[[Service, World, str], Awaitable[object]]

PUBLIC_KEY_ID = "0" * 64


@dataclass(frozen=True)
class Request:
    """One HTTP request, ready to be sent."""

    route: Route
    path: Mapping[str, Any]
    query: Mapping[str, Any] | None
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def url(self) -> str:
        return self.route.url(**self.path)


class _Reached(Exception):  # noqa: N818 - how the way to a route ends
    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call


class _Recorder(Transport):
    """Sends everything but a call of one route."""

    def __init__(self, url: str, wanted: str) -> None:
        super().__init__(url)
        self._wanted = wanted

    async def _persist(self, route: Route, call: Call, request_id: str) -> Any:
        if route.name == self._wanted:
            raise _Reached(call)
        return await super()._persist(route, call, request_id)


async def request_for(world: World, route: Route, actor: str) -> Request:
    """Return the request of an actor; whoever has no key of its own sends what the portal has signed."""
    async with _Recorder(world.url, route.name) as transport:
        try:
            await SENDS[route.name](Service(transport), world, actor)
        except _Reached as reached:
            call = reached.call
        else:
            raise AssertionError(f"nothing was sent to {route.name}")
        headers = transport._headers(route, call)
    if actor in world.tokens:
        headers["Authorization"] = f"Bearer {world.tokens[actor]}"
    if actor in world.acting_for:
        headers[ACTING_HEADER] = world.acting_for[actor]
    body = None
    if call.body is not None:
        body = call.body.model_dump_json(exclude_none=True).encode()
    elif call.upload is not None:
        body = b"".join([piece async for piece in call.upload.open()])
    if route.digested:
        assert body is not None
        headers[DIGEST_HEADER] = content_digest(body)
    query = call.query.model_dump(mode="json", exclude_none=True) if call.query else None
    return Request(route, call.path, query, headers, body)


def _identity(world: World, actor: str, *, otherwise: str) -> Identity:
    return world.identities.get(actor, world.identities[otherwise])


async def _stream(stream: Any) -> None:
    async with stream:
        pass


async def _create_dossier(service: Service, world: World, actor: str) -> None:
    home = world.organisations["home"] if actor == "admin" else None
    about = NewDossier("D-new", "Iris", procedure="guided", organisation=home)
    issuer = _identity(world, actor, otherwise="portal")
    await open_dossier(service, world.anchor, issuer, about, [world.people["admin"]])


async def _add_depositor(service: Service, world: World, actor: str) -> None:
    signer = world.identities["newcomer"]
    await give_mandate(
        service,
        world.anchor,
        world.authority if actor == "admin" else world.identities["portal"],
        OWN,
        signer=signer.public.signing,
        mandate=NewMandate((EVIDENCE_TYPE,)),
        possession=prove(signer, origin=service.origin, dossier=OWN),
    )


async def _succeed(service: Service, world: World, actor: str) -> None:
    editors = {"fellow_editor", "stranger_editor"}
    old = world.identities[actor if actor in editors else "editor"]
    request = hand_over(old, Identity.generate(Use.PERSON), OWN, service.origin, now=world.clock.now())
    await service.succeed_depositor(OWN, request)


async def _succeed_account(service: Service, world: World, actor: str) -> None:
    old = _identity(world, actor, otherwise="reviewer")
    new = Identity.generate(old.public.use)
    await hand_account_over(service, old, new, now=world.clock.now())


async def _rewrap(service: Service, world: World, actor: str) -> None:
    key, now = _identity(world, actor, otherwise="reviewer"), world.clock.now()
    seed = world.known.opened_by(world.identities["admin"])[1].seed
    signed = make_grant(
        seed, dossier=OWN, generation=1, grantee=key.public.kem, issuer=key.signing, period=lasting(now, 0)
    )
    await service.rewrap_grant(OWN, 1, StatementRequest(statement=to_model(signed)))


async def _add_grant(service: Service, world: World, _actor: str) -> None:
    issuer, to, now = world.identities["admin"], world.people["spare"], world.clock.now()
    await give_grants(service, world.known, OWN, issuer=issuer, to=to, now=now)


async def _rotate(service: Service, world: World, _actor: str) -> None:
    admin, identity = world.people["admin"], world.identities["admin"]
    staying = (Member("", "admin", identity.public.kem_key_id, admin),)
    planned = Plan(world.known, cast("Any", None), staying, (), ())
    await give_next_key(service, world.anchor, OWN, planned, identity)


async def _record_opening(service: Service, world: World, actor: str) -> None:
    key = _identity(world, actor, otherwise="reviewer").signing
    seal_id = bytes.fromhex(world.active)
    opening = Opening(
        issuer=key.public_key, **momentary(world.clock.now()), seal_id=seal_id, outcome="opened"
    )
    await service.record_opening(
        world.proof, 2, OpeningRequest(statement=to_model(sign_statement(opening, key)))
    )


def _raw(name: str, make: Callable[[World], tuple[Mapping[str, Any], bytes | None]]) -> Send:
    async def send(service: Service, world: World, _actor: str) -> None:
        path, body = make(world)
        upload = None if body is None else upload_bytes(body)
        if_match = world.active if BY_NAME[name].if_match else None
        await service._transport.tell(BY_NAME[name], Call(path=path, upload=upload, if_match=if_match))

    return send


SENDS: dict[str, Send] = {
    "live": lambda s, _w, _a: s.live(),
    "ready": lambda s, _w, _a: s.ready(),
    "version": lambda s, _w, _a: s.version(),
    "openapi": lambda s, _w, _a: s.openapi(),
    "docs": lambda s, _w, _a: s.docs(),
    "get_trust": lambda s, _w, _a: s.get_trust(),
    "create_challenge": lambda s, _w, _a: s.create_challenge(
        ChallengeRequest(key_id=PUBLIC_KEY_ID, identity=None)
    ),
    "create_session": lambda s, w, _a: sign_in(s, w.identities["editor"]),
    "delete_session": lambda s, _w, _a: s.delete_session(),
    "get_me": lambda s, _w, _a: s.get_me(),
    "publish_authority": lambda s, w, _a: publish(
        s, w.authority, w.pin, w.recovery.public, now=w.clock.now()
    ),
    "create_organisation": lambda s, _w, _a: s.create_organisation(OrganisationRequest(name="elsewhere")),
    "list_organisations": lambda s, _w, _a: s.list_organisations(Paging()),
    "change_organisation": lambda s, w, _a: s.change_organisation(
        w.organisations["home"], OrganisationChange(name="home again")
    ),
    "create_account": lambda s, _w, _a: s.create_account(AccountRequest(name="new", role=Role.AUDITOR)),
    "list_accounts": lambda s, _w, _a: s.list_accounts(Paging()),
    "get_account": lambda s, w, _a: s.get_account(w.accounts["reviewer"].id),
    "change_account": lambda s, w, _a: s.change_account(
        w.accounts["reviewer"].id, AccountChange(disabled=True)
    ),
    "habilitate": lambda s, w, _a: habilitate(
        s, w.anchor, w.authority, w.accounts["unhabilitated"], seconds=0
    ),
    "withdraw_habilitation": lambda s, w, _a: withdraw(
        s, w.anchor, w.authority, w.accounts["reviewer"], reason="left"
    ),
    "create_token": lambda s, _w, _a: s.create_token(TokenRequest(label="new")),
    "list_tokens": lambda s, _w, _a: s.list_tokens(Paging()),
    "rotate_token": lambda s, w, _a: s.rotate_token(w.token, TokenRotation(secret_hash="0" * 64)),
    "revoke_token": lambda s, w, _a: s.revoke_token(w.token),
    "enrol": lambda s, w, _a: enrol(s, w.code, w.identities["newcomer"]),
    "list_approvals": lambda s, _w, _a: s.list_approvals(ApprovalQuery()),
    "approve": lambda s, w, _a: approve(s, w.agreed, w.identities["admin"], now=w.clock.now()),
    "withdraw_approval": lambda s, w, _a: take_back(
        s, w.approval, w.identities["admin"], reason="mistake", now=w.clock.now()
    ),
    "list_reviewers": lambda s, _w, _a: s.list_reviewers(Paging()),
    "create_dossier": _create_dossier,
    "list_dossiers": lambda s, _w, _a: s.list_dossiers(DossierQuery()),
    "get_dossier": lambda s, _w, _a: s.get_dossier(OWN),
    "close_dossier": lambda s, _w, _a: s.close_dossier(OWN),
    "get_dossier_keys": lambda s, _w, _a: s.get_dossier_keys(OWN),
    "add_depositor": _add_depositor,
    "list_depositors": lambda s, _w, _a: s.list_depositors(OWN, Paging()),
    "remove_depositor": lambda s, w, _a: s.remove_depositor(
        OWN, w.identities["editor"].public.signing_key_id.hex()
    ),
    "succeed_depositor": _succeed,
    "create_template": lambda s, w, _a: s.create_template(
        OWN, upload_bytes(w.new_template), TemplateQuery(lifetime=3600)
    ),
    "list_templates": lambda s, _w, _a: s.list_templates(OWN, Paging()),
    "replace_template": lambda s, w, _a: s.replace_template(
        OWN, w.template, upload_bytes(w.own_template), if_match=w.template_seal
    ),
    "rewrite_template": lambda s, w, _a: s.rewrite_template(
        OWN, w.template, upload_bytes(w.template_head), if_match="1"
    ),
    "withdraw_template": lambda s, w, _a: s.withdraw_template(OWN, w.template),
    "fetch_template": lambda s, w, _a: s.fetch_template(w.template_code),
    "get_my_grants": lambda s, _w, _a: s.get_my_grants(OWN),
    "add_grant": _add_grant,
    "list_grants": lambda s, _w, _a: s.list_grants(OWN, Paging()),
    "revoke_grant": lambda s, w, _a: s.revoke_grant(OWN, w.grant),
    "list_retentions": lambda s, _w, _a: s.list_retentions(Paging()),
    "set_retention": lambda s, _w, _a: s.set_retention(RetentionRequest(procedure="guided", days=30)),
    "get_erasure": lambda s, _w, _a: s.get_erasure(OWN),
    "erase_dossier": lambda s, w, _a: s.erase_dossier(OWN, if_match=w.active),
    "list_erased": lambda s, _w, _a: s.list_erased(OWN, LinesQuery()),
    "succeed_authority": lambda s, w, _a: hand_authority_over(
        s, w.authority, Identity.generate(Use.AUTHORITY), now=w.clock.now()
    ),
    "publish_recovery_key": lambda s, w, _a: publish_recovery_key(
        s, w.anchor, w.authority, Identity.generate(Use.RECOVERY).public
    ),
    "succeed_account": _succeed_account,
    "rewrap_grant": _rewrap,
    "rotate_dossier_key": _rotate,
    "get_rotation": lambda s, _w, _a: s.get_rotation(OWN),
    "list_outdated": lambda s, _w, _a: s.list_outdated(OWN, OutdatedQuery()),
    "retire_dossier_key": lambda s, _w, _a: s.retire_dossier_key(TURNED, 1),
    "get_reencryption": lambda s, _w, _a: s.get_reencryption(OWN),
    "list_left": lambda s, _w, _a: s.list_left(OWN, Paging()),
    "reencrypt": lambda s, w, _a: s.reencrypt(w.proof, 2, upload_bytes(w.reencrypted)),
    "begin_reencryption": lambda s, w, _a: s.begin_reencryption(
        w.proof, 2, upload_bytes(without_payload(w.reencrypted))
    ),
    "erase_originals": lambda s, w, _a: s.erase_originals(w.proof, 1, if_match=w.first),
    "list_retirements": lambda s, _w, _a: s.list_retirements(OWN),
    "list_retired": lambda s, _w, _a: s.list_retired(OWN, 0),
    "deposit": lambda s, w, _a: s.deposit(OWN, upload_bytes(w.new_container)),
    "list_evidence": lambda s, _w, _a: s.list_evidence(OWN, EvidenceQuery()),
    "get_evidence": lambda s, w, _a: s.get_evidence(w.proof),
    "replace_evidence": lambda s, w, _a: s.replace_evidence(
        w.proof, upload_bytes(w.better_container), if_match=w.active
    ),
    "archive_evidence": lambda s, w, _a: s.archive_evidence(w.proof, if_match=w.active),
    "fetch_container": lambda s, w, _a: _stream(s.fetch_container(w.proof, 2)),
    "fetch_envelope": lambda s, w, _a: _stream(s.fetch_envelope(w.proof, 2)),
    "rewrite_envelope": lambda s, w, a: s.rewrite_envelope(
        w.proof, 2, upload_bytes(w.envelopes["admin" if a == "admin" else "editor"]), if_match="1"
    ),
    "fetch_body": lambda s, w, _a: _stream(s.fetch_body(w.proof, 2)),
    "get_receipt": lambda s, w, _a: s.get_receipt(w.proof, 2),
    "record_opening": _record_opening,
    "begin_upload": _raw("begin_upload", lambda w: ({"dossier": OWN}, without_payload(w.new_container))),
    "begin_replacement": _raw(
        "begin_replacement", lambda w: ({"evidence": w.proof}, without_payload(w.better_container))
    ),
    "get_upload": _raw("get_upload", lambda w: ({"upload": w.upload}, None)),
    "put_part": _raw("put_part", lambda w: ({"upload": w.upload, "part": 1}, w.part)),
    "put_upload_envelope": _raw("put_upload_envelope", lambda w: ({"upload": w.upload}, w.upload_envelope)),
    "complete_upload": _raw("complete_upload", lambda w: ({"upload": w.upload}, None)),
    "abandon_upload": _raw("abandon_upload", lambda w: ({"upload": w.upload}, None)),
    "list_journal": lambda s, _w, _a: s.list_journal(JournalQuery()),
    "get_checkpoint": lambda s, _w, _a: s.get_checkpoint(),
    "get_consistency": lambda s, _w, _a: s.get_consistency(ConsistencyQuery(first=1, second=2)),
}
"""By route: what to call."""
