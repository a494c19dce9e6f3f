"""Rows that the suites of the records put in: plausible, small, and none of them signed by anybody."""

from itertools import count

from keys.keyfile import PublicIdentity, Use
from keys.randomness import random_bytes
from keys.statements import Signed
from vault.journal import Action, Actor, Subject
from vault.server.ports import Origin, StoredObject, new_id
from vault.server.stores.records.publishing import Deposit
from vault.server.stores.records.rows import SignedBytes

ORIGIN = Origin(Actor("account", "0" * 32), "request-1")
NOW = 1_800_000_000
MIB = 1024 * 1024

_numbers = count(1)


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: int = NOW) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


def digest() -> bytes:
    return random_bytes(32)


def identity() -> PublicIdentity:
    return PublicIdentity(Use.PERSON, random_bytes(1665), random_bytes(1984))


async def add_organisation(tx, quota_bytes=10**9):
    return await tx.organisations.add(
        organisation_id=new_id(), name="Éditeur", quota_bytes=quota_bytes, max_container_bytes=10**8
    )


async def add_account(tx, role="portal", organisation_id=None, **options):
    return await tx.accounts.add(
        account_id=new_id(), role=role, name="someone", organisation_id=organisation_id, **options
    )


async def add_statement(tx, kind="mandate", **options):
    signed = Signed(random_bytes(200), random_bytes(3373))
    said = {"issuer": digest(), "issued_at": NOW, "valid_from": NOW, "valid_until": 0} | options
    return await tx.statements.add(signed, kind=kind, **said)


async def add_dossier(tx, organisation_id=None, opened_by=None, **options):
    if organisation_id is None:
        organisation_id = (await add_organisation(tx)).id
    if opened_by is None:
        opened_by = (await add_account(tx, organisation_id=organisation_id)).id
    names = {"dossier_id": f"MES-{next(_numbers)}", "product": "Produit iOS Mobile"} | options
    return await tx.dossiers.add(
        organisation_id=organisation_id,
        procedure="référencement guidé",
        product_version="2.1",
        opened_by=opened_by,
        **names,
    )


async def add_depositor(tx, dossier_id, signing_key_id=None, **times):
    mandate = await add_statement(tx, dossier_id=dossier_id, **times)
    return await tx.depositors.add(
        depositor_id=new_id(),
        dossier_id=dossier_id,
        signing_key_id=signing_key_id or digest(),
        signing_public=random_bytes(1984),
        mandate_id=mandate.id,
        label="équipe conformité",
    )


async def add_grant(tx, dossier_id, grantee=None, generation=1):
    statement = await add_statement(tx, kind="grant", dossier_id=dossier_id, generation=generation)
    return await tx.grants.add(
        grant_id=new_id(),
        dossier_id=dossier_id,
        generation=generation,
        grantee=grantee or digest(),
        account_id=None,
        statement_id=statement.id,
    )


async def add_template(tx, dossier_id, **options):
    fields = {
        "template_id": new_id(),
        "signer": digest(),
        "signing_public": random_bytes(1984),
        "seal_id": digest(),
        "generation": 1,
        "envelope_digest": digest(),
        "head": random_bytes(300),
        "body": random_bytes(700),
        "code_hash": digest(),
        "expires_at": NOW + 60,
    }
    return await tx.templates.add(dossier_id=dossier_id, **fields | options)


def deposit_of(dossier_id, supersedes=None, **options):
    fields = {
        "proof_id": new_id(),
        "evidence_type": "aipd",
        "seal_id": digest(),
        "signer": digest(),
        "actor": "depositor",
        "sealed_at": NOW,
        "generation": 1,
        "envelope_digest": digest(),
        "dossier_generation": 1,
        "head": random_bytes(400),
        "body": StoredObject(random_bytes(20).hex(), 600),
        "seal": random_bytes(100),
        "receipt": SignedBytes(b"receipt", b"signature"),
    }
    return Deposit(dossier_id=dossier_id, supersedes=supersedes, **fields | options)


async def publish(records, deposit, action=Action.EVIDENCE_DEPOSITED):
    async with records.change(ORIGIN) as tx:
        await tx.record(action, [Subject("evidence", deposit.proof_id)])
        return await tx.evidence.publish(deposit)


async def change(records, make, *args, **options):
    """Run one of the functions above as a change of its own."""
    async with records.change(ORIGIN) as tx:
        await tx.record(Action.SERVER_STARTED)
        return await make(tx, *args, **options)
