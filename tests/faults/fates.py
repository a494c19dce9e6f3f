"""What befalls the n-th call to an engine, and the counting of calls."""

from enum import StrEnum


class Fate(StrEnum):
    """What befalls a call; the last three befall every call from there on."""

    RESET = "reset"
    LOST = "lost"
    TORN = "torn"
    HUNG = "hung"
    LATE = "late"
    SLOW = "slow"
    ERROR = "error"
    BUSY = "busy"
    GONE = "gone"
    FROZEN = "frozen"
    REFUSING = "refusing"


MEANING = {
    Fate.RESET: "the connection is reset, the engine hears nothing",
    Fate.LOST: "it is done, the connection is reset before the answer",
    Fate.TORN: "it is done, half of the answer arrives",
    Fate.HUNG: "the connection is silent until the server gives it up, the engine hears nothing",
    Fate.LATE: "it hangs until the server has given it up, and then is done",
    Fate.SLOW: "it takes its time",
    Fate.ERROR: "the engine says that it failed: HTTP 500, SQLSTATE 53200",
    Fate.BUSY: "the engine says that it cannot now: HTTP 503, SQLSTATE 57P01 or 53300",
    Fate.GONE: "every connection is reset from there on",
    Fate.FROZEN: "every connection hangs from there on",
    Fate.REFUSING: "the engine says from there on that it cannot",
}

_ONCE = {Fate.GONE: Fate.RESET, Fate.FROZEN: Fate.HUNG, Fate.REFUSING: Fate.BUSY}
"""What each single call meets where every one does."""


class Switch:
    """Counts calls, and says what befalls which: one for all connections through a proxy.

    Attributes:
        calls: how many there were since it was last set.
        struck: whether the call came that it was set for.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.struck = False
        self._fate: Fate | None = None
        self._number = 0

    def set(self, fate: Fate | None, number: int = 0) -> None:
        """Count from the next call on, and let ``fate`` befall the one with this number, from 1."""
        self.calls, self.struck = 0, False
        self._fate, self._number = fate, number

    def call(self) -> Fate | None:
        """Count a call, and return what befalls it."""
        self.calls += 1
        if self._fate is None or self.calls < self._number:
            return None
        if self._fate not in _ONCE:
            if self.calls > self._number:
                return None
            self.struck = True
            return self._fate
        self.struck = True
        return _ONCE[self._fate]
