"""What a crowd was told is held against what there is: each difference is named as what it is."""

from collections import Counter

import pytest

from tests.crash.inspection import Kind
from tests.crash.ledger import Change, Ledger

OLD, NEW = ("version", "aa"), ("version", "bb")
ACTIVE, ARCHIVED = ("active", 1, 1), ("archived", 1, 1)
REPLACED = {OLD: ARCHIVED, NEW: ("active", 2, 1)}
ACTIONS = Counter({"evidence.deposited": 1})


@pytest.fixture
def ledger():
    """One deposit was acknowledged."""
    made = Ledger()
    made.pending[1] = Change({OLD: ACTIVE}, "evidence.deposited", {"aa": b"container"})
    made.acknowledge(1)
    return made


def replacing(ledger):
    ledger.pending[1] = Change(REPLACED, "evidence.replaced")


def test_what_was_acknowledged_is_there(ledger):
    assert ledger.compare({OLD: ACTIVE}, ACTIONS) == []
    assert (ledger.acknowledged, ledger.touched) == (1, {"aa"})


@pytest.mark.parametrize("found", [{}, {OLD: ARCHIVED}, {OLD: ("active", 1, 2)}])
def test_what_was_acknowledged_and_is_not_there_is_lost(ledger, found):
    (fault,) = ledger.compare(found, ACTIONS)
    assert fault.kind is Kind.LOST


def test_what_nobody_sent_is_there_by_half(ledger):
    (fault,) = ledger.compare({OLD: ACTIVE, NEW: ACTIVE}, ACTIONS)
    assert fault.kind is Kind.HALF


def test_what_was_not_answered_is_there_or_is_not(ledger):
    replacing(ledger)
    assert ledger.compare({OLD: ACTIVE}, ACTIONS) == []
    assert ledger.compare(REPLACED, ACTIONS + Counter({"evidence.replaced": 1})) == []
    ledger.count_broken(REPLACED)
    ledger.count_broken({OLD: ACTIVE})
    assert (ledger.broken, ledger.kept) == (2, 1)


@pytest.mark.parametrize("found", [{}, {OLD: ARCHIVED}, {OLD: ACTIVE, NEW: REPLACED[NEW]}])
def test_what_was_not_answered_is_not_there_by_half(ledger, found):
    replacing(ledger)
    (fault,) = ledger.compare(found, ACTIONS)
    assert fault.kind is Kind.HALF


def test_every_change_stands_in_the_journal_once(ledger):
    for times in (0, 2):
        (fault,) = ledger.compare({OLD: ACTIVE}, Counter({"evidence.deposited": times}))
        assert fault.kind is Kind.JOURNAL
    replacing(ledger)
    (fault,) = ledger.compare(REPLACED, ACTIONS)
    assert fault.kind is Kind.JOURNAL


def test_what_was_given_up_and_is_there_is_named(ledger):
    upload = ("upload", "cc")
    ledger.pending[1] = Change({upload: ("open", 1, frozenset())})
    ledger.acknowledge(1)
    ledger.pending[1] = Change({upload: None})
    ledger.acknowledge(1)
    assert ledger.compare({OLD: ACTIVE}, ACTIONS) == []
    (fault,) = ledger.compare({OLD: ACTIVE, upload: ("open", 1, frozenset())}, ACTIONS)
    assert fault.kind is Kind.HALF
