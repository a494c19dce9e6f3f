"""How often and for how long something is tried again."""

from types import SimpleNamespace

import pytest

from vault.server.stores import s3answers
from vault.server.stores.s3answers import LONGEST, TRIES, TransientError, again


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when somebody sleeps, or is moved."""
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    monkeypatch.setattr(s3answers, "time", clock)
    return clock


class Silent:
    """A service that says nothing for so many seconds, so many times, and does then what it is asked for."""

    def __init__(self, clock, seconds, times):
        self.clock, self.seconds, self.times = clock, seconds, times
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if self.asked > self.times:
            return "done"
        self.clock.sleep(self.seconds)
        raise TransientError("silence")


@pytest.mark.parametrize("times", range(TRIES))
def test_what_fails_at_once_is_tried_again(clock, times):
    service = Silent(clock, 0, times)
    assert again(service) == "done"
    assert service.asked == times + 1


def test_it_ends_after_a_few_times(clock):
    service = Silent(clock, 0, TRIES)
    with pytest.raises(TransientError):
        again(service)
    assert service.asked == TRIES


def test_who_was_silent_for_long_is_not_asked_again(clock):
    service = Silent(clock, LONGEST, 1)
    with pytest.raises(TransientError):
        again(service)
    assert service.asked == 1


def test_what_was_done_in_silence_counts(clock):
    service = Silent(clock, LONGEST, 1)
    assert again(service, unless=lambda: True) is None
    assert service.asked == 1
