"""One share, and the words that it is written in. Source: SLIP-0039, "Format of the share mnemonic".

```
identifier 15 bits, extendable 1, exponent 4, group 4, group threshold - 1 4, groups - 1 4,
place 4, threshold - 1 4, value (zero bits first, to a multiple of 10), checksum 30
```
in words of 10 bits. The checksum (RS1024) finds every damage to three words or fewer. Turning words into
numbers and back looks secrets up in a list: whoever can watch the processor's caches at the moment when words
are shown or typed may learn something of that share.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from keys.errors import ShareError, ShareFlaw
from keys.slip39.words import RANKS, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SHARES: Final = 16
"""Of one group, and groups: a place has four bits."""
MIN_LENGTH: Final = 16
"""Least bytes of a secret."""
MAX_WORDS: Final = 512
"""More than any share has; SLIP-0039 names no limit."""

_BITS: Final = 10
_WORD: Final = (1 << _BITS) - 1
_HEAD_WORDS: Final = 4
_CHECKSUM_WORDS: Final = 3
_AROUND: Final = _HEAD_WORDS + _CHECKSUM_WORDS
_MIN_WORDS: Final = _AROUND + -(-8 * MIN_LENGTH // _BITS)
_MAX_PADDING: Final = 8
_VALUE_UNIT: Final = 16
_GENERATOR: Final = (
    *(0xE0E040, 0x1C1C080, 0x3838100, 0x7070200, 0xE0E0009),
    *(0x1C0C2412, 0x38086C24, 0x3090FC48, 0x21B1F890, 0x3F3F120),
)


class Share(NamedTuple):
    """One share of a secret. Whoever has as many as the thresholds say has the secret.

    Attributes:
        identifier: 15 random bits, the same in all shares made together.
        extendable: whether further sets of shares of the same secret may be made under other identifiers.
        exponent: 0 to 15, the cost of a passphrase.
        group, group_threshold, groups: which group, how many of them are needed, and how many there are.
        place: its place in the group, 0 to 15.
        threshold: how many shares of the group are needed.
        value: its part of the secret, as long as the secret.
    """

    identifier: int
    extendable: bool
    exponent: int
    group: int
    group_threshold: int
    groups: int
    place: int
    threshold: int
    value: bytes

    @property
    def salt(self) -> bytes:
        """What stands first in the salts of the encryption (see `cipher`)."""
        return b"" if self.extendable else b"shamir" + self.identifier.to_bytes(2, "big")

    @property
    def common(self) -> tuple[object, ...]:
        """What is the same in all shares of one secret."""
        shape = (self.group_threshold, self.groups, len(self.value))
        return (self.identifier, self.extendable, self.exponent, *shape)

    def __repr__(self) -> str:
        return f"Share({self.place} of group {self.group}, {self.threshold} are needed, value=<redacted>)"


def words_for(length: int) -> int:
    """Return how many words a share of a secret of ``length`` bytes has: 33 for 32 bytes."""
    return _AROUND + -(-8 * length // _BITS)


def unknown_word(words: Iterable[str]) -> int | None:
    """Return which word, from 0, is not in the list; None if all are."""
    return next((at for at, word in enumerate(words) if word.lower() not in RANKS), None)


def write_share(share: Share) -> str:
    """Return the words of a share, a space between them."""
    head = share.identifier << 25 | share.extendable << 24 | share.exponent << 20
    head |= share.group << 16 | share.group_threshold - 1 << 12 | share.groups - 1 << 8
    head |= share.place << 4 | share.threshold - 1
    value_words = words_for(len(share.value)) - _AROUND
    data = [*_ranks(head, _HEAD_WORDS), *_ranks(int.from_bytes(share.value, "big"), value_words)]
    checksum = _remainder(share.extendable, [*data, *[0] * _CHECKSUM_WORDS]) ^ 1
    return " ".join(WORDS[rank] for rank in chain(data, _ranks(checksum, _CHECKSUM_WORDS)))


def read_share(phrase: str) -> Share:
    """Return the share that words stand for; case and white space do not matter.

    Raises:
        ShareError: ``length``, ``word``, ``checksum`` or ``content``.
    """
    words = phrase.lower().split()
    if len(words) > MAX_WORDS:
        raise ShareError(ShareFlaw.LENGTH, f"a share of more than {MAX_WORDS} words")
    unknown = unknown_word(words)
    if unknown is not None:
        raise ShareError(ShareFlaw.WORD, f"word {unknown + 1} is not in the list of SLIP-39", word=unknown)
    value_bits = _BITS * (len(words) - _AROUND)
    padding = value_bits % _VALUE_UNIT
    if len(words) < _MIN_WORDS or padding > _MAX_PADDING:
        raise ShareError(ShareFlaw.LENGTH, f"no share has {len(words)} words")
    ranks = [RANKS[word] for word in words]
    head = _number(ranks[:_HEAD_WORDS])
    extendable = bool(head >> 24 & 1)
    if _remainder(extendable, ranks) != 1:
        raise ShareError(ShareFlaw.CHECKSUM, "the words do not make a share; one is wrong or out of place")
    value = _number(ranks[_HEAD_WORDS:-_CHECKSUM_WORDS])
    share = Share(
        identifier=head >> 25,
        extendable=extendable,
        exponent=head >> 20 & 15,
        group=head >> 16 & 15,
        group_threshold=(head >> 12 & 15) + 1,
        groups=(head >> 8 & 15) + 1,
        place=head >> 4 & 15,
        threshold=(head & 15) + 1,
        value=(value & (1 << value_bits - padding) - 1).to_bytes((value_bits - padding) // 8, "big"),
    )
    if value >> value_bits - padding:
        raise ShareError(ShareFlaw.CONTENT, "the share is not filled up with zeros")
    if share.group_threshold > share.groups:
        raise ShareError(ShareFlaw.CONTENT, "the share asks for more groups than there are")
    return share


def _ranks(number: int, count: int) -> list[int]:
    """Return ``count`` numbers of 10 bits, the highest first."""
    return [number >> _BITS * at & _WORD for at in reversed(range(count))]


def _number(ranks: Iterable[int]) -> int:
    number = 0
    for rank in ranks:
        number = number << _BITS | rank
    return number


def _remainder(extendable: bool, ranks: Sequence[int]) -> int:
    """Return the remainder of the RS1024 code, 30 bits; that of a whole share is 1."""
    remainder = 1
    for value in chain(b"shamir_extendable" if extendable else b"shamir", ranks):
        high = remainder >> 2 * _BITS
        remainder = (remainder & (1 << 2 * _BITS) - 1) << _BITS ^ value
        for bit, term in enumerate(_GENERATOR):
            # A product instead of a branch: the words are secret.
            remainder ^= term * (high >> bit & 1)
    return remainder
