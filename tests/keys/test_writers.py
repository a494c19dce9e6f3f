"""Who writes in the place of a listed writer that handed over, and who does not."""

import pytest

from keys.writers import followers, present_writers
from tests.keys.people import DAY, NOW, habilitate, key_id, succeed, withdraw
from tests.keys.world import ADMIN, trust

CHAIN = (
    succeed("authority", "authority-2", NOW + 10),
    succeed("authority-2", "authority-3", NOW + 20),
)
NEXT_ADMIN = succeed("admin", "admin-2", NOW + 10)


def names(*pairs):
    return {key_id(old): key_id(new) for old, new in pairs}


def both(judge, listed, at):
    listed = [key_id(one) for one in listed]
    return followers(judge, listed, at=at), present_writers(judge, listed, at=at)


def test_every_key_of_the_authority_s_chain_is_followed_and_the_last_one_writes():
    judge = trust(*CHAIN)
    steps = names(("authority", "authority-2"), ("authority-2", "authority-3"))
    assert both(judge, ["authority"], NOW + 20) == (steps, {key_id("authority-3")})
    assert both(judge, ["authority-2"], NOW + 20) == (
        names(("authority-2", "authority-3")),
        {key_id("authority-3")},
    )
    assert both(judge, ["authority"], NOW + 19) == (
        names(("authority", "authority-2")),
        {key_id("authority-2")},
    )
    assert both(judge, ["authority"], NOW + 9) == ({}, frozenset())


def test_nobody_goes_backward():
    assert both(trust(*CHAIN), ["authority-3"], NOW + 20) == ({}, frozenset())
    back = trust(*CHAIN, succeed("authority-3", "authority", NOW + 30))
    steps = names(("authority", "authority-2"), ("authority-2", "authority-3"))
    assert both(back, ["authority"], NOW + 30) == (steps, frozenset())


def test_a_branch_leads_nowhere():
    judge = trust(*CHAIN, succeed("authority-2", "authority-thief", NOW + 15))
    assert both(judge, ["authority"], NOW + 20) == (names(("authority", "authority-2")), frozenset())


def test_an_admin_s_habilitation_has_to_go_along():
    step = names(("admin", "admin-2"))
    assert both(trust(NEXT_ADMIN), ["admin"], NOW + 10) == (step, {key_id("admin-2")})
    # Without the habilitation nobody knows whether that was an admin.
    assert both(trust(NEXT_ADMIN, base=()), ["admin"], NOW + 10) == ({}, frozenset())
    late = trust(succeed("admin", "admin-2", NOW + 31 * DAY))
    assert both(late, ["admin"], NOW + 31 * DAY) == ({}, frozenset()), "it had expired"
    own = trust(NEXT_ADMIN, habilitate("admin-2", "admin"), base=())
    assert both(own, ["admin"], NOW + 10) == ({}, frozenset()), "a habilitation of its own came with nothing"


@pytest.mark.parametrize("by", ["authority", "admin-b"])
def test_who_was_withdrawn_hands_nothing_over(by):
    judge = trust(withdraw(ADMIN, NOW + 10, by), NEXT_ADMIN)
    assert both(judge, ["admin"], NOW + 20) == ({}, frozenset())


def test_who_is_withdrawn_later_wrote_what_it_wrote_and_writes_no_more():
    judge = trust(NEXT_ADMIN, withdraw(ADMIN, NOW + 20))
    assert both(judge, ["admin"], NOW + 19) == (names(("admin", "admin-2")), {key_id("admin-2")})
    assert both(judge, ["admin"], NOW + 20) == (names(("admin", "admin-2")), frozenset())
    ended = trust(NEXT_ADMIN)
    assert both(ended, ["admin"], NOW + 40 * DAY) == (names(("admin", "admin-2")), frozenset())


@pytest.mark.parametrize("name", ["editor", "reviewer", "portal"])
def test_nobody_else_s_key_is_followed(name):
    judge = trust(succeed(name, f"{name}-2", NOW + 10))
    assert both(judge, [name], NOW + 10) == ({}, frozenset())
