"""Identities that the tests share, grown from fixed seeds, and statements in their names."""

from functools import cache

from keys.derivation import PasswordCost
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import (
    Approval,
    Checkpoint,
    DossierKey,
    Erasure,
    Grant,
    Habilitation,
    Mandate,
    Opening,
    Receipt,
    RecoveryKey,
    Rotation,
    Succession,
    Withdrawal,
    lasting,
    momentary,
    sign_statement,
)

NOW = 1_800_000_000
DAY = 86_400
CHEAP = PasswordCost(19_456, 2, 1)
"""The least work that is accepted."""

_USES = {
    "authority": Use.AUTHORITY,
    "portal": Use.SERVICE,
    "server": Use.SERVICE,
    "dossier": Use.DOSSIER,
    "recovery": Use.RECOVERY,
}


@cache
def person(name):
    """Return the identity called ``name``; the part before a hyphen says what it is for."""
    use = _USES.get(name.split("-")[0], Use.PERSON)
    return Identity.from_seed(name.encode().ljust(32, b"."), use)


def public(name):
    return person(name).public


def key(name):
    """Return the signing public key of ``name``."""
    return public(name).signing


def key_id(name):
    return public(name).signing_key_id


def sign(statement, name):
    return sign_statement(statement, person(name).signing)


def fields(kind, issuer="authority", now=NOW, **changes):
    """Return a well-formed statement of ``kind`` in the name of ``issuer``, valid for thirty days or six."""
    moment = kind in (Withdrawal, Succession, Opening, Receipt, Checkpoint, Erasure, Rotation)
    own = {
        Habilitation: lambda: {
            "subject": public("reviewer"),
            "role": "reviewer",
            "organisation": "Agence du numérique en santé",
            "scope": (),
        },
        RecoveryKey: lambda: {"public_key": public("recovery").kem},
        Withdrawal: lambda: {"withdrawn": bytes(32), "reason": "left"},
        Mandate: lambda: {
            "dossier": "D-2801",
            "signer": key_id("editor"),
            "evidence_types": ("aipd", "cgu"),
            "may_replace": True,
        },
        DossierKey: lambda: {
            "dossier": "D-2801",
            "generation": 1,
            "public_key": public("dossier").kem,
            "previous": b"",
            "writers": (key_id("authority"),),
        },
        Grant: lambda: {
            "dossier": "D-2801",
            "generation": 1,
            "grantee": public("reviewer").kem_key_id,
            "wrapped": bytes(1713),
        },
        Succession: lambda: {"old": public(issuer), "new": public(f"{issuer}-next")},
        Opening: lambda: {"seal_id": bytes(32), "outcome": "opened"},
        Receipt: lambda: {
            "proof": "P-1",
            "organisation": "org",
            "dossier": "D-2801",
            "evidence_type": "aipd",
            "seal_id": bytes(32),
            "envelope_digest": bytes(32),
            "generation": 1,
            "size": 10_000,
            "signer": key_id("editor"),
            "actor": "portal",
            "supersedes": b"",
            "journal_position": 0,
            "journal_leaf": bytes(32),
        },
        Checkpoint: lambda: {"origin": "https://vault.example", "size": 5, "root": bytes(32)},
        Erasure: lambda: {
            "organisation": "org",
            "dossier": "D-2801",
            "actor": "account:ada",
            "closed": NOW - DAY,
            "versions": 2,
            "root": bytes(32),
            "grants": 3,
            "templates": 1,
            "journal_position": 7,
            "journal_leaf": bytes(32),
        },
        Rotation: lambda: {
            "organisation": "org",
            "dossier": "D-2801",
            "actor": "account:ada",
            "ended": 2,
            "keys": (bytes([2]) * 32, bytes([1]) * 32),
            "generation": 3,
            "key": public("dossier").kem_key_id,
            "containers": 2,
            "root": bytes(32),
            "journal_position": 7,
            "journal_leaf": bytes(32),
        },
        Approval: lambda: {
            "service": "https://vault.example",
            "act": "erase",
            "subject": "D-2801",
            "digest": bytes(32),
        },
    }[kind]()
    dates = momentary(now) if moment else lasting(now, (6 if kind is Approval else 30) * DAY)
    return kind(**{"issuer": key(issuer), **dates, **own, **changes})


def say(kind, issuer="authority", now=NOW, **changes):
    """Return such a statement, signed."""
    return sign(fields(kind, issuer, now, **changes), issuer)


def habilitate(name, role, now=NOW, by="authority", **changes):
    return say(Habilitation, by, now, subject=public(name), role=role, **changes)


def succeed(old, new, now=NOW):
    return say(Succession, old, now, new=public(new))


def withdraw(signed, now=NOW, by="authority"):
    return say(Withdrawal, by, now, withdrawn=signed.id)
