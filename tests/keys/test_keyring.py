"""Identities: two key pairs from one seed, locked and unlocked."""

import base64
import copy
import functools
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import keyring
from keys.derivation import DEFAULT_COST, PasswordCost
from keys.errors import KeyMaterialError, LimitError, MalformedError, WrongPassphraseError, WrongUseError
from keys.keyfile import Use, decode_secret, encode_secret, kem_seed, seal_plain_seed, signing_seed
from keys.keyring import Identity, lock, unlock
from keys.recipients import Recipient
from keys.signing import SigningKey, VerifyingKey
from keys.unwrapping import DecapsulationKey
from tests.keys.people import CHEAP, person, public

PASSPHRASE = "correct horse battery staple"
ANN = person("ann")
LOCKED = lock(ANN, PASSPHRASE, CHEAP)
PLAIN = lock(ANN, None)


def test_a_seed_is_an_identity():
    again = Identity.from_seed(ANN.seed, Use.PERSON)
    assert again.public == ANN.public
    assert again.public.signing == SigningKey(signing_seed(ANN.seed)).public_key
    assert again.public.kem == DecapsulationKey(kem_seed(ANN.seed)).public_key


def test_both_halves_work():
    signature = ANN.signing.sign(b"message", context="scelle/1 test")
    VerifyingKey(ANN.public.signing).verify(signature, b"message", context="scelle/1 test")
    wrapped = Recipient(ANN.public.kem).wrap(b"s" * 32, b"info")
    assert ANN.decapsulation.unwrap(wrapped, b"info") == b"s" * 32


def test_new_identities_differ():
    made = [Identity.generate(Use.PERSON) for _ in range(3)]
    assert len({identity.public.fingerprint for identity in made}) == 3
    assert all(len(identity.seed) == 32 for identity in made)


@pytest.mark.parametrize("use", [Use.DOSSIER, Use.RECOVERY])
def test_keys_that_only_receive_do_not_sign(use):
    identity = Identity.from_seed(ANN.seed, use)
    with pytest.raises(WrongUseError):
        _ = identity.signing
    assert identity.decapsulation.public_key == ANN.public.kem


@pytest.mark.parametrize("use", [Use.PERSON, Use.AUTHORITY, Use.SERVICE])
def test_the_others_sign(use):
    assert Identity.from_seed(ANN.seed, use).signing.public_key == ANN.public.signing


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_seed_has_one_length(length):
    with pytest.raises(MalformedError):
        Identity.from_seed(bytes(length), Use.PERSON)


def test_locked_and_unlocked():
    identity = unlock(LOCKED, PASSPHRASE)
    assert identity.seed == ANN.seed
    assert identity.public == ANN.public


def test_a_passphrase_is_composed_before_it_is_used():
    assert unlock(lock(ANN, "e\u0301", CHEAP), "é").seed == ANN.seed


@pytest.mark.parametrize("use", Use)
def test_the_use_returns(use):
    identity = Identity.from_seed(ANN.seed, use)
    assert unlock(lock(identity, None), None).public.use is use


def test_without_passphrase():
    assert unlock(PLAIN, None).seed == ANN.seed
    assert unlock(PLAIN, "a passphrase that is not needed").seed == ANN.seed


@pytest.mark.parametrize("wrong", ["", "x", PASSPHRASE + " ", PASSPHRASE.upper(), "\ud800", "x" * 2000])
def test_a_wrong_passphrase_is_refused_and_not_repeated(wrong):
    with pytest.raises(KeyMaterialError) as caught:
        unlock(LOCKED, wrong)
    assert not wrong or len(wrong) == 1 or wrong not in str(caught.value)
    assert PASSPHRASE not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_passphrase_is_asked_for():
    with pytest.raises(WrongPassphraseError) as caught:
        unlock(LOCKED, None)
    assert str(caught.value) == "this key file needs its passphrase"


def test_the_seed_stands_in_no_locked_file():
    inside = base64.b64decode("".join(LOCKED.splitlines()[1:-1]))
    for text in (ANN.seed, base64.b64encode(ANN.seed), base64.urlsafe_b64encode(ANN.seed)):
        assert text.rstrip(b"=")[:-1] not in inside


def test_every_writing_is_another():
    again = lock(ANN, PASSPHRASE, CHEAP)
    first, second = decode_secret(LOCKED), decode_secret(again)
    assert first.salt != second.salt
    assert first.box != second.box


def test_costs_stand_in_the_file(monkeypatch):
    seen = []

    def stretch(password, salt, cost):
        seen.append((password, salt, cost))
        return b"k" * 32

    monkeypatch.setattr(keyring, "stretch_password", stretch)
    text = lock(ANN, PASSPHRASE)
    block = decode_secret(text)
    assert block.kdf == DEFAULT_COST
    assert unlock(text, PASSPHRASE).seed == ANN.seed
    assert seen == [(PASSPHRASE.encode(), block.derivation_salt, DEFAULT_COST)] * 2


@pytest.mark.parametrize(
    "cost", [PasswordCost(8, 2, 1), PasswordCost(19_456, 1, 1), PasswordCost(2**30, 3, 4)]
)
def test_a_file_is_not_locked_with_costs_that_nobody_reads(cost):
    with pytest.raises(LimitError):
        lock(ANN, PASSPHRASE, cost)


@pytest.mark.parametrize("bad", ["", "x" * 1025, "\ud800"])
def test_a_file_is_not_locked_with_a_passphrase_that_is_none(bad):
    with pytest.raises(MalformedError):
        lock(ANN, bad, CHEAP)


@pytest.mark.parametrize(
    "change",
    [
        {"salt": b"t" * 16},
        {"box": bytes(48)},
        {"kdf": CHEAP._replace(passes=3)},
        {"public": public("bob")},
        {"public": ANN.public._replace(use=Use.AUTHORITY)},
    ],
)
def test_nothing_in_a_locked_file_can_be_exchanged(change):
    block = decode_secret(LOCKED)._replace(**change)
    with pytest.raises(WrongPassphraseError):
        unlock(encode_secret(block), PASSPHRASE)


def test_a_locked_file_cannot_be_called_plain():
    block = decode_secret(LOCKED)._replace(kdf=None)
    with pytest.raises(MalformedError):
        unlock(encode_secret(block), None)


def test_a_public_part_of_another_seed_is_refused():
    # Well sealed, by somebody who wants this seed used under another name.
    forged = seal_plain_seed(ANN.seed, public("bob"))
    with pytest.raises(MalformedError) as caught:
        unlock(encode_secret(forged), None)
    assert "public part" in str(caught.value)


@pytest.mark.parametrize("half", ["kem", "signing"])
def test_each_half_of_the_public_part_is_compared(half):
    mixed = ANN.public._replace(**{half: getattr(public("bob"), half)})
    with pytest.raises(MalformedError):
        unlock(encode_secret(seal_plain_seed(ANN.seed, mixed)), None)


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, len(PLAIN) - 1), flip=st.integers(1, 127))
def test_every_changed_byte_of_a_plain_file_is_noticed(position, flip):
    text = PLAIN[:position] + chr(ord(PLAIN[position]) ^ flip) + PLAIN[position + 1 :]
    with pytest.raises(KeyMaterialError):
        unlock(text, None)


@pytest.fixture
def derived_once(monkeypatch):
    """Derive each Argon2id key once: most of what is tried differs in the box, not in salt or costs."""
    monkeypatch.setattr(keyring, "stretch_password", functools.cache(keyring.stretch_password))


def test_every_changed_byte_of_a_locked_file_is_noticed(derived_once):
    end = len(LOCKED)
    for position in [*range(40), *range(40, end - 40, 23), *range(end - 40, end)]:
        for flip in (1, 32):
            text = LOCKED[:position] + chr(ord(LOCKED[position]) ^ flip) + LOCKED[position + 1 :]
            with pytest.raises(KeyMaterialError):
                unlock(text, PASSPHRASE)


def test_every_changed_byte_of_a_box_is_noticed(derived_once):
    block = decode_secret(LOCKED)
    for position in range(48):
        box = bytearray(block.box)
        box[position] ^= 0x40
        with pytest.raises(WrongPassphraseError):
            unlock(encode_secret(block._replace(box=bytes(box))), PASSPHRASE)


def test_every_truncation_is_noticed():
    for length in [*range(100), *range(100, len(PLAIN) - 1, 37), len(PLAIN) - 2]:
        with pytest.raises(KeyMaterialError):
            unlock(PLAIN[:length], None)


def test_nothing_secret_is_shown():
    for shown in (repr(ANN), str(ANN), f"{ANN!r:>10}"):
        assert shown == f"Identity({ANN.public!r}, seed=<redacted>)"
        assert ANN.seed.hex() not in shown
        assert repr(ANN.seed)[2:-1] not in shown


def test_an_identity_is_neither_pickled_nor_copied():
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            way(ANN)
