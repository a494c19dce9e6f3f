"""What an S3 service answers when it does not say yes, and what may be tried again then."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vault.server.ports import (
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

TRIES: Final = 3
PAUSE: Final = 0.2
"""Seconds before the second try; twice as long before each one after it."""

LONGEST: Final = 30.0
"""Seconds after which nothing is tried again: a service that was silent so long has its callers waiting."""

_FULL_CODES: Final = frozenset(
    {
        "EntityTooLarge",
        "InsufficientCapacity",
        "InsufficientStorage",
        "QuotaExceeded",
        "ServiceQuotaExceeded",
        "StorageFull",
        "XMinioAdminBucketQuotaExceeded",
        "XMinioStorageFull",
    }
)
_DAMAGE_CODES: Final = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidRange"})
_TRANSIENT_CODES: Final = frozenset(
    {"BadDigest", "IncompleteBody", "InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
)
_NO_ROOM: Final = 507
_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})

_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")
_PARTIAL: Final = 206


class TransientError(StoreUnavailableError):
    """It may work if tried again; whether it was done is not known."""


class BucketMissingError(StoreUnavailableError):
    """The service has no such bucket."""


def again(work: Callable[[], T], *, unless: Callable[[], bool] | None = None) -> T | Any:
    """Do what is safe to do again until it works, a few times and not for long.

    Args:
        work: what is to be done.
        unless: asked before each further try whether it was done after all; then None is returned.

    Raises:
        StoreError: what the last try raised.
    """
    began = time.monotonic()
    for number in range(TRIES):
        try:
            return work()
        except TransientError:
            if number == TRIES - 1 or time.monotonic() - began >= LONGEST:
                if unless is not None and unless():
                    return None
                raise
            time.sleep(PAUSE * 2**number)
            if unless is not None and unless():
                return None
    raise AssertionError  # the loop always ends above


def named(code: str, status: int) -> StoreError:
    """Return the error for what S3 calls ``code``, empty where it gave none, and HTTP ``status``."""
    if status == _NO_ROOM or code in _FULL_CODES:
        return StoreFullError("the object store is full")
    if code in {"NoSuchKey", "NoSuchUpload", "NoSuchVersion"}:
        return ObjectNotFoundError("there is no such object")
    if code == "NoSuchBucket":
        return BucketMissingError("the object store has no such bucket")
    if code in _DAMAGE_CODES:
        return ObjectDamagedError("the object ends before the range, or a part of it is missing")
    if code in _TRANSIENT_CODES or status in _TRANSIENT:
        return TransientError("the object store refuses to work now")
    # What else it says is named by its code alone, and only where that is a word.
    reason = code if code.isascii() and code.isalpha() else str(status)
    return StoreUnavailableError(f"the object store refused: {reason}")


def extent(status: int, headers: Mapping[str, str], offset: int, length: int | None) -> tuple[int, int]:
    """Return how many bytes come, and how many the whole object has; refuse another range than asked for."""
    if offset == 0 and length is None:
        total = numbered(headers.get("content-length"))
        return total, total
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if status != _PARTIAL or found is None:
        raise StoreUnavailableError("the object store does not answer to ranges")
    first, last, total = map(int, found.groups())
    if first != offset or last < first or (length is None and last + 1 != total):
        raise StoreUnavailableError("the object store answered with another range")
    if length is not None and last - first + 1 != length:
        raise ObjectDamagedError("the object ends before the range")
    return last - first + 1, total


def numbered(text: str | None) -> int:
    """Return a length that a header holds."""
    if text is None or not (text.isascii() and text.isdigit()):
        raise TransientError("the object store does not say how long the object is")
    return int(text)
