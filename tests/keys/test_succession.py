"""Who holds a place when."""

import pytest

from keys.errors import Refusal, StatementError
from keys.kinds import Succession
from keys.succession import FOREVER, Successions, Tenure, require_place
from tests.keys.people import fields, key_id, public


def handed(old, new, at):
    return fields(Succession, old, at, new=public(new))


def held(line, name, at):
    try:
        require_place(line, key_id(name), at)
    except StatementError as error:
        return error.reason
    return "held"


def test_a_key_without_successor_stays():
    (tenure,) = Successions([]).lineage(key_id("ann"))
    assert tenure == Tenure(key_id("ann"), None, 0, FOREVER, disputed=False)


def test_a_chain():
    line = Successions([handed("b", "c", 20), handed("a", "b", 10)]).lineage(key_id("a"))
    assert [(tenure.key, tenure.since, tenure.before) for tenure in line] == [
        (key_id("a"), 0, 10),
        (key_id("b"), 10, 20),
        (key_id("c"), 20, FOREVER),
    ]
    assert line[2].identity == public("c")


@pytest.mark.parametrize(
    ("name", "at", "answer"),
    [
        ("a", 0, "held"),
        ("a", 9, "held"),
        ("a", 10, Refusal.SUPERSEDED),
        ("b", 9, Refusal.SUPERSEDED),
        ("b", 10, "held"),
        ("b", 19, "held"),
        ("b", 20, Refusal.SUPERSEDED),
        ("c", 19, Refusal.SUPERSEDED),
        ("c", 20, "held"),
        ("c", FOREVER - 1, "held"),
        ("d", 20, Refusal.MISMATCH),
    ],
)
def test_at_every_time_one_key_holds_the_place(name, at, answer):
    line = Successions([handed("a", "b", 10), handed("b", "c", 20)]).lineage(key_id("a"))
    assert held(line, name, at) == answer


def test_all_times_are_looked_at():
    line = Successions([handed("a", "b", 10)]).lineage(key_id("a"))
    require_place(line, key_id("a"), 1, 9)
    with pytest.raises(StatementError):
        require_place(line, key_id("a"), 1, 10)
    with pytest.raises(StatementError):
        require_place(line, key_id("b"), 9, 11)


def test_a_line_begins_where_it_is_asked_for():
    successions = Successions([handed("a", "b", 10)])
    assert [tenure.key for tenure in successions.lineage(key_id("b"))] == [key_id("b")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_successors_are_none(order):
    both = (handed("a", "b", 10), handed("a", "thief", 12))
    line = Successions([both[each] for each in order]).lineage(key_id("a"))
    assert len(line) == 1
    assert held(line, "a", 9) == "held"
    assert held(line, "a", 10) == Refusal.DISPUTED
    assert held(line, "b", 11) == held(line, "thief", 13) == Refusal.MISMATCH


def test_a_dispute_further_on_leaves_what_was_before():
    line = Successions(
        [handed("a", "b", 10), handed("b", "c", 20), handed("b", "d", 30)],
    ).lineage(key_id("a"))
    assert held(line, "b", 15) == "held"
    assert held(line, "b", 25) == Refusal.DISPUTED
    assert held(line, "c", 25) == Refusal.MISMATCH


def test_the_same_successor_twice_is_one():
    line = Successions([handed("a", "b", 15), handed("a", "b", 10)]).lineage(key_id("a"))
    assert held(line, "a", 9) == held(line, "b", 10) == "held"


def test_a_successor_that_differs_in_one_half_is_another():
    mixed = handed("a", "b", 12)._replace(new=public("b")._replace(kem=public("thief").kem))
    line = Successions([handed("a", "b", 10), mixed]).lineage(key_id("a"))
    assert held(line, "a", 10) == Refusal.DISPUTED


def test_a_circle_ends():
    line = Successions([handed("a", "b", 10), handed("b", "a", 20)]).lineage(key_id("a"))
    assert [tenure.key for tenure in line] == [key_id("a"), key_id("b")]
    assert held(line, "a", 25) == held(line, "b", 25) == Refusal.SUPERSEDED


def test_time_does_not_run_backwards():
    # B hands over at a time before it was itself handed to: it never holds the place.
    line = Successions([handed("a", "b", 10), handed("b", "c", 5)]).lineage(key_id("a"))
    assert held(line, "a", 9) == "held"
    assert held(line, "b", 10) == held(line, "c", 9) == Refusal.SUPERSEDED
    assert held(line, "c", 10) == "held"


def test_contradiction():
    successions = Successions([handed("a", "b", 10)])
    assert not successions.contradicts(handed("a", "b", 11))
    assert successions.contradicts(handed("a", "c", 11))
    assert not successions.contradicts(handed("b", "c", 11))
