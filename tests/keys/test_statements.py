"""Statements as they are signed, carried and read: one context per kind, one spelling, one issuer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.canonical import encode
from keys.derivation import digest
from keys.errors import (
    KeyMaterialError,
    LimitError,
    MalformedError,
    Refusal,
    SignatureError,
    StatementError,
)
from keys.forms import CODECS
from keys.kinds import Habilitation, Mandate, Succession, Withdrawal
from keys.statements import (
    MAX_CARRIED,
    MAX_STATEMENT,
    Signed,
    decode_signed,
    encode_signed,
    lasting,
    momentary,
    read_unjudged,
    sign_statement,
)
from tests.keys.people import NOW, fields, key, person, say, sign

ALL = tuple(CODECS)
MANDATE = say(Mandate, "portal")
KEY = person("portal").signing
CUT = 3309


def issuer_of(kind):
    return "ann" if kind is Succession else "authority"


def signed_bytes(data, context="scelle/1 mandate", key=KEY):
    return Signed(data, key.sign(data, context=context))


def refused(signed, error, kind=Mandate):
    with pytest.raises(error) as caught:
        read_unjudged(signed, kind)
    return caught.value


def test_a_statement_returns():
    assert read_unjudged(MANDATE, Mandate) == fields(Mandate, "portal")


def test_its_id_is_that_of_its_bytes():
    assert MANDATE.id == digest("scelle/1 statement", MANDATE.statement)
    again = say(Mandate, "portal")
    assert again.signature != MANDATE.signature
    assert again.id == MANDATE.id


@pytest.mark.parametrize("kind", ALL)
def test_the_context_is_that_of_the_kind(kind):
    signed = say(kind, issuer_of(kind))
    name = json.loads(signed.statement)["kind"]
    key = person(issuer_of(kind)).signing
    read_unjudged(signed_bytes(signed.statement, f"scelle/1 {name}", key), kind)
    for other in {"", "scelle/1 ", "scelle/1 possession", "scelle/1 sign-in", "scelle/1 seal", name} | {
        f"scelle/1 {each._field_defaults['kind']}" for each in ALL if each is not kind
    }:
        refused(signed_bytes(signed.statement, other, key), SignatureError, kind)


@pytest.mark.parametrize("asked", ALL)
@pytest.mark.parametrize("given_kind", ALL)
def test_one_kind_is_not_taken_for_another(asked, given_kind):
    signed = say(given_kind, issuer_of(given_kind))
    if asked is given_kind:
        read_unjudged(signed, asked)
    else:
        assert refused(signed, StatementError, asked).reason is Refusal.WRONG_KIND


def test_a_document_that_calls_itself_another_kind():
    data = MANDATE.statement.replace(b'"kind":"mandate"', b'"kind":"grant"')
    refused(signed_bytes(data), StatementError)
    refused(signed_bytes(data, "scelle/1 grant"), KeyMaterialError)


def test_the_issuer_named_is_the_one_who_signed():
    refused(signed_bytes(MANDATE.statement, key=person("authority").signing), SignatureError)
    with pytest.raises(MalformedError):
        sign(fields(Mandate, "portal"), "authority")


def test_both_halves_are_needed():
    foreign = signed_bytes(MANDATE.statement, key=person("authority").signing).signature
    refused(MANDATE._replace(signature=MANDATE.signature[:CUT] + foreign[CUT:]), SignatureError)
    refused(MANDATE._replace(signature=foreign[:CUT] + MANDATE.signature[CUT:]), SignatureError)


def test_an_issuer_with_one_foreign_half_says_nothing():
    for mixed in (key("portal")[:1952] + key("ann")[1952:], key("ann")[:1952] + key("portal")[1952:]):
        statement = fields(Mandate, "portal")._replace(issuer=mixed)
        refused(signed_bytes(encode(CODECS[Mandate], statement)), SignatureError)


@pytest.mark.parametrize("length", [0, CUT, 3372, 3374])
def test_a_signature_has_one_length(length):
    refused(MANDATE._replace(signature=MANDATE.signature[:length].ljust(length, b"\x00")), SignatureError)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b'"dossier":', b'"dossier": '),
        lambda data: data.replace(b'"may_replace":true', b'"may_replace":true,"may_replace":true'),
        lambda data: data.replace(b'"may_replace":true', b'"may_replace":false,"may_replace":true'),
        lambda data: data.replace(b'"may_replace":true', b'"may_replace":true,"admin":true'),
        lambda data: data.replace(b'"kind":"mandate",', b'"kind":"mandate","kind":"mandate",'),
        lambda data: data.replace(b'"kind":"mandate",', b'"kind":"grant","kind":"mandate",'),
        lambda data: data.replace(b'"until":', b'"until":0,"until":'),
        lambda data: data.replace(str(NOW).encode(), str(NOW).encode() + b".0", 1),
        lambda data: data.replace(str(NOW).encode(), b"1.8e9", 1),
        lambda data: data.replace(b'"aipd"', b'"\\u0061ipd"'),
        lambda data: data.replace(b',"may_replace":true', b""),
    ],
)
def test_another_spelling_is_malformed_even_when_signed(change):
    data = change(MANDATE.statement)
    assert data != MANDATE.statement
    refused(signed_bytes(data), MalformedError)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"kind":"mandate"}', b'{"kind":1}'])
def test_no_statement_at_all(data):
    refused(signed_bytes(data), MalformedError)


def test_a_statement_has_a_longest():
    assert refused(signed_bytes(b" " * (MAX_STATEMENT + 1)), LimitError)
    longest = fields(Succession, "ann")
    assert len(sign(longest, "ann").statement) < MAX_STATEMENT
    assert len(encode_signed(sign(longest, "ann"))) < MAX_CARRIED


def test_the_largest_habilitation_is_a_limit_and_no_surprise():
    huge = fields(Habilitation, scope=tuple("x" * 256 for _ in range(64)))
    with pytest.raises(LimitError):
        sign(huge, "authority")


@settings(max_examples=120, deadline=None)
@given(st.integers(0, len(MANDATE.statement) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(position, flip):
    data = bytearray(MANDATE.statement)
    data[position] ^= flip
    refused(MANDATE._replace(statement=bytes(data)), KeyMaterialError)


def test_every_truncation_is_refused():
    for length in range(0, len(MANDATE.statement), 7):
        refused(MANDATE._replace(statement=MANDATE.statement[:length]), KeyMaterialError)


def test_an_issuer_that_is_no_key():
    statement = MANDATE.statement
    issuer = json.loads(statement)["issuer"]
    data = statement.replace(issuer.encode(), b"_" * (len(issuer) - 1) + b"w")
    refused(signed_bytes(data), KeyMaterialError)


def test_carried():
    assert decode_signed(encode_signed(MANDATE)) == MANDATE
    assert list(json.loads(encode_signed(MANDATE))) == ["statement", "signature"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"{}",
        lambda data: data + b" ",
        lambda data: data.replace(b'"signature":"', b'"signature":"A'),
        lambda data: data.replace(b'"}', b'="}'),
        lambda data: data.replace(b'"}', b'","x":1}'),
        lambda data: data.replace(b'"statement"', b'"Statement"'),
    ],
)
def test_carried_otherwise_is_malformed(change):
    with pytest.raises(MalformedError):
        decode_signed(change(encode_signed(MANDATE)))


def test_what_is_carried_has_a_longest():
    with pytest.raises(LimitError):
        decode_signed(b" " * (MAX_CARRIED + 1))
    with pytest.raises(LimitError):
        encode_signed(Signed(b" " * (MAX_STATEMENT + 1), bytes(3373)))


def test_what_is_carried_is_not_judged():
    forged = Signed(b"anything", bytes(3373))
    assert decode_signed(encode_signed(forged)) == forged


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"kind":"mandate"}', "mandate"),
        (b'{"kind":"dossier key","x":1}', "dossier key"),
        (b'{"kind":"nonsense"}', ""),
        (b'{"kind":["mandate"]}', ""),
        (b'["mandate"]', ""),
        (b"", ""),
        (b"\xff", ""),
        (b"[" * 10_000, ""),
        (b'{"kind":' + b"9" * 10_000 + b"}", ""),
        (b'{"kind":"mandate"}' + b" " * MAX_STATEMENT, "mandate"),
    ],
)
def test_the_claimed_kind_sorts_and_proves_nothing(data, kind):
    assert Signed(data, b"").claimed_kind == kind


def test_dates():
    assert lasting(NOW, 60) == {"issued": NOW, "valid_from": NOW - 300, "valid_until": NOW + 60}
    assert lasting(NOW, 0)["valid_until"] == 0
    assert lasting(10, 60)["valid_from"] == 0
    assert momentary(NOW) == {"issued": NOW, "valid_from": NOW, "valid_until": 0}


def test_only_what_may_stand_is_signed():
    with pytest.raises(MalformedError):
        sign_statement(fields(Withdrawal, valid_until=NOW), person("authority").signing)


def test_shown_without_its_bytes():
    assert repr(MANDATE) == f"Signed(mandate, id={MANDATE.id.hex()})"
    assert repr(Signed(b"\x1b[31m", b"")).startswith("Signed(unknown, id=")
