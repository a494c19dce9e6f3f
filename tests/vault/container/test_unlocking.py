"""Which slot opens, in which order, and what a slot that does not means."""

import pytest

import vault.container.unlocking as unlocking_module
from tests.vault.container.forge import (
    DOSSIER,
    EDITOR,
    MEL,
    READER,
    RECOVERY,
    STRANGER,
    For,
    Password,
    forge,
    with_envelope,
)
from tests.vault.container.reading import assert_refused_inside, examine_bytes, outcome_of, read_all
from tests.vault.container.spec import b64, canonical, named, unb64
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock, unlock_all

ANNE = Password("anne", "another password")
MELS = PasswordAccess(MEL.username, MEL.password)
ANNES = PasswordAccess(ANNE.username, ANNE.password)


def with_slots(*slots, **changes):
    """A container with just these slots, given as functions of the forge."""

    def hook(forged):
        forged.envelope["slots"] = [slot(forged) for slot in slots]

    return forge(at_envelope=hook, **changes)


def flipped(field, slot, position=0, bit=0):
    """The same slot with one bit changed in one field."""

    def make(forged):
        made = slot(forged)
        data = bytearray(unb64(made[field]))
        data[position] ^= 1 << bit
        return made | {field: b64(bytes(data))}

    return make


def mels(forged):
    return forged.password_slot(Password(MEL.username, MEL.password, EDITOR.seed))


def annes(forged):
    return forged.password_slot(ANNE)


def readers(forged):
    return forged.recipient_slot(For(READER))


@pytest.fixture
def aead_calls(monkeypatch):
    """Counts what unlocking does with AES-GCM."""
    calls = []
    real = unlocking_module.AESGCM

    def counting(key):
        calls.append(key)
        return real(key)

    monkeypatch.setattr(unlocking_module, "AESGCM", counting)
    return calls


@pytest.fixture
def derivations(monkeypatch):
    calls = []
    real = unlocking_module.password_root

    def counting(*arguments):
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(unlocking_module, "password_root", counting)
    return calls


def test_every_kind_of_access_gives_the_same_key():
    forged = forge(
        passwords=[Password(MEL.username, MEL.password, EDITOR.seed), ANNE],
        recipients=[For(READER), For(DOSSIER, "dossier", 3)],
        recovery=[RECOVERY],
    )
    examined = examine_bytes(forged.data)
    ids = {unb64(slot["id"]) for slot in forged.envelope["slots"] + forged.seal["recovery"]}
    seen = set()
    for access in (MELS, ANNES, READER.kem, DOSSIER.kem, RECOVERY.kem):
        unlocked = unlock(examined, access)
        assert unlocked.container_key == forged.key
        assert unlocked.identity == (EDITOR.seed if access is MELS else b"")
        seen.add(unlocked.slot_id)
    assert seen == ids


@pytest.mark.parametrize(
    ("username", "password"),
    [
        (MEL.username, "wrong"),
        (MEL.username, MEL.password + " "),
        (MEL.username, MEL.password.title()),
        ("anne", MEL.password),
        ("mel", MEL.password),
        ("", MEL.password),
        (MEL.username, ""),
        ("no user name!", MEL.password),
        (MEL.username, "x" * 2000),
        (MEL.username, "\ud800"),
    ],
)
def test_wrong_user_name_or_password(username, password):
    assert_refused_inside(Outcome.NO_ACCESS, forge(passwords=[MEL]).data, PasswordAccess(username, password))


def test_user_name_in_capitals_and_password_in_another_normal_form():
    data = forge(passwords=[Password("mel@example.org", "été 2026")]).data
    access = PasswordAccess("MEL@Example.ORG", "e\u0301te\u0301 2026")
    assert read_all(data, access).finished


def test_wrong_key():
    data = forge(recipients=[For(READER), For(DOSSIER, "dossier", 1)]).data
    for actor in (STRANGER, RECOVERY, EDITOR):
        assert_refused_inside(Outcome.NO_ACCESS, data, actor.kem)


def test_one_derivation_serves_all_slots(derivations, aead_calls):
    accesses = [Password(f"user{number}", "secret") for number in range(15)]
    examined = examine_bytes(forge(passwords=[*accesses, MEL]).data)
    assert unlock(examined, MELS).container_key
    assert len(derivations) == 1
    # Only the slot whose commitment matched was opened.
    assert len(aead_calls) == 1


def test_nothing_is_derived_without_password_slots(derivations):
    examined = examine_bytes(forge().data)
    assert outcome_of(unlock, examined, MELS) is Outcome.NO_ACCESS
    assert derivations == []


@pytest.mark.parametrize("position", range(32))
def test_commitment_is_compared_before_any_aead(position, aead_calls):
    """Another commitment on a slot that would open: it is not even tried."""
    forged = with_slots(flipped("commitment", mels, position, position % 8))
    assert_refused_inside(Outcome.NO_ACCESS, forged.data, MELS)
    assert aead_calls == []


@pytest.mark.parametrize("field", ["wrapped", "identity"])
def test_matching_commitment_must_open(field):
    """Every bit of both boxes."""
    examined = examine_bytes(with_slots(mels).data)
    slot = examined.envelope.envelope.password_slots[0]
    for position in range(48):
        for bit in range(8):
            data = bytearray(getattr(slot, field))
            data[position] ^= 1 << bit
            envelope = examined.envelope.envelope._replace(slots=(slot._replace(**{field: bytes(data)}),))
            spoilt = examined._replace(envelope=examined.envelope._replace(envelope=envelope))
            outcome = outcome_of(unlock, spoilt, MELS, match="does not open")
            assert outcome is Outcome.ENVELOPE_TAMPERED
    forged = with_slots(flipped(field, mels, 5))
    assert_refused_inside(Outcome.ENVELOPE_TAMPERED, forged.data, MELS, match="does not open")


def test_first_matching_commitment_decides():
    """A good slot further down does not mend a spoilt one above it; the other way round it opens."""

    def again(forged):
        return forged.password_slot(Password(MEL.username, MEL.password), slot_id=named("another id", 8))

    spoilt = flipped("wrapped", mels)
    assert_refused_inside(Outcome.ENVELOPE_TAMPERED, with_slots(spoilt, again).data, MELS)
    assert_refused_inside(Outcome.ENVELOPE_TAMPERED, with_slots(annes, spoilt, again).data, MELS)
    assert read_all(with_slots(again, spoilt).data, MELS).finished
    # Somebody else's spoilt slot is nobody's business.
    assert read_all(with_slots(flipped("wrapped", annes), again).data, MELS).finished


def test_every_slot_that_opens_gives_what_it_carries_in_order(derivations):
    def carrying(seed, name):
        access = Password(MEL.username, MEL.password, seed)
        return lambda forged: forged.password_slot(access, slot_id=named(name, 8))

    first, second = carrying(bytes(32), "first"), carrying(EDITOR.seed, "second")
    examined = examine_bytes(with_slots(annes, first, readers, second).data)
    derivations.clear()
    found = unlock_all(examined, MELS)
    assert [each.identity for each in found] == [bytes(32), EDITOR.seed]
    assert len(derivations) == 1
    assert found[0].slot_id == unlock(examined, MELS).slot_id
    assert outcome_of(unlock_all, examined, PasswordAccess("mel", "wrong")) is Outcome.NO_ACCESS
    spoilt = examine_bytes(with_slots(first, flipped("wrapped", second)).data)
    assert outcome_of(unlock_all, spoilt, MELS) is Outcome.ENVELOPE_TAMPERED


def test_password_slot_under_another_id_does_not_open(aead_calls):
    forged = with_slots(flipped("id", mels))
    assert_refused_inside(Outcome.NO_ACCESS, forged.data, MELS)
    assert aead_calls == []


@pytest.mark.parametrize("change", ["salt", "memory_kib", "passes", "lanes"])
def test_password_slot_under_another_kdf_does_not_open(change):
    values = {"salt": b64(bytes(16)), "memory_kib": 19_457, "passes": 3, "lanes": 2}
    forged = forge(passwords=[MEL], at_envelope=lambda f: f.envelope["kdf"].update({change: values[change]}))
    assert_refused_inside(Outcome.NO_ACCESS, forged.data, MELS)


def test_slot_with_the_key_of_another_container():
    wrong = named("another CK", 32)
    for slot, access in (
        (lambda f: f.password_slot(MEL, key=wrong), MELS),
        (lambda f: f.recipient_slot(For(READER), key=wrong), READER.kem),
    ):
        data = with_slots(slot).data
        assert_refused_inside(Outcome.ENVELOPE_TAMPERED, data, access, match="another container")


def test_recovery_slot_with_the_key_of_another_container():
    def hook(forged):
        slot = forged.recipient_slot(For(RECOVERY, "recovery"), key=named("another CK", 32))
        forged.seal["recovery"] = [slot]

    assert_refused_inside(Outcome.ENVELOPE_TAMPERED, forge(at_seal=hook).data, RECOVERY.kem)


@pytest.mark.parametrize(
    "change",
    [
        {"role": "dossier", "generation": 1},
        {"id": b64(bytes(8))},
        {"key": b64(DOSSIER.kem_id)},
    ],
    ids=["role", "id", "key"],
)
def test_recipient_slot_is_bound_to_its_fields(change):
    data = with_slots(lambda f: readers(f) | change).data
    assert_refused_inside(Outcome.NO_ACCESS, data, READER.kem)
    assert_refused_inside(Outcome.NO_ACCESS, data, DOSSIER.kem)


def test_generation_is_only_said():
    """The generation tells which dossier key to use; the key id already says it, and the slot opens."""
    data = with_slots(lambda f: f.recipient_slot(For(DOSSIER, "dossier", 1)) | {"generation": 9}).data
    assert read_all(data, DOSSIER.kem).finished


def test_rubbish_in_recipient_slots_opens_nothing():
    """One bit at each end and edge of the encapsulation, and points that are none."""
    examined = examine_bytes(with_slots(readers).data)
    slot = examined.envelope.envelope.recipient_slots[0]
    variants = []
    for position in (0, 1, 1567, 1568, 1569, 1616, 1664, 1665, 1696, 1697, 1712):
        changed = bytes([slot.wrapped[position] ^ 0x80])
        variants += [slot.wrapped[:position] + changed + slot.wrapped[position + 1 :]]
    points = (bytes(97), b"\x04" + bytes(96), b"\x04" + b"\xff" * 96, b"\x02" * 97, bytes(96) + b"\x01")
    variants += [slot.wrapped[:1568] + point + slot.wrapped[1665:] for point in points]
    for wrapped in variants:
        envelope = examined.envelope.envelope._replace(slots=(slot._replace(wrapped=wrapped),))
        spoilt = examined._replace(envelope=examined.envelope._replace(envelope=envelope))
        assert outcome_of(unlock, spoilt, READER.kem) is Outcome.NO_ACCESS


def test_slots_with_our_key_id_are_tried_in_turn():
    def second(forged):
        return forged.recipient_slot(For(READER), slot_id=named("second", 8))

    rubbish = flipped("wrapped", readers, 1700)
    assert read_all(with_slots(rubbish, second).data, READER.kem).finished
    examined = examine_bytes(with_slots(rubbish, second).data)
    assert unlock(examined, READER.kem).slot_id == named("second", 8)
    assert_refused_inside(Outcome.NO_ACCESS, with_slots(rubbish, flipped("wrapped", second)).data, READER.kem)


def test_key_id_alone_opens_nothing():
    """A slot that claims to be ours but was made for somebody else."""
    claimed = with_slots(lambda f: f.recipient_slot(For(STRANGER)) | {"key": b64(READER.kem_id)})
    assert_refused_inside(Outcome.NO_ACCESS, claimed.data, READER.kem)
    # Nor is a slot of ours tried that does not name us.
    unnamed = with_slots(lambda f: readers(f) | {"key": b64(STRANGER.kem_id)})
    assert_refused_inside(Outcome.NO_ACCESS, unnamed.data, READER.kem)


def test_costs_are_checked_before_a_private_key_is_tried_too():
    examined = examine_bytes(forge().data)
    envelope = examined.envelope.envelope
    dear = envelope._replace(kdf=envelope.kdf._replace(memory_kib=2**30))
    spoilt = examined._replace(envelope=examined.envelope._replace(envelope=dear))
    assert outcome_of(unlock, spoilt, READER.kem, match="Argon2") is Outcome.LIMIT_EXCEEDED
    assert outcome_of(unlock, spoilt, MELS, match="Argon2") is Outcome.LIMIT_EXCEEDED


def test_a_template_gives_the_identity_that_its_password_carries():
    depositor = Password("depositor", "a long generated one", STRANGER.seed)
    forged = forge(
        files=(),
        evidence_type="template",
        signer=STRANGER,
        writer=STRANGER,
        passwords=[depositor],
        recipients=(),
        carried=[For(DOSSIER, "dossier", 3), For(RECOVERY, "recovery")],
    )
    examined = examine_bytes(forged.data)
    unlocked = unlock(examined, PasswordAccess("depositor", "a long generated one"))
    assert unlocked.identity == STRANGER.seed
    assert examined.seal.seal.signer_key_id == STRANGER.signing_id
    assert read_all(forged.data, PasswordAccess("depositor", "a long generated one")).released == {}


def test_other_identity_in_a_slot_is_bound_to_it():
    """Boxes of two slots exchanged: each is under its own slot's key."""
    forged = forge(passwords=[MEL, ANNE])
    mel, anne = forged.envelope["slots"][:2]
    for field in ("wrapped", "commitment", "id"):
        slots = [mel | {field: anne[field]}, anne | {field: mel[field]}]
        data = with_envelope(forged, canonical(forged.envelope | {"slots": slots}))
        outcome = Outcome.ENVELOPE_TAMPERED if field == "wrapped" else Outcome.NO_ACCESS
        assert_refused_inside(outcome, data, MELS)
