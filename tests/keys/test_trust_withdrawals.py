"""What a withdrawal takes down, from when on, and who may say it."""

import pytest

from keys.errors import Refusal, StatementError
from keys.kinds import DossierKey, Habilitation, Mandate, Receipt, RecoveryKey, Withdrawal
from tests.keys.people import DAY, NOW, key, say, succeed, withdraw
from tests.keys.world import ADMIN, ADMIN_B, OPENER, REVIEWER, reason, trust


@pytest.mark.parametrize("by", ["authority", "admin"])
def test_a_withdrawal_counts_from_its_date_on(by):
    judge = trust(withdraw(REVIEWER, NOW + DAY, by))
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + DAY - 1)
    assert reason(judge.habilitation, key("reviewer"), "reviewer", at=NOW + DAY) is Refusal.WITHDRAWN
    assert reason(judge.verify, REVIEWER, Habilitation, at=NOW + DAY) is Refusal.WITHDRAWN
    assert judge.withdrawn_at(trust().verify(REVIEWER, Habilitation, at=NOW)) == NOW + DAY


@pytest.mark.parametrize("by", ["reviewer", "portal", "server", "stranger", "authority-other"])
def test_a_withdrawal_by_somebody_else_has_no_effect(by):
    withdrawal = withdraw(REVIEWER, NOW + DAY, by)
    judge = trust(withdrawal)
    verified = judge.verify(REVIEWER, Habilitation, at=NOW + 2 * DAY)
    assert judge.withdrawn_at(verified) is None
    assert reason(judge.verify, withdrawal, Withdrawal, at=NOW + 2 * DAY) is Refusal.NOT_ENTITLED


def test_the_earliest_withdrawal_counts():
    judge = trust(withdraw(REVIEWER, NOW + 9), withdraw(REVIEWER, NOW + 5), withdraw(REVIEWER, NOW + 7))
    assert judge.withdrawn_at(trust().verify(REVIEWER, Habilitation, at=NOW)) == NOW + 5


@pytest.mark.parametrize(
    ("kind", "issuer"), [(Mandate, "authority"), (RecoveryKey, "authority"), (DossierKey, "admin")]
)
def test_whatever_stands_can_be_withdrawn(kind, issuer):
    signed = say(kind, issuer)
    judge = trust(withdraw(signed, NOW + 1))
    assert judge.verify(signed, kind, at=NOW)
    assert reason(judge.verify, signed, kind, at=NOW + 1) is Refusal.WITHDRAWN


def test_what_happened_cannot_be_withdrawn():
    receipt, withdrawal = say(Receipt, "server"), withdraw(REVIEWER, NOW + 1)
    judge = trust(withdrawal, withdraw(receipt, NOW), withdraw(withdrawal, NOW + 1))
    assert judge.verify(receipt, Receipt, at=NOW + DAY)
    assert reason(judge.habilitation, key("reviewer"), "reviewer", at=NOW + DAY) is Refusal.WITHDRAWN


def test_an_admin_who_is_gone_withdraws_nothing_more():
    for removal in (withdraw(ADMIN, NOW + 10), withdraw(ADMIN, NOW + 10, "admin-b")):
        judge = trust(removal, withdraw(REVIEWER, NOW + 11, "admin"))
        assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + DAY)
        judge = trust(removal, withdraw(REVIEWER, NOW + 9, "admin"))
        assert reason(judge.habilitation, key("reviewer"), "reviewer", at=NOW + DAY) is Refusal.WITHDRAWN


@pytest.mark.parametrize("order", [1, -1])
def test_two_admins_who_withdraw_each_other(order):
    same = [withdraw(ADMIN, NOW + 5, "admin-b"), withdraw(ADMIN_B, NOW + 5, "admin")][::order]
    judge = trust(*same)
    for name in ("admin", "admin-b"):
        assert reason(judge.habilitation, key(name), "admin", at=NOW + 5) is Refusal.WITHDRAWN
    first = [withdraw(ADMIN, NOW + 5, "admin-b"), withdraw(ADMIN_B, NOW + 6, "admin")][::order]
    judge = trust(*first)
    assert reason(judge.habilitation, key("admin"), "admin", at=NOW + 6) is Refusal.WITHDRAWN
    assert judge.habilitation(key("admin-b"), "admin", at=NOW + 6)


def test_an_admin_can_withdraw_itself():
    judge = trust(withdraw(ADMIN, NOW + 5, "admin"))
    assert reason(judge.habilitation, key("admin"), "admin", at=NOW + 5) is Refusal.WITHDRAWN


def test_a_withdrawal_of_another_day_is_no_withdrawal_yet():
    judge = trust(withdraw(REVIEWER, NOW + 10 * DAY))
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + 9 * DAY)


def test_a_portal_takes_back_what_it_said_and_nothing_else():
    own, other = say(Mandate, "portal"), say(Mandate)
    judge = trust(withdraw(own, NOW + 5, "portal"), withdraw(other, NOW + 5, "portal"))
    assert judge.verify(own, Mandate, at=NOW + 4, opener=OPENER)
    assert reason(judge.verify, own, Mandate, at=NOW + 5, opener=OPENER) is Refusal.WITHDRAWN
    assert judge.verify(other, Mandate, at=NOW + 5)


def test_handing_in_a_withdrawal():
    mandate = trust().verify(say(Mandate, "portal"), Mandate, at=NOW, opener=OPENER)
    for by in ("portal", "admin", "authority"):
        signed = withdraw(mandate.signed, NOW, by)
        assert trust().admit_withdrawal(signed, mandate, now=NOW).statement.withdrawn == mandate.id
    for by in ("reviewer", "portal-other", "server", "stranger"):
        signed = withdraw(mandate.signed, NOW, by)
        assert reason(trust().admit_withdrawal, signed, mandate, now=NOW) is Refusal.NOT_ENTITLED


def test_handing_in_a_withdrawal_of_something_else():
    mandate = trust().verify(say(Mandate, "portal"), Mandate, at=NOW, opener=OPENER)
    receipt = trust().verify(say(Receipt, "server"), Receipt, at=NOW)
    assert reason(trust().admit_withdrawal, withdraw(REVIEWER), mandate, now=NOW) is Refusal.MISMATCH
    assert (
        reason(trust().admit_withdrawal, withdraw(receipt.signed, NOW, "server"), receipt, now=NOW)
        is Refusal.MISMATCH
    )
    with pytest.raises(StatementError):
        trust().admit_withdrawal(mandate.signed, mandate, now=NOW)


def test_a_withdrawal_from_the_future_is_not_taken_in():
    mandate = trust().verify(say(Mandate, "portal"), Mandate, at=NOW, opener=OPENER)
    for by in ("portal", "admin"):
        signed = withdraw(mandate.signed, NOW + DAY, by)
        assert reason(trust().admit_withdrawal, signed, mandate, now=NOW) is Refusal.EARLY


def test_a_key_that_handed_over_takes_nothing_back():
    mandate = trust().verify(say(Mandate, "portal"), Mandate, at=NOW, opener=OPENER)
    judge = trust(succeed("portal", "portal-next", NOW + 10))
    late = withdraw(mandate.signed, NOW + 11, "portal")
    assert reason(judge.admit_withdrawal, late, mandate, now=NOW + 11) is Refusal.SUPERSEDED
    dated_back = withdraw(mandate.signed, NOW + 9, "portal")
    assert reason(judge.admit_withdrawal, dated_back, mandate, now=NOW + 11) is Refusal.SUPERSEDED
    assert judge.admit_withdrawal(withdraw(mandate.signed, NOW + 11, "portal-next"), mandate, now=NOW + 11)
    assert judge.extended([late]).verify(mandate.signed, Mandate, at=NOW + 12, opener=OPENER)
