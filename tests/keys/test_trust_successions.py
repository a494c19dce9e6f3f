"""What follows a key to its successor, and what does not."""

import pytest

from keys.errors import Refusal
from keys.kinds import Habilitation, Mandate, Succession
from keys.trust import Trust
from tests.keys.people import DAY, NOW, habilitate, key, key_id, public, say, succeed, withdraw
from tests.keys.world import AUTHORITY, OPENER, PORTAL, REVIEWER, reason, trust


def test_the_authority_hands_over():
    judge = trust(succeed("authority", "authority-next", NOW + 10))
    new = habilitate("reviewer-x", "reviewer", NOW + 10, by="authority-next")
    assert judge.verify(new, Habilitation, at=NOW + 10)
    assert judge.extended([new]).habilitation(key("reviewer-x"), "reviewer", at=NOW + 10)
    # What the old key said before stays said; it says nothing new.
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + DAY)
    late = habilitate("reviewer-y", "reviewer", NOW + 10)
    assert reason(judge.verify, late, Habilitation, at=NOW + 11) is Refusal.SUPERSEDED
    late_known = judge.extended([late])
    assert reason(late_known.habilitation, key("reviewer-y"), "reviewer", at=NOW + 11) is Refusal.NOT_ENTITLED
    early = habilitate("reviewer-z", "reviewer", NOW + 9, by="authority-next")
    assert reason(judge.verify, early, Habilitation, at=NOW + 11) is Refusal.SUPERSEDED


def test_the_authority_hands_over_and_withdraws():
    judge = trust(
        succeed("authority", "authority-next", NOW + 10),
        withdraw(REVIEWER, NOW + 20, "authority-next"),
        withdraw(PORTAL, NOW + 20, "authority"),
    )
    assert reason(judge.habilitation, key("reviewer"), "reviewer", at=NOW + 20) is Refusal.WITHDRAWN
    assert judge.habilitation(key("portal"), "portal", at=NOW + 20)


def test_a_chain_of_authorities():
    judge = Trust(
        AUTHORITY,
        [
            succeed("authority-2", "authority-3", NOW + 20),
            succeed("authority", "authority-2", NOW + 10),
            habilitate("reviewer", "reviewer", NOW + 30, by="authority-3"),
        ],
    )
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + 30)
    assert judge.successors(key_id("authority"), at=NOW + 30) == {
        key_id("authority-2"),
        key_id("authority-3"),
    }
    assert judge.successors(key_id("authority"), at=NOW + 19) == {key_id("authority-2")}
    assert judge.successors(key_id("authority"), at=NOW + 9) == frozenset()


def test_an_authority_that_nobody_handed_to():
    judge = trust(succeed("authority-other", "authority-thief", NOW))
    forged = habilitate("reviewer-x", "reviewer", NOW, by="authority-thief")
    assert reason(judge.verify, forged, Habilitation, at=NOW) is Refusal.NOT_ENTITLED


def test_a_pin_is_not_followed_backwards():
    # Whoever names the pinned authority as its successor does not become its predecessor.
    judge = trust(succeed("authority-thief", "authority", NOW))
    forged = habilitate("reviewer-x", "reviewer", NOW - 10, by="authority-thief")
    assert reason(judge.verify, forged, Habilitation, at=NOW) is Refusal.NOT_ENTITLED


def test_an_authority_that_named_two_is_believed_no_more():
    judge = trust(
        succeed("authority", "authority-next", NOW + 10), succeed("authority", "authority-thief", NOW + 20)
    )
    for by in ("authority-next", "authority-thief"):
        forged = habilitate("reviewer-x", "reviewer", NOW + 30, by=by)
        assert reason(judge.verify, forged, Habilitation, at=NOW + 30) is Refusal.NOT_ENTITLED
    late = habilitate("reviewer-x", "reviewer", NOW + 30)
    assert reason(judge.verify, late, Habilitation, at=NOW + 30) is Refusal.DISPUTED
    assert judge.habilitation(key("reviewer"), "reviewer", at=NOW + 30)
    assert reason(judge.present, public("authority"), at=NOW + 30) is Refusal.DISPUTED


@pytest.mark.parametrize("name", ["reviewer", "portal", "server", "admin"])
def test_a_habilitation_follows_its_key(name):
    role = name
    judge = trust(succeed(name, f"{name}-next", NOW + 10))
    assert judge.habilitation(key(name), role, at=NOW + 9)
    assert reason(judge.habilitation, key(name), role, at=NOW + 10) is Refusal.SUPERSEDED
    assert reason(judge.habilitation, key(f"{name}-next"), role, at=NOW + 9) is Refusal.SUPERSEDED
    found = judge.habilitation(key(f"{name}-next"), role, at=NOW + 10)
    assert found.statement.subject == public(name)
    assert judge.present(found.statement.subject, at=NOW + 10) == public(f"{name}-next")
    assert judge.present(found.statement.subject, at=NOW + 9) == public(name)


def test_a_habilitation_of_the_first_key_ends_all_that_followed():
    judge = trust(succeed("reviewer", "reviewer-next", NOW + 10), withdraw(REVIEWER, NOW + 20))
    refusal = reason(judge.habilitation, key("reviewer-next"), "reviewer", at=NOW + 20)
    assert refusal is Refusal.WITHDRAWN


def test_a_portal_that_handed_over_still_is_the_opener():
    judge = trust(succeed("portal", "portal-next", NOW + 10))
    before, after = say(Mandate, "portal", NOW), say(Mandate, "portal-next", NOW + 10)
    for signed in (before, after):
        assert judge.verify(signed, Mandate, at=NOW + 20, opener=OPENER)
    late = say(Mandate, "portal", NOW + 10)
    assert reason(judge.verify, late, Mandate, at=NOW + 20, opener=OPENER) is Refusal.SUPERSEDED


def test_a_succession_can_be_verified():
    signed = succeed("reviewer", "reviewer-next")
    assert trust().admit(signed, Succession, now=NOW).statement.new == public("reviewer-next")
    assert trust(signed).verify(signed, Succession, at=NOW)


def test_a_key_hands_over_once():
    first, second = succeed("reviewer", "reviewer-next"), succeed("reviewer", "reviewer-thief", NOW + 5)
    assert reason(trust(first).admit, second, Succession, now=NOW + 5) is Refusal.DISPUTED
    again = succeed("reviewer", "reviewer-next", NOW + 5)
    assert trust(first).admit(again, Succession, now=NOW + 5)


def test_a_mandate_follows_its_signer():
    judge = trust(succeed("editor", "editor-next", NOW + 10))
    mandate = judge.verify(say(Mandate), Mandate, at=NOW)
    judge.require_mandated(mandate, key("editor"), at=NOW + 9)
    judge.require_mandated(mandate, key("editor-next"), at=NOW + 10)
    for name, at, why in (
        ("editor", NOW + 10, Refusal.SUPERSEDED),
        ("editor-next", NOW + 9, Refusal.SUPERSEDED),
        ("stranger", NOW + 10, Refusal.MISMATCH),
        ("authority", NOW + 10, Refusal.MISMATCH),
    ):
        assert reason(judge.require_mandated, mandate, key(name), at=at) is why


def test_a_circle_of_successors_leaves_nobody():
    judge = trust(succeed("ann", "bob", NOW), succeed("bob", "ann", NOW + 10))
    assert judge.present(public("ann"), at=NOW) == public("bob")
    assert reason(judge.present, public("ann"), at=NOW + 10) is Refusal.SUPERSEDED


def test_a_mandate_counts_for_one_key_at_a_time():
    first, second, third = (key_id(name) for name in ("editor", "editor-2", "editor-3"))
    judge = trust(succeed("editor", "editor-2", NOW + 10), succeed("editor-2", "editor-3", NOW + 20))
    for at, holder in (
        (NOW, first),
        (NOW + 9, first),
        (NOW + 10, second),
        (NOW + 19, second),
        (NOW + 20, third),
    ):
        assert judge.mandated(first, at=at) == {holder}
    # A key that was handed to does not give its place to the one before.
    assert judge.mandated(second, at=NOW + 10) == {second}
    torn = judge.extended([succeed("editor", "editor-x", NOW + 15)])
    assert torn.mandated(first, at=NOW + 9) == {first}
    assert torn.mandated(first, at=NOW + 30) == frozenset()
