"""The world that the matrix is asked about: two organisations, their people, and a server on this machine.

Everything is made through the interface, by the client library, as people and programs would make it. The
clock is the world's own, so that tokens and habilitations can run out without anybody waiting.
"""

from __future__ import annotations

import io
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from client.dossiers import KnownDossier
from client.remote.approving import Agreed, approve
from client.remote.authority import habilitate, publish, withdraw
from client.remote.granting import believe, fetch_grants, fetch_keys
from client.remote.opening import NewDossier, NewMandate, give_mandate, open_dossier, prove
from client.remote.rotating import give_next_key
from client.remote.rotating import plan as plan_rotation
from client.remote.service import Service, connect
from client.remote.signin import enrol, sign_in
from client.remote.templating import seal_template
from client.remote.trust import learn
from client.remote.uploading import upload_bytes
from client.trust import Anchor
from keys.derivation import PasswordCost, key_id
from keys.keyfile import Use
from keys.keyring import Identity
from tests.exchange.again import seal_again
from tests.exchange.cutting import content_digest, cut
from vault.api.models.approvals import Act
from vault.api.models.dossiers import TemplateQuery
from vault.api.models.people import AccountChange, AccountRequest, OrganisationRequest, TokenRequest
from vault.api.models.signin import Role
from vault.api.route import CONTAINER, DIGEST_HEADER, OCTETS
from vault.api.routes import BY_NAME
from vault.container.examine import examine
from vault.container.manifest import CarriedRecipient
from vault.container.plan import DeclaredFile
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.sealing import Sealer, SealRequest
from vault.container.slots import PasswordAccess
from vault.container.steps import run
from vault.container.unlocking import unlock
from vault.server.commands.admin import make_admin
from vault.server.commands.records import open_records
from vault.server.commands.serving import serving
from vault.server.logs import logger
from vault.server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from client.records import Pin
    from client.trust import Person
    from keys.statements import DossierKey
    from vault.api.models.people import Account

SMALL_COST = PasswordCost(19_456, 2, 1)
LAPSE = 600
"""Seconds after which what runs out has run out; sessions are made after that."""
OWN, FOREIGN, TURNED = "D-own", "D-foreign", "D-turned"
EVIDENCE_TYPE = "aipd"


class Clock:
    """Stands still until somebody moves it; the server's and the clients' alike."""

    def __init__(self) -> None:
        self.time = int(time.time())

    def now(self) -> int:
        return self.time

    def __call__(self) -> float:
        return self.time


@dataclass(repr=False)
class World:
    """What the requests of the matrix need to know.

    Names of people are those of the matrix' actors where they are one.
    """

    url: str
    folder: Path
    clock: Clock
    log: io.StringIO
    pin: Pin
    anchor: Anchor
    authority: Identity
    recovery: Identity
    tokens: dict[str, str] = field(default_factory=dict)
    acting_for: dict[str, str] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    keys: dict[str, DossierKey] = field(default_factory=dict)
    proof: str = ""
    active: str = ""
    template: str = ""
    template_code: str = ""
    template_seal: str = ""
    template_head: bytes = b""
    own_template: bytes = b""
    upload: str = ""
    part: bytes = b""
    upload_envelope: bytes = b""
    grant: str = ""
    token: str = ""
    code: str = ""
    known: KnownDossier = field(init=False)
    envelopes: dict[str, bytes] = field(default_factory=dict)
    new_template: bytes = b""
    new_container: bytes = b""
    better_container: bytes = b""
    reencrypted: bytes = b""
    first: str = ""
    approval: str = ""

    @property
    def agreed(self) -> Agreed:
        """What an admin agrees to: that the dossier's content is sealed to its present key."""
        return Agreed(Act.REENCRYPT, OWN, key_id(self.keys[OWN].public_key))

    def seal_again(self, container: bytes) -> bytes:
        """Return what re-encrypts a container, sealed by the admin."""
        key, admin = self.keys[OWN], self.identities["admin"]
        opens = self.known.opened_by(admin)[1].decapsulation
        recipients = (
            CarriedRecipient("dossier", key.generation, key.public_key),
            CarriedRecipient("recovery", 0, self.anchor.recovery_key()),
        )
        return seal_again(container, opens, admin.signing, recipients)

    def seal(self, signer: str, dossier: str = OWN, *, supersedes: str = "") -> bytes:
        """Return a container of one small file, sealed as the client seals."""
        key, content = self.keys[dossier], b"%PDF-1.7\n" + b"x" * 5000
        request = SealRequest(
            dossier=dossier,
            evidence_type=EVIDENCE_TYPE,
            sealed_at=self.clock.now(),
            recipients=(
                CarriedRecipient("dossier", key.generation, key.public_key),
                CarriedRecipient("recovery", 0, self.anchor.recovery_key()),
            ),
            writers=key.writers,
            supersedes=bytes.fromhex(supersedes),
        )
        files = [DeclaredFile("aipd.pdf", len(content))]
        with Sealer(request, files, self.identities[signer].signing) as sealer:
            parts = [sealer.header, bytes(sealer.update(content)), sealer.end_file()]
            return b"".join((*parts, *map(bytes, sealer.finalize())))


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    """Run a server on ``folder`` and fill it."""
    clock, log = Clock(), io.StringIO()
    settings = Settings(data=folder, port=0)
    async with serving(settings, logger(log), clock=clock) as started:
        async with open_records(settings, clock, upgrading=False) as records:
            chief = await make_admin(records, "admin", seconds=30 * 86_400, code_seconds=3600)
            gone = await make_admin(records, "disabled", seconds=30 * 86_400, code_seconds=3600)
        async with connect(started.url, token=chief.token) as service:
            authority, recovery = Identity.generate(Use.AUTHORITY), Identity.generate(Use.RECOVERY)
            learned = await learn(service)
            pin = await publish(service, authority, learned, recovery.public, now=clock.now())
            anchor = Anchor(pin, clock=clock)
            world = World(started.url, folder, clock, log, pin, anchor, authority, recovery)
            world.tokens |= {"admin": chief.token, "disabled": gone.token}
            await _people(world, service, chief.code)
            await _dossiers(world, service)
            await _proofs(world)
            await _endings(world, service, gone.account)
        yield world


async def _people(world: World, service: Service, admin_code: str) -> None:
    """Make organisations and accounts; give them keys, habilitations and tokens."""
    for name in ("home", "abroad"):
        made = await service.create_organisation(OrganisationRequest(name=name))
        world.organisations[name] = made.id
    await _enrol(world, "admin", Use.PERSON, admin_code)
    for name, home in (("portal", "home"), ("stranger_portal", "abroad"), ("lapsed_portal", "home")):
        await _account(world, service, name, Role.PORTAL, organisation=world.organisations[home])
    reviewers = (
        "reviewer",
        "ungranted_reviewer",
        "revoked_reviewer",
        "withdrawn_reviewer",
        "lapsed_reviewer",
        "scoped_reviewer",
    )
    for name in (*reviewers, "spare", "unhabilitated"):
        await _account(world, service, name, Role.REVIEWER)
    await _account(world, service, "auditor", Role.AUDITOR, enrolled=False)
    await _account(world, service, "newcomer", Role.REVIEWER, enrolled=False)
    for name, account in world.accounts.items():
        if name not in {"unhabilitated", "auditor", "newcomer"}:
            seconds = LAPSE if name.startswith("lapsed") else 0
            world.accounts[name] = await habilitate(
                service, world.anchor, world.authority, account, seconds=seconds
            )
    for name in ("portal", "stranger_portal", "lapsed_portal", "auditor"):
        world.tokens[name] = await _token(world, service, name)
    world.tokens["reading_portal"] = await _token(world, service, "portal", read_only=True)
    world.tokens["expired"] = await _token(world, service, "admin", lifetime=60)


async def _account(
    world: World,
    service: Service,
    name: str,
    role: Role,
    *,
    organisation: str | None = None,
    enrolled: bool = True,
) -> None:
    request = AccountRequest(name=name, role=role, organisation=organisation)
    issued = await service.create_account(request)
    assert issued.enrolment_code is not None
    world.accounts[name] = issued.account
    if enrolled:
        use = Use.SERVICE if role is Role.PORTAL else Use.PERSON
        await _enrol(world, name, use, issued.enrolment_code)
    elif name == "newcomer":
        world.code = issued.enrolment_code
        world.identities[name] = Identity.generate(Use.PERSON)


async def _enrol(world: World, name: str, use: Use, code: str) -> None:
    world.identities[name] = Identity.generate(use)
    async with connect(world.url) as nobody:
        world.accounts[name] = await enrol(nobody, code, world.identities[name])


async def _token(
    world: World, service: Service, name: str, *, lifetime: int = 86_400, read_only: bool = False
) -> str:
    request = TokenRequest(
        account=world.accounts[name].id, label="matrix", lifetime=lifetime, read_only=read_only
    )
    issued = await service.create_token(request)
    assert issued.secret is not None
    return issued.secret


async def _dossiers(world: World, admin: Service) -> None:
    """Let each portal open a dossier and give mandates to editors; grant the own one to its reviewers."""
    listed = [believe(world.anchor, item) for item in (await admin.list_reviewers()).items if item.valid]
    names = {identity.public: name for name, identity in world.identities.items()}
    world.people = {names[person.identity]: person for person in listed}
    granted_own = (
        "admin",
        "reviewer",
        "revoked_reviewer",
        "withdrawn_reviewer",
        "lapsed_reviewer",
        "scoped_reviewer",
    )
    plan = (
        (OWN, "portal", granted_own, ("editor", "fellow_editor")),
        (FOREIGN, "stranger_portal", ("admin",), ("stranger_editor",)),
        (TURNED, "stranger_portal", ("admin",), ()),
    )
    for dossier, portal, granted, editors in plan:
        issuer = world.identities[portal]
        async with connect(world.url, token=world.tokens[portal]) as service:
            about = NewDossier(dossier, "Iris", procedure="guided")
            people = [world.people[name] for name in granted]
            await open_dossier(service, world.anchor, issuer, about, people)
            world.keys[dossier] = KnownDossier(world.anchor, await fetch_keys(service, dossier)).current_key()
            for name in editors:
                identity = world.identities[name] = Identity.generate(Use.PERSON)
                await give_mandate(
                    service,
                    world.anchor,
                    issuer,
                    dossier,
                    signer=identity.public.signing,
                    mandate=NewMandate((EVIDENCE_TYPE,)),
                    possession=prove(identity, origin=service.origin, dossier=dossier),
                )
            if dossier == OWN:
                made = _template(world, "editor")
                issued = await service.create_template(
                    OWN, upload_bytes(made), TemplateQuery(lifetime=86_400)
                )
                assert issued.code is not None
                world.template, world.template_code = issued.template.id, issued.code
                world.template_seal = issued.template.seal_id
                world.own_template = _template(world, "editor")
                world.template_head = _other_password(made, world.identities["editor"])
    grants = (await admin.list_grants(OWN)).items
    by_account = {grant.account: grant.id for grant in grants}
    world.grant = by_account[world.accounts["reviewer"].id]
    await admin.revoke_grant(OWN, by_account[world.accounts["revoked_reviewer"].id])
    world.known = KnownDossier(world.anchor, await fetch_grants(admin, OWN))
    crown = Agreed(Act.AUTHORITY, world.authority.public.signing_key_id.hex(), bytes(32))
    given = await approve(admin, crown, world.identities["admin"], now=world.clock.now())
    world.approval = given.id
    turned = await plan_rotation(admin, world.anchor, TURNED)
    await give_next_key(admin, world.anchor, TURNED, turned, world.identities["admin"])


def _template(world: World, name: str) -> bytes:
    """Return a template that carries somebody's key."""
    depositor = world.identities[name]
    access = PasswordAccess("j.doe", "a b c d", identity=depositor.seed)
    return seal_template(world.anchor, depositor, world.keys[OWN], access, cost=SMALL_COST)


def _other_password(template: bytes, editor: Identity) -> bytes:
    """Return preamble and envelope of a template that opens with one more password."""
    examined = run(examine(len(template)), lambda offset, length: template[offset : offset + length])
    unlocked = unlock(examined, PasswordAccess("j.doe", "a b c d"))
    access = PasswordAccess("j.doe", "e f g h", identity=editor.seed)
    return replace_envelope(examined, rewrap(examined, unlocked, editor.signing, passwords=[access]))


async def _proofs(world: World) -> None:
    """Let the editor deposit a proof and a better one, and the stranger a proof of its own."""
    for name, dossier in (("editor", OWN), ("stranger_editor", FOREIGN)):
        async with connect(world.url) as service:
            await sign_in(service, world.identities[name])
            sealed = world.seal(name, dossier)
            first = await service.deposit(dossier, upload_bytes(sealed))
            if dossier == OWN:
                world.proof, old = first.version.evidence, first.version.seal_id
                better = world.seal(name, supersedes=old)
                second = await service.replace_evidence(world.proof, upload_bytes(better), if_match=old)
                world.active = second.version.seal_id
                world.envelopes = {name: _rewrapped(world, better, name) for name in ("editor", "admin")}
                world.reencrypted = world.seal_again(better)
                async with connect(world.url, token=world.tokens["admin"]) as admin:
                    again = await admin.reencrypt(world.proof, 1, upload_bytes(world.seal_again(sealed)))
                world.first = again.version.seal_id


async def _upload(world: World) -> None:
    """Let the editor send a proof in parts, all of them, and not complete it."""
    container = world.seal("editor")
    head, world.part, trailer = cut(container)
    world.upload_envelope = _rewrapped(world, container, "editor")
    headers = {"Authorization": f"Bearer {world.tokens['editor']}"}
    async with aiohttp.ClientSession(world.url, headers=headers) as session:
        begun = {"Content-Type": CONTAINER}
        route = BY_NAME["begin_upload"].url(dossier=OWN)
        async with session.post(route, data=head + trailer, headers=begun) as answer:
            assert answer.status == 200, await answer.read()
            world.upload = (await answer.json())["id"]
        sent = {"Content-Type": OCTETS, DIGEST_HEADER: content_digest(world.part)}
        route = BY_NAME["put_part"].url(upload=world.upload, part=1)
        async with session.put(route, data=world.part, headers=sent) as answer:
            assert answer.status == 200, await answer.read()


def _rewrapped(world: World, container: bytes, writer: str) -> bytes:
    """Return preamble and a new envelope, signed by somebody whom the seal lists."""

    def read_at(offset: int, length: int) -> bytes:
        return container[offset : offset + length]

    examined = run(examine(len(container)), read_at)
    key = world.known.opened_by(world.identities["admin"])[1].decapsulation
    unlocked = unlock(examined, key)
    return replace_envelope(examined, rewrap(examined, unlocked, world.identities[writer].signing))


async def _endings(world: World, admin: Service, disabled: str) -> None:
    """Withdraw, let run out, disable; then sign in whoever comes with a key."""
    account = world.accounts["withdrawn_reviewer"]
    await withdraw(admin, world.anchor, world.authority, account, reason="left")
    world.clock.time += LAPSE + 400
    scoped = world.accounts["scoped_reviewer"]
    await habilitate(admin, world.anchor, world.authority, scoped, scope=("open",), seconds=0)
    world.clock.time += 1  # the authority hands over after its last word
    world.accounts["disabled"] = (await admin.change_account(disabled, AccountChange(disabled=True))).account
    for name, identity in world.identities.items():
        if name.endswith(("editor", "reviewer")):
            async with connect(world.url) as service:
                world.tokens[name] = (await sign_in(service, identity)).session.token
    async with connect(world.url, token=world.tokens["portal"]) as portal:
        world.token = (await portal.create_token(TokenRequest(label="spare", lifetime=3600))).token.id
    for name, editor in (("portal_for_editor", "editor"), ("portal_for_stranger", "stranger_editor")):
        world.tokens[name] = world.tokens["portal"]
        world.acting_for[name] = world.identities[editor].public.signing_key_id.hex()
    world.identities["later"] = Identity.generate(Use.PERSON)
    world.new_template = _template(world, "later")
    await _upload(world)
    world.new_container = world.seal("editor")
    world.better_container = world.seal("editor", supersedes=world.active)
