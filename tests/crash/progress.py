"""How far a long run is: for whoever watches it, or reads its log."""

import sys
import time

SECONDS = 30
"""Between two lines of progress in a log."""


class Progress:
    """One line that changes; where nobody watches, a line now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, line: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{line}")
        elif time.monotonic() >= self._next:
            sys.stderr.write(line + "\n")
            self._next = time.monotonic() + SECONDS
        sys.stderr.flush()
