"""What only the holder of an identity can do."""

import pytest

from keys.errors import MalformedError, Refusal, SignatureError, StatementError, WrongUseError
from keys.grants import make_grant
from keys.holder import answer_enrolment, open_grant
from keys.keyfile import Use
from keys.keyring import Identity
from keys.kinds import DossierKey, Grant
from keys.possession import make_challenge, verify_enrolment, wrap_challenge
from keys.statements import lasting
from keys.trust import Trust
from tests.keys.people import NOW, habilitate, key, person, public, say

TRUST = Trust(key("authority"), [habilitate("portal", "portal"), habilitate("admin", "admin")])
ORIGIN = "https://vault.example"


def dossier_key(dossier="D-1", generation=1, name="dossier"):
    signed = say(
        DossierKey,
        "admin",
        dossier=dossier,
        generation=generation,
        public_key=public(name).kem,
        previous=b"" if generation == 1 else bytes(32),
    )
    return TRUST.verify(signed, DossierKey, at=NOW)


def grant(dossier="D-1", generation=1, seed=None, to="reviewer"):
    signed = make_grant(
        seed or person("dossier").seed,
        dossier=dossier,
        generation=generation,
        grantee=public(to).kem,
        issuer=person("admin").signing,
        period=lasting(NOW, 60),
    )
    return TRUST.verify(signed, Grant, at=NOW)


def refused(*args):
    with pytest.raises(StatementError) as caught:
        open_grant(*args)
    assert caught.value.reason is Refusal.MISMATCH
    assert person("dossier").seed.hex() not in str(caught.value)
    return str(caught.value)


def test_a_grant_opens_for_its_grantee():
    opened = open_grant(grant(), dossier_key(), person("reviewer"))
    assert opened.seed == person("dossier").seed
    assert opened.public.kem == public("dossier").kem
    assert opened.public.use is Use.DOSSIER
    with pytest.raises(WrongUseError):
        _ = opened.signing


def test_nobody_else_opens_it():
    assert "somebody else" in refused(grant(), dossier_key(), person("ann"))


def test_a_grant_that_carries_another_key():
    assert "carries another key" in refused(grant(seed=b"x" * 32), dossier_key(), person("reviewer"))


@pytest.mark.parametrize(
    ("granted", "key"),
    [
        (grant(), dossier_key(dossier="D-2")),
        (grant(dossier="D-2"), dossier_key()),
        (grant(), dossier_key(generation=2)),
        (grant(generation=2), dossier_key()),
    ],
)
def test_grant_and_key_are_of_one_dossier_and_generation(granted, key):
    assert "another dossier or generation" in refused(granted, key, person("reviewer"))


def moved(**changes):
    """Return a grant whose statement was rewritten around another's wrapped seed, by an admin who may."""
    signed = say(Grant, "admin", **{"dossier": "D-1", "wrapped": grant().statement.wrapped} | changes)
    return TRUST.verify(signed, Grant, at=NOW)


def test_a_wrapped_seed_cannot_be_moved():
    open_grant(moved(), dossier_key(), person("reviewer"))
    assert "does not open" in refused(moved(generation=2), dossier_key(generation=2), person("reviewer"))
    assert "does not open" in refused(moved(dossier="D-2"), dossier_key("D-2"), person("reviewer"))
    elsewhere = moved(grantee=public("ann").kem_key_id)
    assert "does not open" in refused(elsewhere, dossier_key(), person("ann"))


def test_rubbish_in_a_grant():
    assert "does not open" in refused(moved(wrapped=bytes(1713)), dossier_key(), person("reviewer"))


@pytest.mark.parametrize("name", ["reviewer", "portal", "authority"])
def test_an_enrolment_proves_both_halves(name):
    challenge = make_challenge()
    wrapped = wrap_challenge(challenge, public(name), origin=ORIGIN)
    signature = answer_enrolment(person(name), wrapped, origin=ORIGIN)
    verify_enrolment(public(name), signature, origin=ORIGIN, challenge=challenge)


@pytest.mark.parametrize("name", ["dossier", "recovery"])
def test_keys_that_only_receive_do_not_enrol(name):
    wrapped = wrap_challenge(make_challenge(), public(name), origin=ORIGIN)
    with pytest.raises(WrongUseError):
        answer_enrolment(person(name), wrapped, origin=ORIGIN)


def test_a_challenge_for_somebody_else_is_not_answered():
    challenge = make_challenge()
    for wrapped, origin in (
        (wrap_challenge(challenge, public("ann"), origin=ORIGIN), ORIGIN),
        (wrap_challenge(challenge, public("reviewer"), origin="https://other.example"), ORIGIN),
        (wrap_challenge(challenge, public("reviewer"), origin=ORIGIN), "https://other.example"),
        (wrap_challenge(challenge, public("reviewer")._replace(signing=key("ann")), origin=ORIGIN), ORIGIN),
        (bytes(1713), ORIGIN),
        (b"", ORIGIN),
    ):
        with pytest.raises(MalformedError) as caught:
            answer_enrolment(person("reviewer"), wrapped, origin=origin)
        assert challenge.hex() not in str(caught.value)


def mixed(kem, signing):
    """Return an identity that claims two halves, of which its holder has one."""
    return public("reviewer")._replace(kem=public(kem).kem, signing=public(signing).signing)


class HalfAnIdentity(Identity):
    """Somebody who claims another public identity than the seed gives."""

    def __init__(self, seed, claimed):
        super().__init__(seed, claimed.use)
        self.public = claimed


def test_who_has_the_signing_half_alone_cannot_enrol():
    claimed = mixed("ann", "reviewer")
    wrapped = wrap_challenge(make_challenge(), claimed, origin=ORIGIN)
    with pytest.raises(MalformedError):
        answer_enrolment(HalfAnIdentity(person("reviewer").seed, claimed), wrapped, origin=ORIGIN)


def test_who_has_the_kem_half_alone_cannot_enrol():
    claimed, challenge = mixed("reviewer", "ann"), make_challenge()
    wrapped = wrap_challenge(challenge, claimed, origin=ORIGIN)
    signature = answer_enrolment(HalfAnIdentity(person("reviewer").seed, claimed), wrapped, origin=ORIGIN)
    with pytest.raises(SignatureError):
        verify_enrolment(claimed, signature, origin=ORIGIN, challenge=challenge)
