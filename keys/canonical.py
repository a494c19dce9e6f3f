"""Canonical JSON: one byte string for one value, so that what is signed can be read strictly.

A record has exactly its fields, in their order, all of them always; no white space; UTF-8 without BOM;
strings free of control characters, only quotation mark and backslash escaped; integers from 0 to 2^53 - 1;
byte strings in base64url without padding. A decoder checks types strictly, encodes what it read
once more and compares: whatever differs by one byte is malformed. Source: docs/FORMAT.md, "Canonical JSON".
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from keys.errors import LimitError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON implementation carries exactly (RFC 8259, section 6)."""

_FORBIDDEN = re.compile("[\x00-\x1f\x7f]")

T = TypeVar("T")
R = TypeVar("R", bound=tuple[Any, ...])


class Codec(Protocol[T]):
    """How one JSON value is checked: ``dump`` to what ``json`` writes, ``load`` from what it read."""

    def dump(self, value: T, where: str) -> Any:
        """Return the JSON value; raise `MalformedError` where ``value`` may not stand."""

    def load(self, value: Any, where: str) -> T:
        """Return the Python value; raise `MalformedError` where ``value`` may not stand."""


class Text:
    """A string of at most ``maximum`` UTF-8 bytes; with ``pattern`` the whole string must match it."""

    def __init__(self, *, maximum: int, pattern: str | None = None) -> None:
        self._maximum = maximum
        self._pattern = re.compile(pattern) if pattern is not None else None

    def load(self, value: Any, where: str) -> str:
        """Check type, control characters, length and pattern; raise `MalformedError` or `LimitError`."""
        if type(value) is not str:
            raise MalformedError(f"{where}: not a string")
        if _FORBIDDEN.search(value):
            raise MalformedError(f"{where}: contains a control character")
        try:
            length = len(value.encode())
        except UnicodeEncodeError:
            raise MalformedError(f"{where}: not encodable as UTF-8") from None
        if length > self._maximum:
            raise LimitError(f"{where}: {length} bytes, at most {self._maximum} are allowed")
        if self._pattern is not None and not self._pattern.fullmatch(value):
            raise MalformedError(f"{where}: not of the form {self._pattern.pattern}")
        return value

    dump = load


class Constant:
    """One fixed string."""

    def __init__(self, value: str) -> None:
        self._value = value

    def load(self, value: Any, where: str) -> str:
        """Check that it is the constant; raise `MalformedError`."""
        if type(value) is not str or value != self._value:
            raise MalformedError(f'{where}: not "{self._value}"')
        return value

    dump = load


class Choice:
    """One of a few strings."""

    def __init__(self, *values: str) -> None:
        self._values = frozenset(values)

    def load(self, value: Any, where: str) -> str:
        """Check that it is one of the values; raise `MalformedError`."""
        if type(value) is not str or value not in self._values:
            raise MalformedError(f"{where}: not one of {', '.join(sorted(self._values))}")
        return value

    dump = load


class Integer:
    """A whole number from ``minimum`` to ``maximum``, both included; booleans are not numbers."""

    def __init__(self, *, minimum: int = 0, maximum: int = MAX_INTEGER) -> None:
        self._minimum = minimum
        self._maximum = maximum

    def load(self, value: Any, where: str) -> int:
        """Check type and range; raise `MalformedError`."""
        if type(value) is not int:
            raise MalformedError(f"{where}: not a whole number")
        if not self._minimum <= value <= self._maximum:
            raise MalformedError(f"{where}: not between {self._minimum} and {self._maximum}")
        return value

    dump = load


class Flag:
    """``true`` or ``false``."""

    def load(self, value: Any, where: str) -> bool:
        """Check that it is a boolean; raise `MalformedError`."""
        if type(value) is not bool:
            raise MalformedError(f"{where}: not true or false")
        return value

    dump = load


class Binary:
    """Exactly ``length`` bytes in unpadded base64url (RFC 4648, section 5); or none, if ``optional``."""

    def __init__(self, length: int, *, optional: bool = False) -> None:
        self._length = length
        self._optional = optional

    def _check(self, value: bytes, where: str) -> None:
        if len(value) != self._length and not (self._optional and not value):
            raise MalformedError(f"{where}: {len(value)} bytes instead of {self._length}")

    def dump(self, value: bytes, where: str) -> str:
        """Encode; raise `MalformedError` on a wrong length."""
        self._check(value, where)
        return encode_binary(value)

    def load(self, value: Any, where: str) -> bytes:
        """Decode; raise `MalformedError` on a wrong type, alphabet or length."""
        data = _read_base64url(value, where)
        self._check(data, where)
        return data


class Blob:
    """Bytes of any length up to ``maximum``, in unpadded base64url; none are written as ``""``."""

    def __init__(self, *, maximum: int) -> None:
        self._maximum = maximum

    def dump(self, value: bytes, where: str) -> str:
        """Encode; raise `LimitError` on too many bytes."""
        self._check(value, where)
        return encode_binary(value)

    def load(self, value: Any, where: str) -> bytes:
        """Decode; raise `MalformedError` on a wrong type or alphabet, `LimitError` on too many bytes."""
        data = _read_base64url(value, where)
        self._check(data, where)
        return data

    def _check(self, value: bytes, where: str) -> None:
        if len(value) > self._maximum:
            raise LimitError(f"{where}: {len(value)} bytes, at most {self._maximum} are allowed")


class Optional(Generic[T]):
    """A value, or ``""`` in its place: what is absent is written too. None in Python."""

    def __init__(self, present: Codec[T]) -> None:
        self._present = present

    def dump(self, value: T | None, where: str) -> Any:
        """Dump the value or ``""``; raise `MalformedError`."""
        return "" if value is None else self._present.dump(value, where)

    def load(self, value: Any, where: str) -> T | None:
        """Load the value or None; raise `MalformedError`."""
        return None if value == "" else self._present.load(value, where)


class Sequence(Generic[T]):
    """A list of ``minimum`` to ``maximum`` items of one kind; a tuple in Python."""

    def __init__(self, item: Codec[T], *, minimum: int = 0, maximum: int) -> None:
        self._item = item
        self._minimum = minimum
        self._maximum = maximum

    def _check(self, value: list[Any] | tuple[Any, ...], where: str) -> None:
        if len(value) < self._minimum:
            raise MalformedError(f"{where}: {len(value)} items, at least {self._minimum} are needed")
        if len(value) > self._maximum:
            raise LimitError(f"{where}: {len(value)} items, at most {self._maximum} are allowed")

    def dump(self, value: tuple[T, ...], where: str) -> list[Any]:
        """Dump every item; raise `MalformedError`, or `LimitError` on too many."""
        self._check(value, where)
        return [self._item.dump(item, f"{where}[{index}]") for index, item in enumerate(value)]

    def load(self, value: Any, where: str) -> tuple[T, ...]:
        """Load every item; raise `MalformedError`, or `LimitError` on too many."""
        if type(value) is not list:
            raise MalformedError(f"{where}: not a list")
        self._check(value, where)
        return tuple(self._item.load(item, f"{where}[{index}]") for index, item in enumerate(value))


class Record(Generic[R]):
    """A JSON object with exactly these fields in this order; a named tuple ``kind`` in Python.

    ``renamed`` gives the attribute of a field whose name Python reserves: ``{"from": "valid_from"}``.
    """

    def __init__(
        self, kind: type[R], renamed: Mapping[str, str] | None = None, /, **fields: Codec[Any]
    ) -> None:
        self.kind = kind
        self._fields = fields
        self._attributes = {name: (renamed or {}).get(name, name) for name in fields}

    def dump(self, value: R, where: str = "") -> dict[str, Any]:
        """Dump every field in order; raise `MalformedError`."""
        return {
            name: codec.dump(getattr(value, self._attributes[name]), f"{where}.{name}" if where else name)
            for name, codec in self._fields.items()
        }

    def load(self, value: Any, where: str = "") -> R:
        """Load every field; raise `MalformedError` where one is missing, unknown or wrong."""
        if type(value) is not dict:
            raise MalformedError(f"{where or 'document'}: not an object")
        if value.keys() != self._fields.keys():
            # Missing fields are named; unknown ones are not: their names are the sender's words.
            missing = ", ".join(name for name in self._fields if name not in value)
            what = f"no {missing}" if missing else "an unknown field"
            raise MalformedError(f"{where or 'document'}: {what}")
        return self.kind(
            **{
                self._attributes[name]: codec.load(value[name], f"{where}.{name}" if where else name)
                for name, codec in self._fields.items()
            }
        )


class Union:
    """Records told apart by the string in their field ``tag``."""

    def __init__(self, tag: str, **records: Record[Any]) -> None:
        self._tag = tag
        self._records = records

    def dump(self, value: Any, where: str) -> dict[str, Any]:
        """Dump by the tag's record; raise `MalformedError` on an unknown tag."""
        return self._pick(getattr(value, self._tag), where).dump(value, where)

    def load(self, value: Any, where: str) -> Any:
        """Load by the tag's record; raise `MalformedError` on an unknown tag."""
        if type(value) is not dict:
            raise MalformedError(f"{where}: not an object")
        return self._pick(value.get(self._tag), where).load(value, where)

    def _pick(self, tag: Any, where: str) -> Record[Any]:
        if type(tag) is not str or tag not in self._records:
            raise MalformedError(f"{where}.{self._tag}: not one of {', '.join(sorted(self._records))}")
        return self._records[tag]


def _read_base64url(value: Any, where: str) -> bytes:
    """Return the bytes; a second spelling of them is left to the comparison that `decode` makes."""
    if type(value) is not str:
        raise MalformedError(f"{where}: not a string")
    try:
        return urlsafe_b64decode(value.encode("ascii") + b"=" * (-len(value) % 4))
    except (UnicodeEncodeError, Base64Error, ValueError):
        raise MalformedError(f"{where}: not base64url") from None


def encode_binary(value: bytes) -> str:
    """Return ``value`` in base64url without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode_binary(value: str, length: int, where: str = "value") -> bytes:
    """Return the ``length`` bytes that base64url text stands for, refusing any second spelling of them.

    Raises:
        MalformedError: wrong alphabet, padding, length or stray bits.
    """
    data = Binary(length).load(value, where)
    if encode_binary(data) != value:
        raise MalformedError(f"{where}: not canonical base64url")
    return data


def encode(codec: Codec[T], value: T) -> bytes:
    """Return the one canonical encoding of ``value``.

    Raises:
        MalformedError: ``value`` does not fit the codec.
    """
    document = codec.dump(value, "")
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def decode(codec: Codec[T], data: bytes, *, maximum: int) -> T:
    """Return the value that ``data`` encodes, if ``data`` is its canonical encoding.

    Args:
        codec: what the document must look like.
        data: the bytes as stored.
        maximum: largest accepted length in bytes, checked before anything is parsed.

    Raises:
        LimitError: the document, one of its strings or lists is longer than allowed.
        MalformedError: not UTF-8, not JSON, not this document, or spelled otherwise.
    """
    if len(data) > maximum:
        raise LimitError(f"{len(data)} bytes, at most {maximum} are allowed")
    try:
        document = json.loads(data.decode("utf-8"), parse_float=_refuse_number, parse_constant=_refuse_number)
    except (ValueError, RecursionError):
        # The parser's own words may quote the input; they are not passed on.
        raise MalformedError("not JSON in UTF-8") from None
    value = codec.load(document, "")
    if encode(codec, value) != data:
        raise MalformedError("not in canonical form")
    return value


def _refuse_number(_: str) -> Any:
    raise ValueError("only whole numbers are used")
