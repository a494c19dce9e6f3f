"""All ways to spell a canonical document wrongly: every one of them must be ``malformed``.

`spoilt` takes a right document and gives named variants, each with one mistake. Mistakes of form only: what a
number or a length may be is each document's own business.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.vault.container.spec import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.vault.container.forge import Document

    Place = tuple[str | int, ...]

ALIEN: Final[tuple[Any, ...]] = (None, True, False, 1.0, 1.5, {}, [], [0], {"a": 0}, "x\x00", "\x1f", "\x7f")
"""Values that stand nowhere in any of our documents."""


class Raw:
    """JSON text that is put in as it is."""

    def __init__(self, text: str) -> None:
        self.text = text


def spoilt(document: Document, *, lists: bool = True) -> Iterator[tuple[str, bytes]]:
    """Yield (what is wrong, bytes), for the document as a whole, each object and each value in it."""
    yield from _wrong_as_a_whole(canonical(document))
    for place, value in _walk(document):
        name = "/".join(map(str, place)) or "document"
        if isinstance(value, dict):
            for what, text in _wrong_objects(value):
                yield f"{name}: {what}", _encode(document, place, Raw(text))
        elif isinstance(value, list):
            if lists:
                for alien in ("", 0, {}, None, [[]], [None], {"0": 0}):
                    yield f"{name}: {alien!r} instead of a list", _encode(document, place, alien)
        else:
            for what, wrong in _wrong_values(value):
                yield f"{name}: {what}", _encode(document, place, wrong)


def changed(document: Document, place: Place, value: Any) -> bytes:
    """Return the document with another value, or `Raw` text, in one place."""
    return _encode(document, place, value)


def _wrong_as_a_whole(right: bytes) -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "byte order mark", b"\xef\xbb\xbf" + right
    yield "UTF-16", right.decode().encode("utf-16")
    yield "space before", b" " + right
    yield "line end after", right + b"\n"
    yield "zero byte after", right + b"\x00"
    yield "two documents", right + right
    yield "in a list", b"[" + right + b"]"
    yield "unclosed", right[:-1]
    yield "closed twice", right + b"}"
    yield "trailing comma", right[:-1] + b",}"
    yield "comment", right + b"//"
    yield "not UTF-8", right.replace(b'":', b'\xff":', 1)
    yield "overlong UTF-8", right.replace(b'":', b"\xc0\xa2:", 1)
    yield "nested deeply", b'{"a":' * 5000 + b"0" + b"}" * 5000
    yield "lists nested deeply", b"[" * 50_000
    for scalar in (b"null", b"true", b"0", b'""', b"{}", b"[]"):
        yield f"only {scalar!r}", scalar


def _wrong_objects(value: Document) -> Iterator[tuple[str, str]]:
    members = [f"{json.dumps(key)}:{_text(item)}" for key, item in value.items()]
    for index, key in enumerate(value):
        rest = members[:index] + members[index + 1 :]
        yield f"without {key}", _object(rest)
        yield f"{key} twice", _object([*members, members[index]])
        yield f"{key} twice, first another", _object([f'"{key}":0', *members])
        yield (
            f"{key} in capitals",
            _object([*members[:index], members[index].replace(key, key.upper(), 1), *rest[index:]]),
        )
        yield (
            f"{key} escaped",
            _object(
                [
                    *members[:index],
                    members[index].replace(key[0], f"\\u{ord(key[0]):04x}", 1),
                    *rest[index:],
                ]
            ),
        )
        yield (
            f"{key} last",
            _object([*rest, members[index]]) if rest[index:] else _object([members[index], *rest]),
        )
    yield "one more field", _object([*members, '"more":0'])
    yield "one more field, first", _object(['"":""', *members])
    yield "white space", "{ " + ",".join(members) + "}"
    yield "white space between", "{" + ", ".join(members) + "}"
    yield "a list of values", "[" + ",".join(member.split(":", 1)[1] for member in members) + "]"


def _wrong_values(value: str | int) -> Iterator[tuple[str, Any]]:
    for alien in ALIEN:
        yield f"{alien!r}", alien
    if isinstance(value, int):
        yield "as a string", str(value)
        for what, text in (
            ("negative", "-1"),
            ("minus zero", "-0"),
            ("leading zero", f"0{value}"),
            ("plus sign", f"+{value}"),
            ("as a fraction", f"{value}.0"),
            ("with an exponent", f"{value}e0"),
            ("hexadecimal", hex(value)),
            ("2^53", str(2**53)),
            ("2^64", str(2**64)),
            ("5000 digits", "9" * 5000),
            ("not a number", "NaN"),
            ("infinite", "Infinity"),
        ):
            yield what, Raw(text)
    else:
        yield "as a number", 7
        yield "lone surrogate", Raw('"\\ud800"')
        yield "invalid escape", Raw('"\\x41"')
        if value:
            first = f'"\\u{ord(value[0]):04x}'
            yield "escaped without need", Raw(first + canonical(value).decode()[2:])
            yield "in single quotes", Raw(f"'{value}'")
            yield "escaped slash", Raw(canonical(value).decode()[:-1] + '\\/"')


def wrong_binary(right: str) -> Iterator[tuple[str, str]]:
    """Yield what is not unpadded base64url of the same number of bytes as ``right``."""
    yield "one character more", right + "A"
    yield "one byte more", right + "AA"
    yield "one character less", right[:-1]
    yield "four characters less", right[:-4]
    yield "padded", right + "=" * (-len(right) % 4 or 4)
    yield "white space", right[:8] + " " + right[8:]
    yield "line end", right[:8] + right[8:] + "\n"
    yield "standard alphabet +", "+" + right[1:]
    yield "standard alphabet /", "/" + right[1:]
    yield "not base64", "*" + right[1:]
    yield "not ASCII", "é" + right[1:]
    if len(right) % 4:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        yield "stray bits", right[:-1] + alphabet[alphabet.index(right[-1]) ^ 1]


def _walk(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    yield place, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*place, index))


def _encode(document: Any, place: Place, value: Any) -> bytes:
    return _text(document, place, value).encode("utf-8", "surrogatepass")


def _text(document: Any, place: Place | None = None, value: Any = None) -> str:
    """Return canonical JSON, with ``value`` at ``place``; control characters in strings stand raw."""
    if place == ():
        return _text(value)
    if isinstance(document, Raw):
        return document.text

    def below(key: str | int) -> Place | None:
        return place[1:] if place and place[0] == key else None

    if isinstance(document, dict):
        members = (f"{json.dumps(key)}:{_text(item, below(key), value)}" for key, item in document.items())
        return _object(list(members))
    if isinstance(document, list):
        return "[" + ",".join(_text(item, below(i), value) for i, item in enumerate(document)) + "]"
    if isinstance(document, str):
        return '"' + document.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return json.dumps(document)


def _object(members: list[str]) -> str:
    return "{" + ",".join(members) + "}"


def each(
    document: Document, wrong: Callable[[Any], Iterator[tuple[str, Any]]], *places: Place
) -> Iterator[tuple[str, bytes]]:
    """Yield the variants of ``wrong`` for the values at these places."""
    for place in places:
        value: Any = document
        for key in place:
            value = value[key]
        for what, bad in wrong(value):
            yield f"{'/'.join(map(str, place))}: {what}", changed(document, place, bad)
