"""Making slots: what they hold, and that everything in them is bound."""

import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.derivation import DEFAULT_COST, PasswordCost
from keys.errors import LimitError, MalformedError
from tests.vault.container.forge import DOSSIER, READER
from tests.vault.container.spec import H, K, argon2, named
from vault.container.manifest import CarriedRecipient
from vault.container.slots import (
    PasswordAccess,
    make_password_slot,
    make_recipient_slot,
    new_kdf,
    slot_info,
)

CK, CTX = named("CK", 32), named("ctx", 32)
CHEAP = PasswordCost(19_456, 2, 1)


def test_new_kdf():
    kdf = new_kdf()
    assert kdf.cost == DEFAULT_COST == (65_536, 3, 4)
    assert len(kdf.salt) == 16
    assert new_kdf().salt != kdf.salt
    assert new_kdf(CHEAP).cost == CHEAP


@pytest.mark.parametrize("identity", [b"", named("seed", 32)], ids=["without", "with"])
def test_password_slot_by_the_specification(identity):
    kdf = new_kdf(CHEAP)
    slot = make_password_slot(CK, CTX, kdf, PasswordAccess("Mel@Example.org", "e\u0301te", identity=identity))
    # The user name in lower case, the password in NFC.
    salt = H("scelle/1 password", kdf.salt, b"mel@example.org")
    prk = argon2("éte".encode(), salt, *CHEAP)
    assert slot.type == "password"
    assert len(slot.id) == 8
    assert slot.commitment == K(prk, "scelle/1 slot commitment", CTX, slot.id)
    assert AESGCM(K(prk, "scelle/1 slot key", CTX, slot.id)).decrypt(bytes(12), slot.wrapped, None) == CK
    if identity:
        box = AESGCM(K(prk, "scelle/1 slot identity", CTX, slot.id))
        assert box.decrypt(bytes(12), slot.identity, None) == identity
        with pytest.raises(InvalidTag):
            AESGCM(K(prk, "scelle/1 slot key", CTX, slot.id)).decrypt(bytes(12), slot.identity, None)
    else:
        assert slot.identity == b""


def test_derivation_by_hand():
    """K is one HMAC, written out."""
    message = b"scelle/1 slot key\x00" + CTX + b"slot id!" + b"\x01"
    expected = hmac.new(named("prk", 32), message, hashlib.sha512).digest()[:32]
    assert K(named("prk", 32), "scelle/1 slot key", CTX, b"slot id!") == expected


def test_two_slots_for_one_password_share_nothing():
    kdf = new_kdf(CHEAP)
    one, other = (make_password_slot(CK, CTX, kdf, PasswordAccess("mel", "secret")) for _ in range(2))
    for field in ("id", "commitment", "wrapped"):
        assert getattr(one, field) != getattr(other, field)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("", "secret"),
        ("-mel", "secret"),
        ("mél", "secret"),
        ("mel ", "secret"),
        ("mel\n", "secret"),
        ("m" * 129, "secret"),
        ("mel", ""),
        ("mel", "x" * 1025),
        ("mel", "\ud800"),
    ],
)
def test_forms_that_are_refused(username, password):
    with pytest.raises(MalformedError) as caught:
        make_password_slot(CK, CTX, new_kdf(CHEAP), PasswordAccess(username, password))
    assert not password or password not in str(caught.value)


def test_costs_outside_the_bounds_are_refused():
    with pytest.raises(LimitError):
        make_password_slot(CK, CTX, new_kdf(PasswordCost(8, 1, 1)), PasswordAccess("mel", "secret"))


def test_recipient_slot_by_the_specification():
    slot = make_recipient_slot(CK, CTX, CarriedRecipient("dossier", 3, DOSSIER.public))
    assert (slot.type, slot.role, slot.generation, slot.key) == ("recipient", "dossier", 3, DOSSIER.kem_id)
    assert len(slot.id) == 8
    assert len(slot.wrapped) == 1713
    info = b"scelle/1 slot\x00" + CTX + slot.id + DOSSIER.kem_id + b"dossier"
    assert slot_info(CTX, slot.id, DOSSIER.kem_id, "dossier") == info
    assert DOSSIER.kem.unwrap(slot.wrapped, info) == CK
    for wrong in (
        b"scelle/1 slot" + info[14:],
        info.replace(CTX, bytes(32)),
        info.replace(slot.id, bytes(8)),
        info.replace(DOSSIER.kem_id, READER.kem_id),
        info.replace(b"dossier", b"reader"),
        info + b"\x00",
        b"",
    ):
        assert DOSSIER.kem.unwrap(slot.wrapped, wrong) is None
    assert READER.kem.unwrap(slot.wrapped, info) is None


@pytest.mark.parametrize(
    "public",
    [
        b"",
        DOSSIER.public[:-1],
        DOSSIER.public + b"\x00",
        bytes(1665),
        DOSSIER.public[:1568] + b"\x05" + DOSSIER.public[1569:],
        DOSSIER.public[:1568] + b"\x04" + bytes(96),
        b"\xff" * 1568 + DOSSIER.public[1568:],
    ],
    ids=["none", "short", "long", "zeros", "point form", "not on the curve", "ML-KEM not reduced"],
)
def test_what_is_no_public_key(public):
    with pytest.raises(MalformedError):
        make_recipient_slot(CK, CTX, CarriedRecipient("reader", 0, public))
