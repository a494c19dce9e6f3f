"""One value, one spelling: every other spelling of a document is refused."""

import base64
import json
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.canonical import (
    MAX_INTEGER,
    Binary,
    Blob,
    Choice,
    Constant,
    Flag,
    Integer,
    Optional,
    Record,
    Sequence,
    Text,
    Union,
    decode,
    decode_binary,
    encode,
    encode_binary,
)
from keys.errors import KeyMaterialError, LimitError, MalformedError

ROOM = 65_536


class Inner(NamedTuple):
    flag: bool
    items: tuple[int, ...]


class Outer(NamedTuple):
    name: str
    count: int
    data: bytes
    inner: Inner
    since: int
    blob: bytes = b""
    maybe: Inner | None = None


INNER = Record(Inner, flag=Flag(), items=Sequence(Integer(), maximum=3))
OUTER = Record(
    Outer,
    {"from": "since"},
    name=Text(maximum=20),
    count=Integer(),
    data=Binary(4),
    inner=INNER,
    **{"from": Integer()},
    blob=Blob(maximum=5),
    maybe=Optional(INNER),
)
VALUE = Outer('é"\\/', 7, b"\x00\xff\xfe\xfd", Inner(flag=True, items=(1, 2)), 3)
GOOD = encode(OUTER, VALUE)


def refuse(data, codec=OUTER, error=MalformedError):
    with pytest.raises(error) as caught:
        decode(codec, data, maximum=ROOM)
    return str(caught.value)


def test_bytes_are_exactly_these():
    text = (
        '{"name":"é\\"\\\\/","count":7,"data":"AP_-_Q","inner":{"flag":true,"items":[1,2]},'
        '"from":3,"blob":"","maybe":""}'
    )
    assert GOOD.decode() == text


def test_round_trip():
    assert decode(OUTER, GOOD, maximum=len(GOOD)) == VALUE


def test_what_is_optional_can_be_there():
    value = VALUE._replace(maybe=Inner(flag=False, items=()))
    assert decode(OUTER, encode(OUTER, value), maximum=ROOM) == value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"count":7', b'"count":7,"count":7'),
        (b'"count":7', b'"count":6,"count":7'),
        (b'"count":7,"data":"AP_-_Q"', b'"data":"AP_-_Q","count":7'),
        (b'"count":7', b'"count": 7'),
        (b'"count":7', b'"count":\n7'),
        (b'"count":7', b'"count":7.0'),
        (b'"count":7', b'"count":7e0'),
        (b'"count":7', b'"count":1e3'),
        (b'"count":7', b'"count":1E400'),
        (b'"count":7', b'"count":-0'),
        (b'"count":7', b'"count":-7'),
        (b'"count":7', b'"count":07'),
        (b'"count":7', b'"count":+7'),
        (b'"count":7', b'"count":"7"'),
        (b'"count":7', b'"count":true'),
        (b'"count":7', b'"count":null'),
        (b'"count":7', b'"count":NaN'),
        (b'"count":7', b'"count":Infinity'),
        (b'"count":7', b'"count":-Infinity'),
        (b'"count":7', b'"count":9007199254740992'),
        (b'"count":7', b'"count":' + b"9" * 5000),
        (b'"count":7', b'"count":[7]'),
        (b'"count":7', b'"Count":7'),
        (b'"count":7,', b""),
        (b'"count":7', b'"count":7,"other":1'),
        (b'"from":3', b'"since":3'),
        ("é".encode(), b"\\u00e9"),
        ("é".encode(), b"e\\u0301"),
        ("é".encode(), b"\\ud800"),
        ("é".encode(), b"\xed\xa0\x80"),
        ("é".encode(), b"\xe9"),
        ("é".encode(), b"\\u0000"),
        ("é".encode(), b"\x01"),
        ("é".encode(), b"\x7f"),
        ("é".encode(), b"\\n"),
        (b"\\\\/", b"\\\\\\/"),
        (b'\\"', b"\\u0022"),
        (b'"AP_-_Q"', b'"AP_-_Q=="'),
        (b'"AP_-_Q"', b'"AP/+/Q"'),
        (b'"AP_-_Q"', b'"AP_-_R"'),
        (b'"AP_-_Q"', b'"AP_-_"'),
        (b'"AP_-_Q"', b'"AP_-_QA"'),
        (b'"AP_-_Q"', b'"AP_-_ Q"'),
        (b'"AP_-_Q"', b'"AP_-_Q\\u00e9"'),
        (b'"AP_-_Q"', b'""'),
        (b'"AP_-_Q"', b"4"),
        (b'"blob":""', b'"blob":"A"'),
        (b'"blob":""', b'"blob":"AA="'),
        (b'"blob":""', b'"blob":"AB"'),
        (b'"blob":""', b'"blob":0'),
        (b'"maybe":""', b'"maybe":null'),
        (b'"maybe":""', b'"maybe":{}'),
        (b'"maybe":""', b'"maybe":0'),
        (b'"maybe":""', b'"maybe":false'),
        (b"[1,2]", b"[1,2,]"),
        (b"[1,2]", b"[1,[2]]"),
        (b"[1,2]", b"{}"),
        (b"[1,2]", b'"12"'),
        (b"true", b"1"),
        (b"true", b'"true"'),
        (b"true", b"True"),
    ],
)
def test_another_spelling_is_malformed(old, new):
    assert GOOD.count(old) == 1
    refuse(GOOD.replace(old, new))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'""',
        b"{",
        b"\xef\xbb\xbf" + GOOD,
        GOOD + b"\n",
        b" " + GOOD,
        GOOD + b"{}",
        GOOD + b"\x00",
        GOOD.decode().encode("utf-16"),
        GOOD.replace(b"}", b",}"),
        b"[" * 30_000 + b"]" * 30_000,
        b'{"name":' * 7_000 + b"1" + b"}" * 7_000,
    ],
)
def test_another_document_is_malformed(data):
    refuse(data)


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), how=st.sampled_from("xid"))
def test_a_changed_byte_never_reads_as_the_same_value(position, byte, how):
    tail = {"x": 1, "i": 0, "d": 1}[how]
    middle = b"" if how == "d" else bytes([byte])
    data = GOOD[:position] + middle + GOOD[position + tail :]
    if data == GOOD:
        return
    try:
        value = decode(OUTER, data, maximum=ROOM)
    except KeyMaterialError:
        return
    assert value != VALUE
    assert encode(OUTER, value) == data


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_whatever_json_says_the_answer_is_typed(value):
    data = json.dumps(value, ensure_ascii=True).encode()
    for codec in (OUTER, INNER, Sequence(Text(maximum=9), maximum=4), Optional(Blob(maximum=4))):
        try:
            read = decode(codec, data, maximum=ROOM)
        except KeyMaterialError:
            continue
        assert encode(codec, read) == data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_the_bytes_the_answer_is_typed(data):
    with pytest.raises(KeyMaterialError):
        decode(OUTER, data, maximum=ROOM)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40), st.integers(0, MAX_INTEGER))
def test_every_text_and_number_returns(text, number):
    class Pair(NamedTuple):
        text: str
        number: int

    codec = Record(Pair, text=Text(maximum=200), number=Integer())
    value = Pair(text, number)
    assert decode(codec, encode(codec, value), maximum=ROOM) == value


def test_length_is_looked_at_first():
    with pytest.raises(LimitError):
        decode(OUTER, GOOD, maximum=len(GOOD) - 1)
    with pytest.raises(LimitError):
        decode(OUTER, b"[" * 100, maximum=99)


def test_too_long_is_a_limit():
    assert "name" in refuse(GOOD.replace("é".encode(), b"a" * 21), error=LimitError)
    refuse(GOOD.replace(b"[1,2]", b"[1,2,3,4]"), error=LimitError)
    refuse(GOOD.replace(b'"blob":""', b'"blob":"AAAAAAAA"'), error=LimitError)


def test_where_it_went_wrong_is_said():
    assert refuse(GOOD.replace(b"true", b"1")).startswith("inner.flag:")
    assert refuse(GOOD.replace(b"[1,2]", b'[1,"2"]')).startswith("inner.items[1]:")
    assert "no count" in refuse(GOOD.replace(b'"count":7,', b""))


def test_foreign_names_are_not_repeated():
    text = refuse(GOOD.replace(b'"count":7', b'"count":7,"\\u009b31m\\ud800secret":1'))
    assert text == "document: an unknown field"


def test_foreign_values_are_not_repeated():
    for old, new in ((b'"count":7', b'"count":987654321987654321'), (b"true", b'"hunter2"')):
        assert new.split(b":")[-1].strip(b'"').decode() not in refuse(GOOD.replace(old, new))
    assert "hunter2" not in refuse(b'{"hunter2"')


@pytest.mark.parametrize(
    "value",
    [
        VALUE._replace(count=-1),
        VALUE._replace(count=MAX_INTEGER + 1),
        VALUE._replace(count=True),
        VALUE._replace(count=7.0),
        VALUE._replace(data=b"abc"),
        VALUE._replace(name="a\x00"),
        VALUE._replace(name="\ud800"),
        VALUE._replace(name=b"bytes"),
        VALUE._replace(inner=Inner(flag=1, items=())),
    ],
)
def test_what_may_not_stand_is_not_written(value):
    with pytest.raises(MalformedError):
        encode(OUTER, value)


def test_too_much_is_not_written():
    for value in (
        VALUE._replace(name="a" * 21),
        VALUE._replace(blob=b"123456"),
        VALUE._replace(inner=Inner(flag=True, items=(1, 2, 3, 4))),
    ):
        with pytest.raises(LimitError):
            encode(OUTER, value)


def test_a_pattern_holds_from_end_to_end():
    codec = Text(maximum=10, pattern="[a-z]+")
    assert decode(codec, b'"abc"', maximum=ROOM) == "abc"
    for bad in (b'""', b'"abc "', b'"1abc"', b'"abC"', '"ab\u0430"'.encode()):
        refuse(bad, codec)


def test_a_text_is_measured_in_bytes():
    codec = Text(maximum=3)
    assert decode(codec, '"éa"'.encode(), maximum=ROOM) == "éa"
    refuse('"éé"'.encode(), codec, LimitError)


def test_a_minimum_number_of_items():
    codec = Sequence(Integer(), minimum=1, maximum=2)
    refuse(b"[]", codec)
    with pytest.raises(MalformedError):
        encode(codec, ())


def test_constants_and_choices():
    assert decode(Constant("x"), b'"x"', maximum=ROOM) == "x"
    assert decode(Choice("x", "y"), b'"y"', maximum=ROOM) == "y"
    for bad in (b'"z"', b'"X"', b"1", b'["x"]', b"null"):
        refuse(bad, Constant("x"))
        refuse(bad, Choice("x", "y"))


class Cat(NamedTuple):
    lives: int
    type: str = "cat"


class Dog(NamedTuple):
    name: str
    type: str = "dog"


PET = Union(
    "type",
    cat=Record(Cat, type=Constant("cat"), lives=Integer()),
    dog=Record(Dog, type=Constant("dog"), name=Text(maximum=9)),
)


def test_a_union_is_told_apart_by_its_tag():
    for value in (Cat(9), Dog("Rex")):
        assert decode(PET, encode(PET, value), maximum=ROOM) == value
    for bad in (
        b'{"type":"cow"}',
        b'{"lives":9}',
        b'{"type":"dog","lives":9}',
        b'{"type":["cat"],"lives":9}',
        b"[]",
        b'{"lives":9,"type":"cat"}',
    ):
        refuse(bad, PET)


def test_base64url_has_one_spelling():
    assert encode_binary(b"\xfb\xff") == "-_8"
    assert decode_binary("-_8", 2) == b"\xfb\xff"
    for bad in ("-_9", "-_8=", "+/8", "-_8A", "-_", "-_8\n", "é_8", "", "-*_8"):
        with pytest.raises(MalformedError):
            decode_binary(bad, 2)
    with pytest.raises(MalformedError):
        decode_binary(5, 2)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=50))
def test_base64url_is_that_of_the_standard_library(data):
    text = encode_binary(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert decode_binary(text, len(data)) == data


def test_none_where_bytes_are_optional():
    codec = Binary(4, optional=True)
    assert decode(codec, b'""', maximum=ROOM) == b""
    assert decode(codec, b'"AAAAAA"', maximum=ROOM) == bytes(4)
    refuse(b'"AAAA"', codec)
