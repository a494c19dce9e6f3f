"""All services of one server, each built with its ports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vault.server.services.accounts import Accounts
from vault.server.services.approvals import Approvals, acts_of
from vault.server.services.authority import Authority
from vault.server.services.beliefs import Beliefs
from vault.server.services.completing import Completing
from vault.server.services.depositors import Depositors
from vault.server.services.deposits import Deposits
from vault.server.services.discarding import Discarding
from vault.server.services.dossiers import Dossiers
from vault.server.services.enrolments import Enrolments
from vault.server.services.erasing import Erasing
from vault.server.services.evidence import Proofs
from vault.server.services.fetching import Fetching
from vault.server.services.gathering import FactGathering
from vault.server.services.grants import Grants
from vault.server.services.habilitations import Habilitations
from vault.server.services.health import Health
from vault.server.services.idempotency import Idempotency
from vault.server.services.identification import Identification
from vault.server.services.inheriting import Inheriting
from vault.server.services.journal import JournalReading
from vault.server.services.organisations import Organisations
from vault.server.services.ownership import Ownership
from vault.server.services.parts import Parts
from vault.server.services.publishing import Publishing
from vault.server.services.reencrypting import Reencrypting
from vault.server.services.removing import Removing
from vault.server.services.retentions import Retentions
from vault.server.services.retiring import Retiring
from vault.server.services.rewriting import Rewriting
from vault.server.services.rotating import Rotating
from vault.server.services.signin import SignIn
from vault.server.services.sources import Sources
from vault.server.services.succession import Succession
from vault.server.services.templates import Templates
from vault.server.services.throttling import Throttling
from vault.server.services.tokens import Tokens
from vault.server.services.uploads import Uploads

if TYPE_CHECKING:
    from vault.server.ports import Clock, ObjectStore, Records
    from vault.server.services.serverkeys import ServerKeys
    from vault.server.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What handlers call."""

    accounts: Accounts
    approvals: Approvals
    authority: Authority
    completing: Completing
    deposits: Deposits
    depositors: Depositors
    dossiers: Dossiers
    enrolments: Enrolments
    erasing: Erasing
    evidence: Proofs
    facts: FactGathering
    fetching: Fetching
    grants: Grants
    habilitations: Habilitations
    health: Health
    idempotency: Idempotency
    identification: Identification
    inheriting: Inheriting
    journal: JournalReading
    organisations: Organisations
    ownership: Ownership
    parts: Parts
    reencrypting: Reencrypting
    retentions: Retentions
    retiring: Retiring
    rewriting: Rewriting
    rotating: Rotating
    signin: SignIn
    sources: Sources
    succession: Succession
    templates: Templates
    tokens: Tokens
    uploads: Uploads


def build_services(
    *,
    settings: Settings,
    records: Records,
    store: ObjectStore,
    clock: Clock,
    keys: ServerKeys,
    origin: str,
) -> Services:
    """Return the services of one server.

    Args:
        settings: limits and lifetimes.
        records: what is remembered.
        store: where bodies are kept.
        clock: where the time comes from.
        keys: the server's signing keys.
        origin: the service's name as clients reach it.
    """
    beliefs = Beliefs()
    approvals = Approvals(records, clock, beliefs, acts=acts_of(settings.approvals), origin=origin)
    throttling = Throttling(records, clock, limit=settings.sign_in_failures, window=settings.sign_in_window)
    accounts = Accounts(records, clock, beliefs, enrolment_seconds=settings.enrolment_seconds)
    identification = Identification(records, clock, beliefs)
    idempotency = Idempotency(records, clock, lifetime=settings.answer_seconds)
    publishing = Publishing(beliefs, approvals, keys)
    discarding = Discarding(records, store, clock)
    facts = FactGathering(records, clock, beliefs)
    removing = Removing(records, store, clock)
    signin = SignIn(
        records,
        clock,
        identification,
        throttling,
        origin=origin,
        challenge_seconds=settings.challenge_seconds,
        session_seconds=settings.session_seconds,
    )
    return Services(
        accounts=accounts,
        approvals=approvals,
        authority=Authority(records, clock, beliefs, signin, keys, approvals=approvals, origin=origin),
        completing=Completing(records, store, clock, publishing),
        deposits=Deposits(records, store, publishing, idempotency, discarding),
        depositors=Depositors(records, clock, beliefs, origin=origin),
        dossiers=Dossiers(records, clock, beliefs),
        enrolments=Enrolments(records, clock, signin, throttling),
        erasing=Erasing(records, store, clock, removing, approvals, keys=keys),
        evidence=Proofs(records, clock, beliefs),
        facts=facts,
        fetching=Fetching(records, store, facts),
        grants=Grants(records, clock, beliefs),
        habilitations=Habilitations(records, clock, beliefs, accounts),
        health=Health(records, store),
        idempotency=idempotency,
        identification=identification,
        inheriting=Inheriting(records, beliefs, signin),
        journal=JournalReading(records, clock, keys, origin=origin),
        organisations=Organisations(
            records,
            quota_bytes=settings.quota_bytes,
            max_container_bytes=settings.max_container_bytes,
        ),
        ownership=Ownership(records, beliefs),
        parts=Parts(records, store, clock, lifetime=settings.upload_seconds),
        reencrypting=Reencrypting(records, clock, beliefs, removing, approvals),
        retentions=Retentions(records),
        retiring=Retiring(records, keys),
        rewriting=Rewriting(records, beliefs),
        rotating=Rotating(records, beliefs),
        signin=signin,
        sources=Sources(settings.trusted_proxies),
        succession=Succession(records, beliefs, origin=origin),
        templates=Templates(records, clock, beliefs, throttling, idempotency, origin=origin),
        tokens=Tokens(records, clock),
        uploads=Uploads(
            records,
            store,
            clock,
            publishing,
            discarding,
            lifetime=settings.upload_seconds,
            part_bytes=settings.upload_part_bytes,
        ),
    )
