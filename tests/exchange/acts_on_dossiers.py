"""What is done with dossiers: opened, granted, mandated; containers sealed for them and deposited."""

import hashlib
import io
from typing import Any, NamedTuple

from keys.canonical import encode_binary
from keys.derivation import PasswordCost, key_id
from keys.grants import make_grant
from keys.keyfile import Use
from keys.keyring import Identity
from keys.possession import prove_signer
from keys.statements import (
    DossierKey,
    Mandate,
    Opening,
    Signed,
    lasting,
    momentary,
    sign_statement,
)
from tests.exchange.acts_of_people import YEAR, carry
from vault.container.examine import Expectations, examine, nobody
from vault.container.manifest import CarriedRecipient
from vault.container.plan import DeclaredFile
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.sealing import Sealer, SealRequest
from vault.container.slots import PasswordAccess
from vault.container.steps import run
from vault.container.unlocking import unlock

PROCEDURE = "guidé"
COST = PasswordCost(19_456, 2, 1)


class DossierAt(NamedTuple):
    """A dossier and its private key, which no server ever sees."""

    id: str
    key: Identity
    organisation: str


class ActsOnDossiers:
    """Part of a `World`."""

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
            "procedure": PROCEDURE,
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

    def rotation_request(self, admin, dossier, key, grantees, /, *, generation=2, **fields) -> dict[str, Any]:
        """Return the next key with its grants; ``fields`` break what a test wants broken."""
        now = self.clock.now()
        granted = fields.pop("granted", generation)
        said = DossierKey(
            admin.signing.public_key,
            **lasting(now, 0),
            **{
                "dossier": dossier.id,
                "generation": generation,
                "public_key": key.public.kem,
                "previous": key_id(dossier.key.public.kem),
                "writers": (self.authority.public.signing_key_id,),
            }
            | fields,
        )
        return {
            "key": carry(sign_statement(said, admin.signing)),
            "grants": [carry(self.grant(admin, dossier.id, key, one, granted)) for one in grantees],
        }

    async def rotated(self, admin, dossier, grantees, *, generation=2) -> DossierAt:
        """Give a dossier its next key."""
        key = Identity.generate(Use.DOSSIER)
        body = self.rotation_request(admin.identity, dossier, key, grantees, generation=generation)
        await self.ok("rotate_dossier_key", {"dossier": dossier.id}, token=admin.token, json=body)
        return DossierAt(dossier.id, key, dossier.organisation)

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
        """Return preamble and envelope of the next generation, with one more reader.

        ``keys`` is a public key of the dossier that its accesses are written anew for, with its generation.
        """
        examined = examine_whole(container, options.pop("followers", nobody))
        if keys := options.pop("keys", None):
            options["recipients"] = [*options.get("recipients", ()), CarriedRecipient("dossier", *keys)]
            options["remove"] = dossier_slots(examined)
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

    async def deposit(self, token, dossier, container, **options):
        return await self.ask("deposit", {"dossier": dossier.id}, token=token, data=container, **options)

    async def kept(self, token, dossier, container, **options) -> Any:
        answer = await self.deposit(token, dossier, container, **options)
        assert answer.status == 201, answer.body
        return answer.json["version"]


def dossier_slots(examined) -> list[bytes]:
    return [slot.id for slot in examined.envelope.envelope.recipient_slots if slot.role == "dossier"]


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


def examine_whole(container, followers=nobody):
    expected = Expectations(successors=followers)
    return run(examine(len(container), expected), lambda at, length: container[at : at + length])


def signer_id(identity) -> str:
    return key_id(identity.public.signing).hex()
