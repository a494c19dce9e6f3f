"""A secret shared out k of n, and put together again. Source: SLIP-0039.

Fewer shares than the threshold say nothing about the secret: for every secret there are shares that go with
them.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from keys.errors import MalformedError, ShareError, ShareFlaw
from keys.randomness import random_bytes
from keys.slip39 import cipher
from keys.slip39.field import interpolate
from keys.slip39.phrase import MAX_SHARES, MIN_LENGTH, Share, read_share, write_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_EXPONENT: Final = 1
"""What other programs take; it matters only where there is a passphrase."""

_SECRET_AT: Final = 255
_DIGEST_AT: Final = 254
_DIGEST_LENGTH: Final = 4


def split(
    secret: bytes,
    threshold: int,
    count: int,
    passphrase: bytes = b"",
    *,
    exponent: int = DEFAULT_EXPONENT,
    extendable: bool = True,
) -> list[str]:
    """Return ``count`` shares, any ``threshold`` of which give ``secret``: one group, one phrase for each.

    Args:
        secret: at least 16 bytes, an even number.
        threshold: how many are needed, 2 to ``count``; 1 only where there is one share.
        count: how many are made, at most 16.
        passphrase: printable ASCII, needed beside the shares; there is no telling a wrong one.
        exponent: cost of trying passphrases, 0 to 15: 10,000 · 2^exponent iterations of PBKDF2.
        extendable: whether later sets of the same secret fit the same passphrase under another identifier.

    Raises:
        MalformedError: one of these is otherwise.
    """
    if len(secret) < MIN_LENGTH or len(secret) % 2:
        raise MalformedError(f"a secret of {len(secret)} bytes; at least {MIN_LENGTH}, an even number")
    if not 1 <= threshold <= count <= MAX_SHARES:
        raise MalformedError(
            f"{threshold} of {count} shares; at most {MAX_SHARES}, and not more than are made"
        )
    if threshold == 1 and count > 1:
        raise MalformedError("shares of which one is enough are copies; make one and copy it")
    if not 0 <= exponent < MAX_SHARES:
        raise MalformedError(f"a cost of 2^{exponent}; the exponent is 0 to 15")
    share = Share(
        identifier=int.from_bytes(random_bytes(2), "big") >> 1,
        extendable=extendable,
        exponent=exponent,
        group=0,
        group_threshold=1,
        groups=1,
        place=0,
        threshold=threshold,
        value=b"",
    )
    encrypted = cipher.encrypt(secret, passphrase, exponent=exponent, salt=share.salt)
    return [
        write_share(share._replace(place=place, value=value))
        for place, value in enumerate(_deal(encrypted, threshold, count))
    ]


def combine(phrases: Sequence[str], passphrase: bytes = b"") -> bytes:
    """Return the secret that phrases give; more than are needed must agree with each other.

    Raises:
        ShareError: one is no share, or they do not make a whole; ``flaw`` and ``share`` say what and which.
        MalformedError: the passphrase has other characters than printable ASCII.
    """
    shares = []
    for at, phrase in enumerate(phrases):
        try:
            shares.append(read_share(phrase))
        except ShareError as error:
            raise ShareError(error.flaw, str(error), share=at, word=error.word) from None
    return combine_shares(shares, passphrase)


def combine_shares(shares: Sequence[Share], passphrase: bytes = b"") -> bytes:
    """Return the secret that shares give; see `combine`."""
    if not shares:
        raise ShareError(ShareFlaw.TOO_FEW, "no share was given", needed=1)
    check_together(shares)
    first = shares[0]
    groups: dict[int, dict[int, bytes]] = {}
    for share in shares:
        groups.setdefault(share.group, {})[share.place] = share.value
    thresholds = {share.group: share.threshold for share in shares}
    whole = {}
    for group, points in groups.items():
        if len(points) >= thresholds[group]:
            whole[group] = _gather(points, thresholds[group])
    if len(whole) < first.group_threshold:
        needed = first.group_threshold if first.groups > 1 else first.threshold
        what = "whole groups" if first.groups > 1 else "shares"
        raise ShareError(ShareFlaw.TOO_FEW, f"{needed} {what} are needed", needed=needed)
    encrypted = _gather(whole, first.group_threshold)
    return cipher.decrypt(encrypted, passphrase, exponent=first.exponent, salt=first.salt)


def check_together(shares: Sequence[Share]) -> None:
    """Refuse shares that cannot belong to one whole, before there are enough of them.

    Raises:
        ShareError: ``mixed`` or ``repeated``, with the first share that does not go with those before it.
    """
    thresholds: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    for at, share in enumerate(shares):
        if share.common != shares[0].common or share.threshold != thresholds.setdefault(
            share.group, share.threshold
        ):
            raise ShareError(ShareFlaw.MIXED, f"share {at + 1} is of another set than the first", share=at)
        if (share.group, share.place) in taken:
            raise ShareError(ShareFlaw.REPEATED, f"share {at + 1} was given before", share=at)
        taken.add((share.group, share.place))


def _deal(secret: bytes, threshold: int, count: int) -> list[bytes]:
    """Return the values of ``count`` shares of a secret."""
    if threshold == 1:
        return [secret]
    drawn = {place: random_bytes(len(secret)) for place in range(threshold - 2)}
    beside = random_bytes(len(secret) - _DIGEST_LENGTH)
    fixed = {**drawn, _DIGEST_AT: _digest(beside, secret) + beside, _SECRET_AT: secret}
    return [interpolate(fixed, place) for place in range(count)]


def _gather(points: Mapping[int, bytes], threshold: int) -> bytes:
    """Return the secret of at least ``threshold`` values.

    Raises:
        ShareError: they give nothing that was shared out, or those beyond the threshold say otherwise.
    """
    taken = dict(list(points.items())[:threshold])
    others = {place: value for place, value in points.items() if place not in taken}
    if threshold == 1:
        (secret,) = taken.values()
        agree = all(hmac.compare_digest(secret, value) for value in others.values())
    else:
        secret, beside = interpolate(taken, _SECRET_AT), interpolate(taken, _DIGEST_AT)
        agree = hmac.compare_digest(
            beside[:_DIGEST_LENGTH], _digest(beside[_DIGEST_LENGTH:], secret)
        ) and all(hmac.compare_digest(interpolate(taken, place), value) for place, value in others.items())
    if not agree:
        raise ShareError(ShareFlaw.FORGED, "the shares do not make a whole; one of them is not genuine")
    return secret


def _digest(key: bytes, secret: bytes) -> bytes:
    return hmac.digest(key, secret, hashlib.sha256)[:_DIGEST_LENGTH]
