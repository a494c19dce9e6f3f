"""Who may say what: every kind by every issuer."""

import pytest

from keys.errors import Refusal, StatementError
from keys.forms import CODECS
from keys.kinds import (
    MOMENTARY,
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
)
from keys.rules import RULES, Moment, portal_may
from keys.trust import Trust
from tests.keys.people import NOW, fields, habilitate, key, say

ROLES = {
    "admin": "admin",
    "portal": "portal",
    "portal-other": "portal",
    "reviewer": "reviewer",
    "server": "server",
}
ISSUERS = ("authority", *ROLES, "stranger")
TRUST = Trust(key("authority"), [habilitate(name, role, NOW - 10) for name, role in ROLES.items()])

MAY = {
    (Habilitation, 1): {"authority"},
    (RecoveryKey, 1): {"authority"},
    (Withdrawal, 1): {"authority", "admin"},
    (Mandate, 1): {"authority", "portal"},
    (DossierKey, 1): {"authority", "admin", "portal"},
    (DossierKey, 2): {"authority", "admin"},
    (Grant, 1): {"authority", "admin", "portal"},
    (Grant, 2): {"authority", "admin"},
    (Opening, 1): {"reviewer"},
    (Receipt, 1): {"server"},
    (Checkpoint, 1): {"server"},
    (Erasure, 1): {"server"},
    (Rotation, 3): {"server"},
    (Approval, 1): {"admin"},
}


def statement(kind, issuer, generation):
    if generation == 1:
        return say(kind, issuer)
    changes = {"previous": bytes(32)} if kind is DossierKey else {}
    return say(kind, issuer, generation=generation, **changes)


def test_every_kind_has_a_rule():
    assert {kind for kind, _ in MAY} == set(RULES) == set(CODECS) - {Succession}


@pytest.mark.parametrize("issuer", ISSUERS)
@pytest.mark.parametrize(("kind", "generation"), MAY)
def test_who_may_say_what(kind, generation, issuer):
    signed = statement(kind, issuer, generation)
    for judge in (
        lambda: TRUST.verify(signed, kind, at=NOW, opener=key("portal")),
        lambda: TRUST.admit(signed, kind, now=NOW, opener=key("portal")),
    ):
        if issuer in MAY[kind, generation]:
            assert judge().statement.issuer == key(issuer)
        else:
            with pytest.raises(StatementError) as caught:
                judge()
            assert caught.value.reason is Refusal.NOT_ENTITLED


@pytest.mark.parametrize("issuer", ["portal", "portal-other"])
@pytest.mark.parametrize("kind", [Mandate, DossierKey, Grant])
def test_without_an_opener_no_portal_is_believed(kind, issuer):
    with pytest.raises(StatementError):
        TRUST.verify(say(kind, issuer), kind, at=NOW)


@pytest.mark.parametrize("opener", ["reviewer", "stranger", "server", "admin", "authority"])
def test_an_opener_that_is_no_portal_gains_nothing(opener):
    with pytest.raises(StatementError):
        TRUST.verify(say(Mandate, "portal"), Mandate, at=NOW, opener=key(opener))
    if opener != "authority":
        with pytest.raises(StatementError):
            TRUST.verify(say(Mandate, opener), Mandate, at=NOW, opener=key(opener))


@pytest.mark.parametrize("kind", RULES)
def test_another_authority_says_nothing(kind):
    with pytest.raises(StatementError):
        TRUST.verify(say(kind, "authority-other"), kind, at=NOW, opener=key("portal"))


def test_a_portal_speaks_at_the_opening_only():
    assert portal_may(fields(Mandate))
    assert portal_may(fields(DossierKey))
    assert portal_may(fields(Grant))
    assert not portal_may(fields(DossierKey, generation=2))
    assert not portal_may(fields(Grant, generation=2))


@pytest.mark.parametrize("kind", MOMENTARY)
def test_what_happened_is_judged_when_it_happened(kind):
    issuer = "ann" if kind is Succession else "authority"
    moment = Moment.of(fields(kind, issuer, NOW), NOW + 1000)
    assert moment.at == NOW
    assert moment.held == (NOW,)
    assert moment.cutoff == (NOW - 1 if kind is Withdrawal else NOW)


@pytest.mark.parametrize("kind", [Habilitation, RecoveryKey, Mandate, DossierKey, Approval])
def test_what_stands_is_judged_at_the_time_asked(kind):
    assert Moment.of(fields(kind, now=NOW), NOW + 1000) == (NOW + 1000, (NOW,), NOW + 1000)


def test_who_granted_is_judged_when_it_was_granted():
    assert Moment.of(fields(Grant, now=NOW), NOW + 1000) == (NOW, (NOW,), NOW)
