"""What an authority and the others say, for the client's tests: statements at times of one's choice."""

from client.records import Dossier, Pin
from client.trust import Anchor
from keys.derivation import key_id
from keys.grants import make_grant
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import (
    Checkpoint,
    DossierKey,
    Habilitation,
    Mandate,
    Receipt,
    RecoveryKey,
    Succession,
    Withdrawal,
    lasting,
    momentary,
    sign_statement,
)

URL = "https://vault.example.org"
NOW = 1_700_000_000
DAY = 86_400


def identity(letter, use=Use.PERSON):
    return Identity.from_seed(letter.encode() * 32, use)


AUTHORITY = identity("A", Use.AUTHORITY)
SERVER = identity("S", Use.SERVICE)
RECOVERY = identity("R", Use.RECOVERY)
PORTAL = identity("p", Use.SERVICE)
ADMIN = identity("a")
REVIEWER = identity("r")
EDITOR = identity("e")
STRANGER = identity("x", Use.AUTHORITY)


def say(kind, issuer, dates=None, **fields):
    statement = kind(issuer=issuer.signing.public_key, **(dates or lasting(NOW, 0)), **fields)
    return sign_statement(statement, issuer.signing)


def habilitation(subject, role, *, by=AUTHORITY, at=NOW, seconds=0):
    return say(
        Habilitation, by, lasting(at, seconds), subject=subject.public, role=role, organisation="-", scope=()
    )


def withdrawal(signed, *, by=AUTHORITY, at=NOW):
    return say(Withdrawal, by, momentary(at), withdrawn=signed.id, reason="other")


def recovery(by=AUTHORITY):
    return say(RecoveryKey, by, lasting(NOW - DAY, 0), public_key=RECOVERY.public.kem)


def succession(old, new, at=NOW):
    return say(Succession, old, momentary(at), old=old.public, new=new.public)


def pin(**changes):
    whole = Pin(
        URL, URL, SERVER.public, AUTHORITY.public, habilitation(SERVER, "server", at=NOW - DAY), recovery()
    )
    return whole._replace(**changes)


def anchor(at=NOW, **changes):
    return Anchor(pin(**changes), clock=lambda: at)


def checkpoint(size, root, *, by=SERVER, origin=URL, at=NOW):
    return say(Checkpoint, by, momentary(at), origin=origin, size=size, root=root)


def receipt(examined, *, by=SERVER, at=NOW, **changes):
    seal = examined.seal.seal
    fields = {
        "proof": "ab" * 16,
        "organisation": "o",
        "dossier": seal.dossier,
        "evidence_type": seal.evidence_type,
        "seal_id": examined.seal.seal_id,
        "envelope_digest": examined.envelope.digest,
        "generation": examined.envelope.envelope.generation,
        "size": examined.size,
        "signer": seal.signer_key_id,
        "actor": "depositor",
        "supersedes": seal.supersedes,
        "journal_position": 7,
        "journal_leaf": bytes(32),
    }
    return say(Receipt, by, momentary(at), **{**fields, **changes})


def dossier_seed(generation):
    return Identity.from_seed(bytes([generation]) * 32, Use.DOSSIER)


def dossier_key(generation=1, *, by=PORTAL, dossier="D-1", at=NOW, previous=None):
    before = dossier_seed(generation - 1).public.kem_key_id if generation > 1 else b""
    return say(
        DossierKey,
        by,
        lasting(at, 0),
        dossier=dossier,
        generation=generation,
        public_key=dossier_seed(generation).public.kem,
        previous=before if previous is None else previous,
        writers=(key_id(AUTHORITY.public.signing),),
    )


def mandate(signer=EDITOR, *, by=PORTAL, dossier="D-1", at=NOW, seconds=0):
    return say(
        Mandate,
        by,
        lasting(at, seconds),
        dossier=dossier,
        signer=signer.public.signing_key_id,
        evidence_types=("aipd", "other"),
        may_replace=True,
    )


def grant(to=REVIEWER, generation=1, *, by=PORTAL, dossier="D-1", at=NOW, seed=None):
    return make_grant(
        seed or dossier_seed(generation).seed,
        dossier=dossier,
        generation=generation,
        grantee=to.public.kem,
        issuer=by.signing,
        period=lasting(at, 0),
    )


ISSUERS = (habilitation(PORTAL, "portal", at=NOW - DAY), habilitation(ADMIN, "admin", at=NOW - DAY))


def kept(**changes):
    whole = Dossier("D-1", (dossier_key(),), (grant(),), (mandate(),), ISSUERS)
    return whole._replace(**changes)
