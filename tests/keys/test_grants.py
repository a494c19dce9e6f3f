"""Granting: what is wrapped is bound to dossier, generation and grantee."""

import pytest

from keys.errors import MalformedError
from keys.grants import grant_info, make_grant
from keys.kinds import Grant
from keys.statements import lasting, read_unjudged
from tests.keys.people import NOW, key, person, public

DOSSIER = person("dossier")


def grant(**changes):
    options = {
        "dossier": "D-1",
        "generation": 1,
        "grantee": public("reviewer").kem,
        "issuer": person("portal").signing,
        "period": lasting(NOW, 60),
    } | changes
    return make_grant(changes.pop("seed", DOSSIER.seed), **{k: options[k] for k in options if k != "seed"})


def test_a_grant_says_what_it_is():
    statement = read_unjudged(grant(), Grant)
    assert statement.issuer == key("portal")
    assert (statement.dossier, statement.generation) == ("D-1", 1)
    assert statement.grantee == public("reviewer").kem_key_id
    assert (statement.issued, statement.valid_until) == (NOW, NOW + 60)


def test_the_wrapped_seed_opens_with_the_info():
    statement = read_unjudged(grant(), Grant)
    info = grant_info("D-1", 1, public("reviewer").kem_key_id)
    assert person("reviewer").decapsulation.unwrap(statement.wrapped, info) == DOSSIER.seed
    for other in (
        grant_info("D-2", 1, public("reviewer").kem_key_id),
        grant_info("D-1", 2, public("reviewer").kem_key_id),
        grant_info("D-1", 1, public("ann").kem_key_id),
        b"",
    ):
        assert person("reviewer").decapsulation.unwrap(statement.wrapped, other) is None


def test_the_info_is_exactly_this():
    assert grant_info("D-1", 258, b"k" * 32) == (
        b"scelle/1 grant seed\x00" + b"k" * 32 + b"\x00\x00\x00\x00\x00\x00\x01\x02" + b"D-1"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": bytes(31)},
        {"seed": b""},
        {"grantee": public("reviewer").signing},
        {"grantee": bytes(1665)},
        {"dossier": "no dossier"},
        {"generation": 0},
    ],
)
def test_what_is_no_grant_is_not_made(changes):
    with pytest.raises(MalformedError):
        grant(**changes)


def test_the_seed_stands_in_no_grant():
    signed = grant()
    assert DOSSIER.seed not in signed.statement
    assert DOSSIER.seed.hex() not in repr(signed) + repr(read_unjudged(signed, Grant))
