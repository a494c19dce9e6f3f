"""Every derivation against an independent computation, and every bound."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.derivation import (
    DEFAULT_COST,
    PasswordCost,
    check_cost,
    container_context,
    derive_key,
    digest,
    expand_seed,
    key_id,
    normalise_password,
    normalise_username,
    password_root,
    stretch_password,
)
from keys.errors import LimitError, MalformedError
from tests.keys.people import CHEAP

RFC_9106 = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_argon2id_is_that_of_rfc_9106():
    kdf = Argon2id(
        salt=b"\x02" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    )
    assert kdf.derive(b"\x01" * 32).hex() == RFC_9106


def test_passwords_are_stretched_by_that_function_with_our_costs():
    kdf = Argon2id(salt=b"s" * 32, length=32, iterations=2, lanes=1, memory_cost=19_456)
    assert stretch_password(b"password", b"s" * 32, CHEAP) == kdf.derive(b"password")


def test_each_cost_matters():
    base = stretch_password(b"password", b"s" * 16, CHEAP)
    for cost in (
        CHEAP._replace(memory_kib=20_000),
        CHEAP._replace(passes=3),
        CHEAP._replace(lanes=2),
    ):
        assert stretch_password(b"password", b"s" * 16, cost) != base


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.binary(max_size=40))
def test_keys_are_those_of_hkdf_expand(key, context, suffix):
    info = b"scelle/1 commit\x00" + context + suffix
    expected = HKDFExpand(hashes.SHA512(), 32, info).derive(key)
    assert derive_key(key, "scelle/1 commit", context, suffix) == expected


def test_a_seed_grows_as_hkdf_expand_with_the_label_alone():
    expected = HKDFExpand(hashes.SHA512(), 64, b"scelle/1 identity sign\x00").derive(b"s" * 32)
    assert expand_seed(b"s" * 32, "scelle/1 identity sign") == expected


def test_a_known_key():
    expected = hmac.new(b"k" * 32, b"scelle/1 payload\x00" + b"c" * 32 + b"\x01", hashlib.sha512).digest()[
        :32
    ]
    assert derive_key(b"k" * 32, "scelle/1 payload", b"c" * 32) == expected


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_keys_have_one_length(length):
    with pytest.raises(MalformedError):
        derive_key(bytes(length), "scelle/1 commit", bytes(32))
    with pytest.raises(MalformedError):
        expand_seed(bytes(length), "scelle/1 identity kem")


def test_digests_carry_their_label():
    assert digest("scelle/1 key", b"a", b"b") == hashlib.sha256(b"scelle/1 key\x00ab").digest()
    assert key_id(b"public") == hashlib.sha256(b"scelle/1 key\x00public").digest()
    assert digest("scelle/1 key", b"x") != digest("scelle/1 seal id", b"x")


def test_a_context_binds_container_signer_and_dossier():
    base = container_context(b"c" * 16, b"s" * 32, "D-1")
    assert base == hashlib.sha256(b"scelle/1\x00" + b"c" * 16 + b"s" * 32 + b"D-1").digest()
    others = {
        container_context(b"d" * 16, b"s" * 32, "D-1"),
        container_context(b"c" * 16, b"t" * 32, "D-1"),
        container_context(b"c" * 16, b"s" * 32, "D-2"),
    }
    assert len(others) == 3
    assert base not in others


@pytest.mark.parametrize(("container", "signer"), [(15, 32), (17, 32), (16, 31), (16, 33), (48, 0), (0, 48)])
def test_nothing_shifts_between_the_parts_of_a_context(container, signer):
    with pytest.raises(MalformedError):
        container_context(bytes(container), bytes(signer), "D")


@pytest.mark.parametrize(
    "cost",
    [
        PasswordCost(19_455, 2, 1),
        PasswordCost(524_289, 2, 1),
        PasswordCost(2**40, 2, 1),
        PasswordCost(0, 0, 0),
        PasswordCost(19_456, 1, 1),
        PasswordCost(19_456, 11, 1),
        PasswordCost(19_456, 2, 0),
        PasswordCost(19_456, 2, 9),
        PasswordCost(-1, -1, -1),
    ],
)
def test_costs_out_of_bounds_are_refused_before_any_work(cost):
    with pytest.raises(LimitError):
        check_cost(cost)
    with pytest.raises(LimitError):
        stretch_password(b"password", b"s" * 16, cost)
    with pytest.raises(LimitError):
        password_root("ann", "password", b"s" * 16, cost)


@pytest.mark.parametrize(
    "cost", [DEFAULT_COST, CHEAP, PasswordCost(524_288, 10, 8), PasswordCost(19_456, 10, 8)]
)
def test_costs_within_bounds_are_taken(cost):
    check_cost(cost)


def test_default_cost_is_that_of_the_format():
    assert DEFAULT_COST == (65_536, 3, 4)


@pytest.mark.parametrize(
    ("given_name", "normal"),
    [("ann", "ann"), ("ANN", "ann"), ("a", "a"), ("9+x@Y.z_-", "9+x@y.z_-"), ("a" * 128, "a" * 128)],
)
def test_user_names(given_name, normal):
    assert normalise_username(given_name) == normal


@pytest.mark.parametrize(
    "bad",
    [
        "",
        " ann",
        "ann ",
        "ann\n",
        ".ann",
        "@",
        "a b",
        "é",
        "İ",
        "\u212a",
        "a" * 129,
        "a\x00",
        "a/b",
        "\ud800",
    ],
)
def test_user_names_that_are_none(bad):
    with pytest.raises(MalformedError):
        normalise_username(bad)


def test_a_refused_user_name_is_not_repeated():
    with pytest.raises(MalformedError) as caught:
        normalise_username("hunter/2")
    assert "hunter" not in str(caught.value)


def test_passwords_are_composed():
    assert normalise_password("e\u0301") == normalise_password("é") == "é".encode()
    assert normalise_password("  spaces stay ") == b"  spaces stay "
    assert normalise_password("x" * 1024) == b"x" * 1024


@pytest.mark.parametrize("bad", ["", "x" * 1025, "é" * 513, "\ud800"])
def test_passwords_that_are_none(bad):
    with pytest.raises(MalformedError) as caught:
        normalise_password(bad)
    assert "\ud800" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_a_password_root_binds_user_and_salt():
    salt = b"s" * 16
    bound = hashlib.sha256(b"scelle/1 password\x00" + salt + b"ann").digest()
    base = password_root("Ann", "e\u0301", salt, CHEAP)
    assert base == stretch_password("é".encode(), bound, CHEAP)
    assert base != password_root("bob", "é", salt, CHEAP)
    assert base != password_root("ann", "é", b"t" * 16, CHEAP)
    assert base != password_root("ann", "e", salt, CHEAP)
