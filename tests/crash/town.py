"""A service with people, a dossier, proofs and everything signed and sealed that is about to be sent.

All of it is prepared once; a case starts a server on a copy and goes on from there.
"""

import base64
import copy
import hashlib
import io
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from keys.keyfile import Use
from keys.keyring import Identity
from tests.crash.heirs import Giver, Keeper, Taker
from tests.crash.processes import PATIENCE
from tests.crash.rekeyers import expect_heirs, prepare_rekeyers
from tests.exchange.acts_of_people import Person, carry
from tests.exchange.acts_on_dossiers import DossierAt
from tests.exchange.again import seal_again
from tests.exchange.approving import approval, send
from tests.exchange.world import World
from vault.api.route import IDEMPOTENCY_HEADER
from vault.container.examine import examine
from vault.container.layout import parse_preamble
from vault.container.manifest import CarriedRecipient
from vault.container.steps import run
from vault.server.stores.clock import SystemClock


class Town(World):
    """The people's side alone; the server is another process."""

    def __init__(self, *, origin, http, folder) -> None:
        super().__init__(
            origin=origin,
            http=http,
            clock=SystemClock(),
            services=None,
            records=None,
            store=None,
            folder=folder,
            log=None,
            metrics=None,
        )

    async def ask(self, name, path=(), *, data=None, **options):
        # Bytes as a file: aiohttp sends them piece by piece.
        return await super().ask(name, path, data=None if data is None else io.BytesIO(data), **options)

    def at(self, url) -> "Town":
        """Return the same people as they speak to the server at another address."""
        moved = copy.copy(self)
        moved.origin = moved.address = url
        return moved


async def settle(site, server, http) -> Town:
    """Return the people of a service that is new: with an admin and a published authority."""
    town = Town(origin=server.url, http=http, folder=site.data)
    async with site.records() as town.records:
        await town.first_admin()
        town.heirs = await expect_heirs(town.records, town.clock.now())
    town.records = None
    await town.publish_authority()
    return town


@asynccontextmanager
async def asking():
    """Open what requests are made with: a connection for each, since servers come and go."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        yield http


@dataclass(repr=False)
class Prepared:
    """What there is at the service, and what is ready to be sent.

    Attributes:
        sealed: every container by its seal id, hexadecimal, as it was deposited or will be.
        contents: what was sealed, by seal id.
        proofs: what was deposited, as the service shows it, by what will be done with it.
        ready: what will be sent.
        mark: what idempotency keys end with.
        turned: another dossier, whose first key has a successor and may end.
    """

    town: Town
    dossier: DossierAt
    editor: Identity
    session: str
    admin: Person
    reviewer: Person
    portal: Person
    sealed: dict[str, bytes] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    proofs: dict[str, dict] = field(default_factory=dict)
    ready: dict[str, object] = field(default_factory=dict)
    mark: str = ""
    turned: DossierAt | None = None

    @property
    def dossiers(self) -> list[str]:
        """Ids of all dossiers."""
        return [self.dossier.id, *([self.turned.id] if self.turned else [])]

    def seal(self, content, **options) -> tuple[str, bytes]:
        """Return seal id and container, and remember both."""
        container = self.town.seal(self.editor.signing, self.dossier, content=content, **options)
        seal_id = seal_id_of(container)
        self.sealed[seal_id] = container
        self.contents[seal_id] = content
        return seal_id, container


def seal_id_of(container) -> str:
    return examined_of(container).seal.seal_id.hex()


def examined_of(container):
    return run(examine(len(container)), lambda at, length: container[at : at + length])


def fresh(size, mark) -> bytes:
    """Return content of that size; the mark makes it another one each time."""
    return (mark.encode() + b"\0").ljust(size, b"e")[:size]


def damaged(container) -> bytes:
    """Return a container that shows only at its end that it is none."""
    return container[:-1] + bytes([container[-1] ^ 1])


def parted(container) -> tuple[bytes, bytes]:
    """Return what begins an upload, and the payload."""
    preamble = parse_preamble(container)
    end = preamble.payload_offset + preamble.payload_length
    return container[: preamble.payload_offset] + container[end:], container[preamble.payload_offset : end]


async def put_part(town, session, upload, payload):
    """Send the one part of a small upload."""
    digest = base64.b64encode(hashlib.sha256(payload).digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:"}
    path = {"upload": upload, "part": 1}
    return await town.ask("put_part", path, token=session, data=payload, headers=headers)


async def _begin_uploads(made: Prepared, medium: int) -> None:
    """Begin an upload for each act on one, and have for each what it will send."""
    town, path = made.town, {"dossier": made.dossier.id}
    for what in ("begun", "filled", "renewed", "completed", "abandoned"):
        _, container = made.seal(fresh(medium, what))
        start, payload = parted(container)
        made.ready[what] = (start, payload)
        if what == "begun":
            continue
        upload = await town.ok("begin_upload", path, token=made.session, data=start)
        made.proofs[what] = upload
        if what in {"completed", "abandoned"}:
            sent = await put_part(town, made.session, upload["id"], payload)
            assert sent.status == 200, sent.body
    renewed = made.sealed[made.proofs["renewed"]["seal_id"]]
    made.ready["renewed"] = town.rewrap(renewed, made.dossier, made.editor)


async def doom(made: Prepared) -> DossierAt:
    """Fill another dossier with something of everything, and close it: it is about to be erased."""
    town, portal, organisation = made.town, made.portal, made.dossier.organisation
    dossier = await town.dossier(portal, [made.admin.identity], organisation=organisation)
    editor = await town.depositor(portal, dossier)
    session, path = await town.session(editor), {"dossier": dossier.id}
    first = await town.kept(session, dossier, town.seal(editor.signing, dossier, content=fresh(1000, "old")))
    better = town.seal(editor.signing, dossier, content=b"better", supersedes=bytes.fromhex(first["seal_id"]))
    headers = {"If-Match": f'"{first["seal_id"]}"'}
    where = {"evidence": first["evidence"]}
    await town.ok("replace_evidence", where, token=session, data=better, headers=headers)
    unfinished = town.seal(editor.signing, dossier, content=fresh(1000, "unfinished"))
    made.sealed[seal_id_of(unfinished)] = unfinished
    start, payload = parted(unfinished)
    upload = await town.ok("begin_upload", path, token=session, data=start)
    assert (await put_part(town, session, upload["id"], payload)).status == 200
    await town.ok("create_template", path, token=portal.token, data=town.template(dossier, editor))
    await town.ok("set_retention", token=town.root, json={"procedure": "guidé", "days": 0})
    await town.ok("close_dossier", path, token=town.root)
    seen = await town.ok("get_erasure", path, token=town.root)
    made.ready["erased"] = (path, seen["root"])
    return dossier


async def _begin_rotations(made: Prepared) -> None:
    """Have the next key of the dossier, and another dossier that was given its next key."""
    town, admin = made.town, made.admin
    grantees = [admin.identity, made.reviewer.identity]
    key = Identity.generate(Use.DOSSIER)
    made.ready["rotation"] = town.rotation_request(admin.identity, made.dossier, key, grantees)
    organisation = made.dossier.organisation
    made.turned = await town.dossier(made.portal, grantees, organisation=organisation)
    await town.rotated(admin, made.turned, grantees)


async def agree(made: Prepared) -> None:
    """Have something to agree to; agree to something else, and have ready what takes that back."""
    town, admin = made.town, made.admin
    made.ready["agreed"], other = (
        hashlib.sha256((what + made.mark).encode()).digest() for what in ("agreed", "taken back")
    )
    subject = town.authority.public.signing_key_id.hex()
    signed = approval(town, admin.identity, "authority", subject, other)
    answer = await send(town, admin, signed)
    assert answer.status == 201, answer.body
    made.ready["approval"] = (answer.json, town.withdrawal(signed, admin.identity))


async def seal_anew(made: Prepared) -> None:
    """Seal anew what is about to be re-encrypted, and re-encrypt what is about to lose its original."""
    town, admin = made.town, made.admin
    for what in ("aged", "reencrypted"):
        content = fresh(1000, what)
        _, container = made.seal(content)
        proof = await town.kept(made.session, made.dossier, container)
        again = seal_again(
            container,
            made.dossier.key.decapsulation,
            admin.identity.signing,
            (
                CarriedRecipient("dossier", 1, made.dossier.key.public.kem),
                CarriedRecipient("recovery", 0, town.recovery.public.kem),
            ),
        )
        made.sealed[seal_id_of(again)], made.contents[seal_id_of(again)] = again, content
        if what == "aged":
            made.proofs[what], made.ready["reencrypted"] = proof, again
            continue
        path = {"evidence": proof["evidence"], "number": 1}
        answer = await town.ok("reencrypt", path, token=admin.token, data=again)
        made.proofs[what] = answer["version"]


async def expect_token(made: Prepared) -> tuple[dict, dict]:
    """Have a token that is about to be replaced, and by what."""
    body = {"account": made.portal.account, "label": "back end"}
    issued = await made.town.ok("create_token", token=made.admin.token, json=body)
    successor = hashlib.sha256(("the next token" + made.mark).encode()).hexdigest()
    return {"token": issued["token"]["id"]}, {"secret_hash": successor, "overlap": 3600}


async def inhabit(town: Town, others: int) -> tuple[Prepared, list[Person]]:
    """Make an organisation, a dossier, whoever works on it, and other reviewers, the first with a grant."""
    organisation = await town.organisation(quota_bytes=10**12)
    portal = await town.person("portal", organisation=organisation)
    admin, reviewer = await town.person("admin"), await town.person("reviewer")
    more = [await town.person("reviewer") for _ in range(others)]
    granted = [admin.identity, reviewer.identity, more[0].identity]
    dossier = await town.dossier(portal, granted, organisation=organisation)
    editor = await town.depositor(portal, dossier)
    session = await town.session(editor)
    return Prepared(town, dossier, editor, session, admin, reviewer, portal), more


async def prepare(town: Town, medium: int, large: int) -> Prepared:
    """Make everybody, deposit what the acts begin from, and seal what they send.

    Args:
        town: who asks.
        medium: bytes of what is deposited while the server dies.
        large: bytes that the store takes in more than one piece.
    """
    made, (leaver, newcomer, *rekeyers) = await inhabit(town, 4)
    session, dossier, editor, admin = made.session, made.dossier, made.editor, made.admin
    for what in ("replaced", "archived", "rewritten"):
        _, container = made.seal(fresh(1000, what))
        made.proofs[what] = await town.kept(session, dossier, container)
    _, repeated = made.seal(fresh(1000, "repeated"))
    key = {IDEMPOTENCY_HEADER: "repeated-key"}
    made.proofs["repeated"] = await town.kept(session, dossier, repeated, headers=key)
    made.ready["repeated"] = repeated
    _, made.ready["new"] = made.seal(fresh(medium, "new"))
    supersedes = bytes.fromhex(made.proofs["replaced"]["seal_id"])
    _, made.ready["better"] = made.seal(fresh(medium, "better"), supersedes=supersedes)
    before = made.sealed[made.proofs["rewritten"]["seal_id"]]
    made.ready["head"] = town.rewrap(before, dossier, editor)
    grant = town.grant(admin.identity, dossier.id, dossier.key, newcomer.identity)
    made.ready["grant"] = {"statement": carry(grant)}
    grants = await town.ok("list_grants", {"dossier": dossier.id}, token=town.root)
    made.ready["damaged"] = damaged(made.ready["new"])
    _, made.ready["large"] = made.seal(fresh(large, "large"))
    made.ready["large, damaged"] = damaged(made.ready["large"])
    await _begin_uploads(made, medium)
    for name, heir in (("giver", Giver), ("taker", Taker), ("keeper", Keeper)):
        made.ready[name] = await heir.prepare(town, dossier)
    await seal_anew(made)
    made.ready["rekeyers"] = await prepare_rekeyers(town, admin, dossier, rekeyers)
    await _begin_rotations(made)
    await agree(made)
    made.ready["token"] = await expect_token(made)
    made.ready["leaver"] = next(row["id"] for row in grants["items"] if row["account"] == leaver.account)
    await doom(made)
    return made
