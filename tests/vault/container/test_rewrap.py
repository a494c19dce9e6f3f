"""A new envelope for an unchanged body."""

import pytest

from keys.derivation import DEFAULT_COST, PasswordCost
from tests.vault.container.forge import (
    AUTHORITY,
    DOSSIER,
    EDITOR,
    MEL,
    READER,
    RECOVERY,
    STRANGER,
    For,
    Password,
    forge,
)
from tests.vault.container.reading import (
    arrive,
    assert_refused,
    examine_bytes,
    outcome_of,
    read_all,
)
from tests.vault.container.spec import unb64
from vault.container.examine import Expectations
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import MisuseError, Outcome
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock

CHEAP = PasswordCost(19_456, 2, 1)
MELS = PasswordAccess(MEL.username, MEL.password)


@pytest.fixture(scope="module")
def forged():
    return forge(
        passwords=[MEL, Password("anne", "another")],
        recipients=[For(DOSSIER, "dossier", 3), For(READER)],
        recovery=[RECOVERY],
    )


def slot_ids(forged):
    return [unb64(slot["id"]) for slot in forged.envelope["slots"]]


def rewrapped(forged, writer=EDITOR, access=READER.kem, expected=None, **changes):
    """The container with its next envelope."""
    examined = examine_bytes(forged.data, expected or Expectations())
    envelope = rewrap(examined, unlock(examined, access), writer.signing, **changes)
    return replace_envelope(examined, envelope) + forged.body


def test_nothing_changed_is_still_the_next_generation(forged):
    data = rewrapped(forged)
    examined = examine_bytes(data, Expectations(generation=2))
    assert examined.envelope.envelope.generation == 2
    assert examined.envelope.envelope.slots == examine_bytes(forged.data).envelope.envelope.slots
    assert examined.envelope.envelope.kdf == examine_bytes(forged.data).envelope.envelope.kdf
    assert examined.seal.seal_id == forged.seal_id
    assert data.endswith(forged.body)
    assert_refused(Outcome.ENVELOPE_STALE, forged.data, Expectations(generation=2))
    for access in (MELS, READER.kem, DOSSIER.kem, RECOVERY.kem):
        assert read_all(data, access).released == forged.true_files


def test_the_new_dossier_key_in_place_of_the_old_one(forged):
    new = CarriedRecipient("dossier", 4, STRANGER.public)
    data = rewrapped(forged, AUTHORITY, DOSSIER.kem, remove=[slot_ids(forged)[2]], recipients=[new])
    arrive(data)
    envelope = examine_bytes(data).envelope.envelope
    assert envelope.writer == AUTHORITY.signing.public_key
    assert [slot.generation for slot in envelope.recipient_slots] == [0, 4]
    assert read_all(data, STRANGER.kem).released == forged.true_files
    assert outcome_of(read_all, data, DOSSIER.kem) is Outcome.NO_ACCESS


def test_a_new_password_among_kept_ones(forged):
    """The kdf is copied as long as a password slot stays, whatever cost was asked for."""
    new = PasswordAccess("paul", "a third", identity=EDITOR.seed)
    data = rewrapped(forged, remove=[slot_ids(forged)[0]], passwords=[new])
    envelope = examine_bytes(data).envelope.envelope
    assert envelope.kdf == examine_bytes(forged.data).envelope.envelope.kdf
    assert read_all(data, new).finished
    assert read_all(data, PasswordAccess("anne", "another")).finished
    assert outcome_of(read_all, data, MELS) is Outcome.NO_ACCESS
    examined = examine_bytes(data)
    assert unlock(examined, new).identity == EDITOR.seed


def test_all_passwords_new(forged):
    old = examine_bytes(forged.data).envelope.envelope.kdf
    data = rewrapped(
        forged, remove=slot_ids(forged)[:2], passwords=[PasswordAccess("mel", "new")], cost=CHEAP
    )
    kdf = examine_bytes(data).envelope.envelope.kdf
    assert kdf.cost == CHEAP
    assert kdf.salt != old.salt
    assert read_all(data, PasswordAccess("mel", "new")).finished
    without = rewrapped(forged, remove=slot_ids(forged)[:2])
    assert examine_bytes(without).envelope.envelope.kdf.cost == DEFAULT_COST


def test_new_slots_have_fresh_ids(forged):
    new = CarriedRecipient("reader", 0, STRANGER.public)
    seen = {
        examine_bytes(rewrapped(forged, recipients=[new])).envelope.envelope.slots[-1].id for _ in range(5)
    }
    assert len(seen) == 5
    assert seen.isdisjoint(slot_ids(forged))


def test_who_may_write(forged):
    for writer in (STRANGER, READER, DOSSIER):
        with pytest.raises(MisuseError, match="does not list it"):
            rewrapped(forged, writer)
    expected = Expectations(successors=lambda _seal: {AUTHORITY.signing_id: STRANGER.signing_id})
    data = rewrapped(forged, STRANGER, expected=expected, successors=[STRANGER.signing_id])
    examine_bytes(data, expected)
    assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="does not list")


def test_somebody_must_be_able_to_open_it(forged):
    with pytest.raises(MisuseError, match="any more"):
        rewrapped(forged, remove=slot_ids(forged))


def test_unknown_slots_are_not_removed(forged):
    with pytest.raises(MisuseError, match="no such slot"):
        rewrapped(forged, remove=[bytes(8)])
    # Nor the recovery slots: those are the seal's.
    with pytest.raises(MisuseError, match="no such slot"):
        rewrapped(forged, remove=[unb64(forged.seal["recovery"][0]["id"])])


@pytest.mark.parametrize(
    "changes",
    [
        {"recipients": [CarriedRecipient("recovery", 0, RECOVERY.public)]},
        {"recipients": [CarriedRecipient("dossier", 0, READER.public)]},
        {"recipients": [CarriedRecipient("reader", 1, READER.public)]},
        {"recipients": [CarriedRecipient("owner", 0, READER.public)]},
        {"recipients": [CarriedRecipient("reader", 0, bytes(1665))]},
        {"recipients": [CarriedRecipient("reader", 0, READER.public)] * 61},
        {"passwords": [PasswordAccess("", "secret")]},
        {"passwords": [PasswordAccess("mel", "")]},
        {"passwords": [PasswordAccess("mel", "secret", identity=bytes(33))]},
        {"passwords": [PasswordAccess(f"user{number}", "secret") for number in range(15)]},
    ],
    ids=str,
)
def test_what_no_reader_would_accept(forged, changes):
    with pytest.raises(MisuseError) as caught:
        rewrapped(forged, **changes)
    assert "secret" not in str(caught.value)


def test_last_generation():
    with pytest.raises(MisuseError, match="generation"):
        rewrapped(forge(generation=2**53 - 1))


def test_key_of_another_container_is_not_wrapped_into_this_one(forged):
    """It would be given to people who may open this container only."""
    other = examine_bytes(forge(name="container 2").data)
    examined = examine_bytes(forged.data)
    with pytest.raises(MisuseError, match="another container"):
        rewrap(examined, unlock(other, READER.kem), EDITOR.signing)


def test_a_rewrapped_envelope_can_be_rewrapped(forged):
    examined = examine_bytes(forged.data)
    for generation in range(2, 6):
        envelope = rewrap(examined, unlock(examined, READER.kem), (EDITOR, AUTHORITY)[generation % 2].signing)
        data = replace_envelope(examined, envelope) + forged.body
        examined = examine_bytes(data, Expectations(generation=generation))
    assert read_all(data, READER.kem).released == forged.true_files
