"""Proofs of possession: for one purpose, one service, one challenge, one key."""

import json

import pytest

from keys.errors import KeyMaterialError, MalformedError, SignatureError
from keys.possession import (
    answer_sign_in,
    challenge_info,
    make_challenge,
    prove_signer,
    sign_enrolment,
    verify_enrolment,
    verify_sign_in,
    verify_signer,
    wrap_challenge,
)
from tests.keys.people import key, key_id, person, public

ANN = person("ann").signing
ORIGIN = "https://vault.example"
CHALLENGE = b"c" * 32
SIGNED_IN = answer_sign_in(ANN, origin=ORIGIN, challenge=CHALLENGE)
ENROLLED = sign_enrolment(ANN, public("ann"), origin=ORIGIN, challenge=CHALLENGE)
PROVEN = prove_signer(ANN, origin=ORIGIN, dossier="D-1")


def test_each_verifies():
    verify_sign_in(key("ann"), SIGNED_IN, origin=ORIGIN, challenge=CHALLENGE)
    verify_enrolment(public("ann"), ENROLLED, origin=ORIGIN, challenge=CHALLENGE)
    verify_signer(key("ann"), PROVEN, origin=ORIGIN, dossier="D-1")


@pytest.mark.parametrize("signature", [ENROLLED, PROVEN, b"", bytes(3373), SIGNED_IN[:-1]])
def test_nothing_else_signs_in(signature):
    with pytest.raises(SignatureError):
        verify_sign_in(key("ann"), signature, origin=ORIGIN, challenge=CHALLENGE)


@pytest.mark.parametrize("signature", [SIGNED_IN, PROVEN, b"", bytes(3373), ENROLLED[:-1]])
def test_nothing_else_enrols(signature):
    with pytest.raises(SignatureError):
        verify_enrolment(public("ann"), signature, origin=ORIGIN, challenge=CHALLENGE)


@pytest.mark.parametrize("signature", [SIGNED_IN, ENROLLED, b"", bytes(3373), PROVEN[:-1]])
def test_nothing_else_proves_a_signer(signature):
    with pytest.raises(SignatureError):
        verify_signer(key("ann"), signature, origin=ORIGIN, dossier="D-1")


@pytest.mark.parametrize(
    ("name", "origin", "challenge"),
    [
        ("bob", ORIGIN, CHALLENGE),
        ("ann", "https://vault.example.", CHALLENGE),
        ("ann", "https://vault.exampl", CHALLENGE),
        ("ann", ORIGIN, b"d" * 32),
    ],
)
def test_an_answer_is_for_one_key_origin_and_challenge(name, origin, challenge):
    with pytest.raises(SignatureError):
        verify_sign_in(key(name), SIGNED_IN, origin=origin, challenge=challenge)
    with pytest.raises(SignatureError):
        verify_enrolment(public(name), ENROLLED, origin=origin, challenge=challenge)


@pytest.mark.parametrize(
    ("name", "origin", "dossier"),
    [("bob", ORIGIN, "D-1"), ("ann", "https://other.example", "D-1"), ("ann", ORIGIN, "D-2")],
)
def test_a_proof_is_for_one_key_origin_and_dossier(name, origin, dossier):
    with pytest.raises(SignatureError):
        verify_signer(key(name), PROVEN, origin=origin, dossier=dossier)


def test_an_enrolment_is_for_both_halves():
    swapped = public("ann")._replace(kem=public("bob").kem)
    with pytest.raises(SignatureError):
        verify_enrolment(swapped, ENROLLED, origin=ORIGIN, challenge=CHALLENGE)


def test_nothing_is_put_together_from_two_answers():
    other = answer_sign_in(ANN, origin=ORIGIN, challenge=b"d" * 32)
    with pytest.raises(SignatureError):
        verify_sign_in(key("ann"), SIGNED_IN[:3309] + other[3309:], origin=ORIGIN, challenge=CHALLENGE)


@pytest.mark.parametrize("origin", ["", " x", "a\nb", "x" * 257, "\ud800"])
def test_an_origin_has_a_form(origin):
    for attempt in (
        lambda: answer_sign_in(ANN, origin=origin, challenge=CHALLENGE),
        lambda: sign_enrolment(ANN, public("ann"), origin=origin, challenge=CHALLENGE),
        lambda: prove_signer(ANN, origin=origin, dossier="D-1"),
        lambda: verify_sign_in(key("ann"), SIGNED_IN, origin=origin, challenge=CHALLENGE),
    ):
        with pytest.raises(KeyMaterialError):
            attempt()


@pytest.mark.parametrize("challenge", [b"", bytes(31), bytes(33)])
def test_a_challenge_has_one_length(challenge):
    for attempt in (
        lambda: answer_sign_in(ANN, origin=ORIGIN, challenge=challenge),
        lambda: sign_enrolment(ANN, public("ann"), origin=ORIGIN, challenge=challenge),
        lambda: verify_enrolment(public("ann"), ENROLLED, origin=ORIGIN, challenge=challenge),
        lambda: wrap_challenge(challenge, public("ann"), origin=ORIGIN),
    ):
        with pytest.raises(MalformedError):
            attempt()


@pytest.mark.parametrize("dossier", ["", "a b", "é", "x/y"])
def test_a_dossier_has_a_form(dossier):
    with pytest.raises(MalformedError):
        prove_signer(ANN, origin=ORIGIN, dossier=dossier)


def test_a_key_that_is_none():
    with pytest.raises(MalformedError):
        verify_sign_in(b"", SIGNED_IN, origin=ORIGIN, challenge=CHALLENGE)
    with pytest.raises(MalformedError):
        verify_signer(bytes(1983), PROVEN, origin=ORIGIN, dossier="D-1")


class Recorder:
    """A signing key that tells what it was asked to sign."""

    key_id = key_id("ann")

    def sign(self, message, *, context):
        self.context, self.message = context, json.loads(message)
        return b""


def test_what_is_signed_is_exactly_this():
    recorder = Recorder()
    answer_sign_in(recorder, origin=ORIGIN, challenge=CHALLENGE)
    assert recorder.context == "scelle/1 sign-in"
    assert list(recorder.message) == ["origin", "key", "challenge"]
    sign_enrolment(recorder, public("ann"), origin=ORIGIN, challenge=CHALLENGE)
    assert recorder.context == "scelle/1 possession"
    assert list(recorder.message) == ["purpose", "origin", "key", "challenge", "dossier"]
    assert (recorder.message["purpose"], recorder.message["dossier"]) == ("enrolment", "")
    prove_signer(recorder, origin=ORIGIN, dossier="D-1")
    assert recorder.context == "scelle/1 possession"
    assert (recorder.message["purpose"], recorder.message["challenge"]) == ("mandate", "")


def test_a_wrapped_challenge_opens_for_whom_it_is_meant():
    wrapped = wrap_challenge(CHALLENGE, public("ann"), origin=ORIGIN)
    info = challenge_info(public("ann"), ORIGIN)
    assert info == b"scelle/1 challenge\x00" + public("ann").key_id + ORIGIN.encode()
    assert person("ann").decapsulation.unwrap(wrapped, info) == CHALLENGE
    assert CHALLENGE not in wrapped


def test_challenges_differ():
    made = {make_challenge() for _ in range(100)}
    assert len(made) == 100
    assert all(len(challenge) == 32 for challenge in made)
