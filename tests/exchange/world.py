"""A whole service on loopback, and everybody who uses it, for tests of whole flows.

Real SQLite and real files in a folder, real statements, signatures and containers; only the clock is by hand.
"""

import hashlib
import io
import json
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from keys.canonical import decode_binary, encode_binary
from keys.derivation import PasswordCost, key_id
from keys.grants import make_grant
from keys.holder import answer_enrolment
from keys.keyfile import Use, encode_public
from keys.keyring import Identity
from keys.possession import answer_sign_in, prove_signer
from keys.serverkey import create_server_key, read_server_identity
from keys.statements import (
    DossierKey,
    Habilitation,
    Mandate,
    Opening,
    RecoveryKey,
    Signed,
    Withdrawal,
    lasting,
    momentary,
    sign_statement,
)
from tests.suites.samples import ManualClock
from vault.api.route import ACTING_HEADER, CONTAINER
from vault.api.routes import BY_NAME
from vault.container.examine import examine
from vault.container.manifest import CarriedRecipient
from vault.container.plan import DeclaredFile
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.sealing import Sealer, SealRequest
from vault.container.slots import PasswordAccess
from vault.container.steps import run
from vault.container.unlocking import unlock
from vault.journal import Action, Actor
from vault.server.app import create_app
from vault.server.logs import logger
from vault.server.migrations.upgrade import upgrade
from vault.server.ports import Origin, new_id
from vault.server.services.registry import build_services
from vault.server.services.secrets import TOKEN_PREFIX, new_token
from vault.server.settings import Settings
from vault.server.stores.local import LocalStore
from vault.server.stores.records.engine import open_engine
from vault.server.stores.records.store import SqlRecords

COST = PasswordCost(19_456, 2, 1)
YEAR = 366 * 86_400


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        problem = self.headers.get("Content-Type", "").startswith("application/problem+json")
        return self.json["code"] if problem else None


class Person(NamedTuple):
    """Somebody with an account, perhaps with an identity."""

    account: str
    token: str
    identity: Identity
    habilitation: Signed | None = None


class DossierAt(NamedTuple):
    """A dossier and its private key, which no server ever sees."""

    id: str
    key: Identity
    organisation: str


def carry(signed: Signed) -> dict[str, str]:
    return {"statement": encode_binary(signed.statement), "signature": encode_binary(signed.signature)}


class World:
    """The service's side and everybody else's."""

    def __init__(self, *, origin, http, clock, services, records, store, folder, log) -> None:
        self.origin = origin
        self.http = http
        self.clock = clock
        self.services = services
        self.records = records
        self.store = store
        self.folder = folder
        self.log = log
        self.authority = Identity.generate(Use.AUTHORITY)
        self.recovery = Identity.generate(Use.RECOVERY)
        self.root = ""
        self._dossiers = 0

    # --- requests ----------------------------------------------------------------------------------------

    async def send(self, method, path, *, token=None, acting_for=None, headers=None, **options) -> Answer:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if acting_for is not None:
            sent[ACTING_HEADER] = acting_for
        async with self.http.request(method, self.origin + path, headers=sent, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def ask(self, name, path=(), *, token=None, data=None, **options) -> Answer:
        """Call a route of the table by its name."""
        route = BY_NAME[name]
        headers = dict(options.pop("headers", None) or {})
        if data is not None:
            headers.setdefault("Content-Type", route.sends or CONTAINER)
        return await self.send(
            route.method, route.url(**dict(path)), token=token, data=data, headers=headers, **options
        )

    async def ok(self, name, path=(), **options) -> Any:
        answer = await self.ask(name, path, **options)
        assert answer.status == BY_NAME[name].status, answer.body
        return answer.json if answer.body else None

    # --- people ------------------------------------------------------------------------------------------

    async def first_admin(self) -> Person:
        """Make an admin as the host's command does."""
        secret, account = new_token(TOKEN_PREFIX), new_id()
        origin = Origin(Actor("host", ""), "")
        async with self.records.change(origin) as tx:
            await tx.accounts.add(account_id=account, role="admin", name="Ada")
            await tx.record(Action.ACCOUNT_CREATED)
        async with self.records.change(origin) as tx:
            await tx.tokens.add(
                token_id=new_id(),
                account_id=account,
                secret_hash=secret.hash,
                label="first",
                read_only=False,
                expires_at=tx.now + YEAR,
            )
            await tx.record(Action.TOKEN_CREATED)
        self.root = secret.text
        return Person(account, secret.text, Identity.generate(Use.PERSON))

    async def publish_authority(self) -> Any:
        return await self.ok("publish_authority", token=self.root, json=self.publication())

    def publication(self) -> dict[str, Any]:
        now, key = self.clock.now(), self.authority.signing
        server = read_server_identity(self.folder / "server.key")
        said = Habilitation(
            key.public_key, **lasting(now, 0), subject=server, role="server", organisation="GIE", scope=()
        )
        recovery = RecoveryKey(key.public_key, **lasting(now, 0), public_key=self.recovery.public.kem)
        return {
            "authority": encode_public(self.authority.public),
            "server": carry(sign_statement(said, key)),
            "recovery": carry(sign_statement(recovery, key)),
        }

    async def organisation(self, name="Éditeur", **limits) -> str:
        return (await self.ok("create_organisation", token=self.root, json={"name": name, **limits}))["id"]

    async def account(self, role, *, organisation=None, name="Quelqu'un") -> tuple[str, str]:
        body = {"name": name, "role": role}
        if organisation is not None:
            body["organisation"] = organisation
        issued = await self.ok("create_account", token=self.root, json=body)
        return issued["account"]["id"], issued["enrolment_code"]

    async def token(self, account, **options) -> str:
        body = {"account": account, "label": "test", "lifetime": YEAR, **options}
        return (await self.ok("create_token", token=self.root, json=body))["secret"]

    async def enrol(self, code, identity) -> Answer:
        text = encode_public(identity.public)
        challenge = await self.ok("create_challenge", json={"identity": text})
        wrapped = decode_binary(challenge["wrapped"], 1713)
        signature = answer_enrolment(identity, wrapped, origin=self.origin)
        body = {
            "code": code,
            "challenge": challenge["id"],
            "identity": text,
            "signature": encode_binary(signature),
        }
        return await self.ask("enrol", json=body)

    def habilitation(self, identity, role, *, organisation="GIE", seconds=YEAR, scope=()) -> Signed:
        said = Habilitation(
            self.authority.public.signing,
            **lasting(self.clock.now(), seconds),
            subject=identity.public,
            role=role,
            organisation=organisation,
            scope=scope,
        )
        return sign_statement(said, self.authority.signing)

    def withdrawal(self, withdrawn: Signed, issuer=None) -> Signed:
        key = (issuer or self.authority).signing
        said = Withdrawal(
            key.public_key, **momentary(self.clock.now()), withdrawn=withdrawn.id, reason="left"
        )
        return sign_statement(said, key)

    async def habilitate(self, account, signed) -> Any:
        path = {"account": account}
        return await self.ok("habilitate", path, token=self.root, json={"statement": carry(signed)})

    async def withdraw(self, person, issuer=None) -> Any:
        body = {"statement": carry(self.withdrawal(person.habilitation, issuer))}
        return await self.ok("withdraw_habilitation", {"account": person.account}, token=self.root, json=body)

    async def person(self, role, *, organisation=None, seconds=YEAR, scope=(), habilitated=True) -> Person:
        """Make an account with a token and, but for auditors, an enrolled and habilitated identity."""
        account, code = await self.account(role, organisation=organisation)
        identity = Identity.generate(Use.SERVICE if role == "portal" else Use.PERSON)
        signed = None
        if role != "auditor":
            enrolled = await self.enrol(code, identity)
            assert enrolled.status == 201, enrolled.body
            if habilitated:
                where = organisation or "GIE"
                signed = self.habilitation(identity, role, organisation=where, seconds=seconds, scope=scope)
                await self.habilitate(account, signed)
        return Person(account, await self.token(account), identity, signed)

    async def sign_in(self, identity, origin=None) -> Answer:
        key = identity.signing
        challenge = await self.ok("create_challenge", json={"key_id": key.key_id.hex()})
        signature = answer_sign_in(
            key, origin=origin or self.origin, challenge=decode_binary(challenge["challenge"], 32)
        )
        body = {
            "challenge": challenge["id"],
            "key_id": key.key_id.hex(),
            "signature": encode_binary(signature),
        }
        return await self.ask("create_session", json=body)

    async def session(self, identity) -> str:
        answer = await self.sign_in(identity)
        assert answer.status == 201, answer.body
        return answer.json["token"]

    # --- dossiers ----------------------------------------------------------------------------------------

    def dossier_request(self, issuer, grantees, *, dossier=None, key=None, **options) -> dict[str, Any]:
        self._dossiers += 1
        dossier = dossier or f"MES-{self._dossiers}-{hashlib.sha256(self.origin.encode()).hexdigest()[:6]}"
        key = key or Identity.generate(Use.DOSSIER)
        now = self.clock.now()
        said = DossierKey(
            issuer.signing.public_key,
            **lasting(now, 0),
            dossier=dossier,
            generation=1,
            public_key=key.public.kem,
            previous=b"",
            writers=(self.authority.public.signing_key_id,),
        )
        body = {
            "id": dossier,
            "product": "Produit iOS Mobile",
            "version": "2.1",
            "procedure": "guidé",
            "key": carry(sign_statement(said, issuer.signing)),
            "grants": [carry(self.grant(issuer, dossier, key, grantee)) for grantee in grantees],
        }
        return body | options

    def grant(self, issuer, dossier, key, grantee, generation=1) -> Signed:
        return make_grant(
            key.seed,
            dossier=dossier,
            generation=generation,
            grantee=grantee.public.kem,
            issuer=issuer.signing,
            period=lasting(self.clock.now(), 0),
        )

    async def dossier(self, portal, grantees, *, organisation) -> DossierAt:
        key = Identity.generate(Use.DOSSIER)
        body = self.dossier_request(portal.identity, grantees, key=key)
        made = await self.ok("create_dossier", token=portal.token, json=body)
        assert made["organisation"] == organisation
        return DossierAt(made["id"], key, organisation)

    def mandate_request(self, issuer, dossier, depositor, **options) -> dict[str, Any]:
        fields = {"evidence_types": ("aipd", "cgu"), "may_replace": True} | options
        said = Mandate(
            issuer.signing.public_key,
            **lasting(self.clock.now(), YEAR),
            dossier=dossier,
            signer=depositor.public.signing_key_id,
            **fields,
        )
        proof = prove_signer(depositor.signing, origin=self.origin, dossier=dossier)
        return {
            "mandate": carry(sign_statement(said, issuer.signing)),
            "key": encode_binary(depositor.public.signing),
            "possession": encode_binary(proof),
            "label": "équipe conformité",
        }

    async def depositor(self, portal, dossier, identity=None, **options) -> Identity:
        identity = identity or Identity.generate(Use.PERSON)
        body = self.mandate_request(portal.identity, dossier.id, identity, **options)
        await self.ok("add_depositor", {"dossier": dossier.id}, token=portal.token, json=body)
        return identity

    def opening(self, reviewer, seal_id, outcome="opened") -> dict[str, Any]:
        key = reviewer.signing
        said = Opening(
            key.public_key, **momentary(self.clock.now()), seal_id=bytes.fromhex(seal_id), outcome=outcome
        )
        return {"statement": carry(sign_statement(said, key))}

    # --- containers --------------------------------------------------------------------------------------

    def seal(self, signer, dossier, *, content=b"analyse d'impact", evidence_type="aipd", **options) -> bytes:
        """Return a container as an editor would seal it; ``options`` break what a test wants broken."""
        recipients = options.pop(
            "recipients",
            (
                CarriedRecipient("dossier", options.pop("generation", 1), dossier.key.public.kem),
                CarriedRecipient("recovery", 0, self.recovery.public.kem),
            ),
        )
        request = SealRequest(
            dossier=options.pop("name", dossier.id),
            evidence_type=evidence_type,
            sealed_at=self.clock.now(),
            recipients=recipients,
            writers=options.pop("writers", (self.authority.public.signing_key_id,)),
            cost=COST,
            **options,
        )
        files = [("aipd.pdf", content)] if content is not None else []
        return seal_files(request, files, signer)

    def rewrap(self, container, dossier, writer, **options) -> bytes:
        """Return preamble and envelope of the next generation, with one more reader."""
        examined = run(examine(len(container)), lambda at, length: container[at : at + length])
        unlocked = unlock(examined, dossier.key.decapsulation)
        reader = CarriedRecipient("reader", 0, Identity.generate(Use.PERSON).public.kem)
        envelope = rewrap(
            examined, unlocked, writer.signing, **({"recipients": [reader], "cost": COST} | options)
        )
        return replace_envelope(examined, envelope)

    def template(self, dossier, depositor, **options) -> bytes:
        access = PasswordAccess("editrice", "correct horse battery", identity=depositor.seed)
        return self.seal(
            depositor.signing, dossier, content=None, evidence_type="template", passwords=(access,), **options
        )

    async def deposit(self, token, dossier, container, **options) -> Answer:
        return await self.ask("deposit", {"dossier": dossier.id}, token=token, data=container, **options)

    async def kept(self, token, dossier, container, **options) -> Any:
        answer = await self.deposit(token, dossier, container, **options)
        assert answer.status == 201, answer.body
        return answer.json["version"]

    # --- what is kept ------------------------------------------------------------------------------------

    async def state(self) -> dict[str, Any]:
        """Return every row of every table that is kept, and every object: what must not change."""
        kept: dict[str, Any] = {}
        async with self.records.read() as view:
            handle = view.organisations._handle
            connection = handle._connection
            names = await connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in names.fetchall():
                if table not in {"failures", "challenges"}:
                    rows = await connection.exec_driver_sql(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our schema
                    kept[table] = sorted(map(repr, rows.fetchall()))
        kept["objects"] = sorted([item.key async for item in self.store.list()])
        kept["files"] = sorted(str(path) for path in (self.folder / "store").rglob("*") if path.is_file())
        return kept

    async def journal_size(self) -> int:
        async with self.records.read() as view:
            return (await view.journal.checkpoint()).size

    async def last_entry(self) -> Any:
        async with self.records.read() as view:
            size = (await view.journal.checkpoint()).size
            (row,) = await view.journal.entries(size - 1, 1)
        return json.loads(row.entry)


def seal_files(request, files, signer) -> bytes:
    out = io.BytesIO()
    contents = dict(files)
    with Sealer(request, [DeclaredFile(path, len(data)) for path, data in files], signer) as sealer:
        out.write(sealer.header)
        for entry in sealer.files:
            out.write(bytes(sealer.update(contents[entry.path])))
            out.write(sealer.end_file())
        for part in sealer.finalize():
            out.write(part)
    return out.getvalue()


def signer_id(identity) -> str:
    return key_id(identity.public.signing).hex()


@asynccontextmanager
async def open_world(folder, **settings):
    """Run a service in ``folder`` with an admin and a published authority."""
    log = io.StringIO()
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        configured = Settings(data=folder, **settings)
        folder.mkdir(exist_ok=True)
        key = create_server_key(configured.server_key_path)
        engine = open_engine(configured.records_url)
        await upgrade(engine)
        records = SqlRecords(engine, clock)
        stack.push_async_callback(records.close)
        store = LocalStore(configured.store_folder)
        listener = socket.create_server(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        services = build_services(
            settings=configured,
            records=records,
            store=store,
            clock=clock,
            key=key,
            identity=read_server_identity(configured.server_key_path),
            origin=origin,
        )
        runner = web.AppRunner(create_app(services, logger(log)), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        world = World(
            origin=origin,
            http=http,
            clock=clock,
            services=services,
            records=records,
            store=store,
            folder=folder,
            log=log,
        )
        await world.first_admin()
        await world.publish_authority()
        yield world
