"""What one pinned authority vouches for, and when."""

import pytest

from keys.errors import (
    KeyMaterialError,
    MalformedError,
    Refusal,
    SignatureError,
    StatementError,
    WrongUseError,
)
from keys.kinds import (
    Checkpoint,
    DossierKey,
    Grant,
    Habilitation,
    Mandate,
    Opening,
    Receipt,
    RecoveryKey,
    Withdrawal,
)
from keys.statements import Signed
from keys.trust import Trust
from tests.keys.people import DAY, NOW, habilitate, key, public, say, succeed, withdraw
from tests.keys.world import ADMIN, ALL, AUTHORITY, OPENER, PORTAL, REVIEWER, SERVER, reason, trust

# Dates


def test_dates_of_a_standing_statement():
    mandate = say(Mandate, valid_from=NOW, valid_until=NOW + 100)
    judge = trust()
    for at in (NOW, NOW + 50, NOW + 100):
        assert judge.verify(mandate, Mandate, at=at).statement.dossier == "D-2801"
    assert reason(judge.verify, mandate, Mandate, at=NOW - 1) is Refusal.EARLY
    assert reason(judge.verify, mandate, Mandate, at=NOW + 101) is Refusal.EXPIRED


def test_without_end():
    mandate = say(Mandate, valid_until=0)
    assert trust().verify(mandate, Mandate, at=NOW + 10**9)


def test_what_is_valid_backwards_was_still_not_said_then():
    mandate = say(Mandate, valid_from=0)
    judge = trust()
    assert judge.verify(mandate, Mandate, at=NOW - 300)
    assert reason(judge.verify, mandate, Mandate, at=NOW - 301) is Refusal.EARLY


@pytest.mark.parametrize(
    ("kind", "issuer"),
    [(Receipt, "server"), (Checkpoint, "server"), (Opening, "reviewer"), (Withdrawal, "admin")],
)
def test_what_happened_does_not_run_out(kind, issuer):
    signed = say(kind, issuer)
    judge = trust()
    assert judge.verify(signed, kind, at=NOW + 10**9)
    assert judge.verify(signed, kind, at=NOW - 300)
    assert reason(judge.verify, signed, kind, at=NOW - 301) is Refusal.EARLY


def test_a_receipt_outlives_the_habilitation_of_its_server():
    receipt = say(Receipt, "server", NOW + DAY)
    judge = trust(withdraw(SERVER, NOW + 2 * DAY))
    assert judge.verify(receipt, Receipt, at=NOW + 1000 * DAY)


@pytest.mark.parametrize(("now", "why"), [(NOW - 301, Refusal.EARLY), (NOW + 31 * DAY, Refusal.EXPIRED)])
def test_a_receipt_from_outside_its_servers_time(now, why):
    assert reason(trust().verify, say(Receipt, "server", now), Receipt, at=now) is why


def test_a_receipt_after_the_withdrawal_of_its_server():
    judge = trust(withdraw(SERVER, NOW + DAY))
    assert judge.verify(say(Receipt, "server", NOW + DAY - 1), Receipt, at=NOW + 2 * DAY)
    late = say(Receipt, "server", NOW + DAY)
    assert reason(judge.verify, late, Receipt, at=NOW + 2 * DAY) is Refusal.WITHDRAWN


# Habilitations


def test_a_habilitation_is_found_by_key_and_role():
    found = trust().habilitation(key("reviewer"), "reviewer", at=NOW)
    assert found.statement.subject == public("reviewer")
    assert found.id == REVIEWER.id
    assert found.signed == REVIEWER


@pytest.mark.parametrize("role", ["admin", "portal", "server"])
def test_a_habilitation_is_for_one_role(role):
    assert reason(trust().habilitation, key("reviewer"), role, at=NOW) is Refusal.NOT_ENTITLED


def test_nobody_is_habilitated_by_nobody():
    assert reason(Trust(AUTHORITY).habilitation, key("reviewer"), "reviewer", at=NOW) is Refusal.NOT_ENTITLED
    # Not even the authority: it is no reviewer.
    assert reason(trust().habilitation, AUTHORITY, "reviewer", at=NOW) is Refusal.NOT_ENTITLED


@pytest.mark.parametrize(("at", "why"), [(NOW - 301, Refusal.EARLY), (NOW + 30 * DAY + 1, Refusal.EXPIRED)])
def test_a_habilitation_has_dates(at, why):
    assert trust().habilitation(key("reviewer"), "reviewer", at=NOW + 30 * DAY)
    assert reason(trust().habilitation, key("reviewer"), "reviewer", at=at) is why


def test_a_habilitation_that_another_than_the_authority_signed():
    for by in ("admin", "authority-other", "reviewer-x", "portal"):
        forged = habilitate("reviewer-x", "reviewer", by=by)
        judge = trust(forged)
        assert reason(judge.habilitation, key("reviewer-x"), "reviewer", at=NOW) is Refusal.NOT_ENTITLED
        assert reason(judge.verify, forged, Habilitation, at=NOW) is Refusal.NOT_ENTITLED


def test_a_lapsed_habilitation_can_be_renewed():
    renewed = habilitate("reviewer", "reviewer", NOW + 40 * DAY)
    judge = trust(renewed)
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW).id == REVIEWER.id
    assert reason(judge.habilitation, key("reviewer"), "reviewer", at=NOW + 35 * DAY) is Refusal.EARLY
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + 41 * DAY).id == renewed.id


def test_the_latest_reason_is_told():
    renewed = habilitate("reviewer", "reviewer", NOW + 40 * DAY)
    judge = trust(renewed, withdraw(renewed, NOW + 41 * DAY))
    assert reason(judge.habilitation, key("reviewer"), "reviewer", at=NOW + 42 * DAY) is Refusal.WITHDRAWN


def test_every_habilitation_in_force_is_listed():
    renewed = habilitate("reviewer", "reviewer", NOW + DAY)
    judge = trust(renewed)
    in_force = judge.habilitations_in_force(key("reviewer"), at=NOW + DAY)
    assert {each.id for each in in_force} == {REVIEWER.id, renewed.id}
    # Withdrawing one leaves the other: whoever revokes must name all.
    judge = trust(renewed, withdraw(renewed, NOW + DAY))
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + DAY).id == REVIEWER.id
    judge = trust(renewed, withdraw(renewed, NOW + DAY), withdraw(REVIEWER, NOW + DAY))
    assert judge.habilitations_in_force(key("reviewer"), at=NOW + DAY) == ()


# The issuer stands behind what it said


@pytest.mark.parametrize(("kind", "generation"), [(Mandate, 0), (DossierKey, 1)])
def test_what_a_portal_said_falls_with_it(kind, generation):
    signed = say(kind, "portal", valid_until=0)
    judge = trust(withdraw(PORTAL, NOW + DAY))
    assert judge.verify(signed, kind, at=NOW + DAY - 1, opener=OPENER)
    assert reason(judge.verify, signed, kind, at=NOW + DAY, opener=OPENER) is Refusal.WITHDRAWN
    assert reason(trust().verify, signed, kind, at=NOW + 31 * DAY, opener=OPENER) is Refusal.EXPIRED


def test_a_dossier_key_of_a_withdrawn_admin_is_none():
    # What a thief of an admin's key dates back is refused all the same.
    forged = say(DossierKey, "admin", NOW + 1, generation=2, previous=bytes(32))
    judge = trust(withdraw(ADMIN, NOW + DAY))
    assert reason(judge.verify, forged, DossierKey, at=NOW + DAY) is Refusal.WITHDRAWN


@pytest.mark.parametrize("issuer", ["portal", "admin"])
def test_grants_outlive_who_made_them(issuer):
    grant = say(Grant, issuer, valid_until=0)
    judge = trust(withdraw(PORTAL, NOW + DAY), withdraw(ADMIN, NOW + DAY))
    assert judge.verify(grant, Grant, at=NOW + 100 * DAY, opener=OPENER)
    assert reason(judge.admit, grant, Grant, now=NOW + 2 * DAY, opener=OPENER) is Refusal.WITHDRAWN
    late = say(Grant, issuer, NOW + DAY, valid_until=0)
    assert reason(judge.verify, late, Grant, at=NOW + 2 * DAY, opener=OPENER) is Refusal.WITHDRAWN


def test_a_grant_itself_can_be_withdrawn_and_run_out():
    grant = say(Grant, "admin")
    judge = trust(withdraw(grant, NOW + DAY))
    assert judge.verify(grant, Grant, at=NOW)
    assert reason(judge.verify, grant, Grant, at=NOW + DAY) is Refusal.WITHDRAWN
    assert reason(trust().verify, grant, Grant, at=NOW + 31 * DAY) is Refusal.EXPIRED


# Handing in


def test_an_issuer_that_left_hands_in_nothing_dated_back():
    mandate = say(Mandate, "portal", NOW)
    assert trust().admit(mandate, Mandate, now=NOW, opener=OPENER)
    judge = trust(succeed("portal", "portal-next", NOW + 10))
    assert judge.verify(mandate, Mandate, at=NOW + 20, opener=OPENER)
    assert reason(judge.admit, mandate, Mandate, now=NOW + 20, opener=OPENER) is Refusal.SUPERSEDED
    late = withdraw(REVIEWER, NOW, "admin")
    judge = trust(withdraw(ADMIN, NOW + 10))
    assert judge.verify(late, Withdrawal, at=NOW + 20)
    assert reason(judge.admit, late, Withdrawal, now=NOW + 20) is Refusal.WITHDRAWN


def test_an_opening_is_handed_in_by_a_reviewer_that_still_is_one():
    opening = say(Opening, "reviewer", NOW)
    assert trust().admit(opening, Opening, now=NOW)
    judge = trust(withdraw(REVIEWER, NOW + 10))
    assert judge.verify(opening, Opening, at=NOW + 20)
    assert reason(judge.admit, opening, Opening, now=NOW + 20) is Refusal.WITHDRAWN


# Opening a dossier


def test_the_first_key_tells_who_opened():
    first = say(DossierKey, "portal")
    verified = trust().verify_opening(first, at=NOW)
    assert verified.statement.issuer == OPENER
    for by in ("admin", "authority"):
        assert trust().verify_opening(say(DossierKey, by), at=NOW).statement.issuer == key(by)


@pytest.mark.parametrize("by", ["reviewer", "server", "stranger", "portal-other"])
def test_nobody_else_opens(by):
    assert reason(trust().verify_opening, say(DossierKey, by), at=NOW) is Refusal.NOT_ENTITLED


def test_a_later_key_opens_nothing():
    second = say(DossierKey, "admin", generation=2, previous=bytes(32))
    assert reason(trust().verify_opening, second, at=NOW) is Refusal.MISMATCH
    by_portal = say(DossierKey, "portal", generation=2, previous=bytes(32))
    assert reason(trust().verify_opening, by_portal, at=NOW) is Refusal.NOT_ENTITLED


# What is handed to it


def test_the_pin_is_a_key():
    for bad in (b"", AUTHORITY[:-1], AUTHORITY + b"\x00"):
        with pytest.raises(MalformedError):
            Trust(bad)


@pytest.mark.parametrize("kind", [Mandate, DossierKey, Grant, Receipt, Checkpoint, Opening, RecoveryKey])
def test_it_is_built_from_three_kinds(kind):
    assert reason(Trust, AUTHORITY, [say(kind)]) is Refusal.WRONG_KIND


def test_rubbish_is_not_built_upon():
    assert reason(Trust, AUTHORITY, [Signed(b"rubbish", bytes(3373))]) is Refusal.WRONG_KIND
    for forged, error in (
        (REVIEWER._replace(signature=PORTAL.signature), SignatureError),
        (REVIEWER._replace(statement=REVIEWER.statement + b" "), MalformedError),
    ):
        with pytest.raises(error):
            trust(forged)
        with pytest.raises(error):
            trust().extended([forged])


@pytest.mark.parametrize("kind", [Mandate, DossierKey, Grant, RecoveryKey, Habilitation])
def test_a_forged_statement_is_not_verified(kind):
    signed = say(kind)
    for forged in (
        signed._replace(signature=say(kind, now=NOW + 1).signature),
        signed._replace(statement=signed.statement.replace(b'"until":', b'"until":1')),
        Signed(b"", b""),
    ):
        with pytest.raises(KeyMaterialError):
            trust().verify(forged, kind, at=NOW, opener=OPENER)


def test_one_kind_is_not_verified_as_another():
    assert reason(trust().verify, say(Mandate), Grant, at=NOW) is Refusal.WRONG_KIND
    assert reason(trust().verify_opening, say(Mandate), at=NOW) is Refusal.WRONG_KIND


def test_the_order_of_what_is_known_does_not_matter():
    known = [
        *ALL,
        succeed("authority", "authority-next", NOW + 10),
        withdraw(ADMIN, NOW + 20, "authority-next"),
        withdraw(REVIEWER, NOW + 15, "admin"),
        withdraw(PORTAL, NOW + 25, "admin"),
    ]
    for order in (known, known[::-1], known[4:] + known[:4]):
        judge = Trust(AUTHORITY, order)
        assert judge.habilitations_in_force(key("reviewer"), at=NOW + 30) == ()
        assert judge.habilitation(key("portal"), "portal", at=NOW + 30)


def test_more_can_be_learned():
    judge = Trust(AUTHORITY)
    learned = judge.extended(ALL).extended([withdraw(REVIEWER, NOW + 5)])
    assert learned.habilitation(key("portal"), "portal", at=NOW + 5)
    assert reason(learned.habilitation, key("reviewer"), "reviewer", at=NOW + 5) is Refusal.WITHDRAWN
    assert reason(judge.habilitation, key("portal"), "portal", at=NOW + 5) is Refusal.NOT_ENTITLED


def test_a_role_with_a_key_of_another_use_is_refused_when_it_is_said():
    with pytest.raises(WrongUseError):
        habilitate("ann", "portal")


def test_refusals_carry_a_sentence_and_no_bytes():
    judge = trust(withdraw(REVIEWER, NOW))
    with pytest.raises(StatementError) as caught:
        judge.habilitation(key("reviewer"), "reviewer", at=NOW)
    assert str(caught.value) == "this habilitation has been withdrawn"
