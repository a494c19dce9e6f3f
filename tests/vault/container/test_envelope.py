"""Every rule of the envelope, broken alone: all else is right, and the signature is the writer's own."""

import hashlib

import pytest

import keys.derivation
from keys.derivation import PasswordCost
from keys.errors import LimitError, MalformedError
from tests.vault.container.forge import (
    AUTHORITY,
    DOSSIER,
    EDITOR,
    MEL,
    READER,
    STRANGER,
    Actor,
    For,
    Password,
    forge,
    with_envelope,
)
from tests.vault.container.reading import (
    arrive,
    assert_refused,
    examine_bytes,
    open_bytes,
    outcome_of,
    read_all,
)
from tests.vault.container.spec import SIGNATURE, b64, canonical, named, unb64
from tests.vault.container.spoil import changed, each, spoilt, wrong_binary
from vault.container import limits
from vault.container.envelope import (
    Envelope,
    Kdf,
    PasswordSlot,
    RecipientSlot,
    encode_envelope,
    parse_envelope,
)
from vault.container.examine import Expectations
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess


@pytest.fixture(scope="module")
def right():
    """A good container with a slot of each kind."""
    return forge(
        passwords=[Password(MEL.username, MEL.password, EDITOR.seed)],
        recipients=[For(DOSSIER, "dossier", 3), For(READER)],
    )


def slots_like(forged, count, kind):
    """Copies of the first slot of a kind, each with an id of its own."""
    first = next(slot for slot in forged.envelope["slots"] if slot["type"] == kind)
    return [first | {"id": b64(named(f"{kind} {number}", 8))} for number in range(count)]


def test_reads_what_the_specification_writes(right):
    envelope = examine_bytes(right.data).envelope
    password, dossier, reader = right.envelope["slots"]
    assert envelope.envelope == Envelope(
        unb64(right.envelope["commitment"]),
        1,
        Kdf(right.salt, 19_456, 2, 1),
        (
            PasswordSlot(
                "password", *(unb64(password[k]) for k in ("id", "commitment", "wrapped", "identity"))
            ),
            RecipientSlot(
                "recipient", unb64(dossier["id"]), "dossier", DOSSIER.kem_id, 3, unb64(dossier["wrapped"])
            ),
            RecipientSlot(
                "recipient", unb64(reader["id"]), "reader", READER.kem_id, 0, unb64(reader["wrapped"])
            ),
        ),
        EDITOR.signing.public_key,
    )
    assert envelope.encode() == right.envelope_bytes
    assert envelope.digest == hashlib.sha256(right.envelope_bytes).digest()
    assert [slot.type for slot in envelope.envelope.password_slots] == ["password"]
    assert [slot.role for slot in envelope.envelope.recipient_slots] == ["dossier", "reader"]


def test_every_other_spelling_is_malformed(right):
    taken = [
        (act.__name__, what)
        for what, data in spoilt(right.envelope)
        for act in (examine_bytes, arrive)
        if outcome_of(act, with_envelope(right, data)) is not Outcome.MALFORMED
    ]
    assert taken == []


def test_byte_strings_have_exactly_the_stated_length(right):
    places = [("commitment",), ("kdf", "salt"), ("writer",)]
    places += [("slots", 0, name) for name in ("id", "commitment", "wrapped", "identity")]
    places += [("slots", 1, name) for name in ("id", "key", "wrapped")]
    for what, data in each(right.envelope, wrong_binary, *places):
        assert outcome_of(arrive, with_envelope(right, data)) is Outcome.MALFORMED, what


def test_only_the_identity_may_be_empty(right):
    for place in [
        ("commitment",),
        ("kdf", "salt"),
        ("writer",),
        ("slots", 0, "id"),
        ("slots", 0, "commitment"),
        ("slots", 0, "wrapped"),
        ("slots", 1, "key"),
        ("slots", 1, "wrapped"),
    ]:
        assert_refused(
            Outcome.MALFORMED, with_envelope(right, changed(right.envelope, place, "")), match=place[-1]
        )
    examine_bytes(with_envelope(right, changed(right.envelope, ("slots", 0, "identity"), "")))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("generation",), 0),
        (("slots",), []),
        (("slots", 0, "type"), "recipient"),
        (("slots", 0, "type"), "other"),
        (("slots", 1, "type"), "password"),
        (("slots", 1, "role"), "recovery"),
        (("slots", 1, "role"), "owner"),
        (("slots", 1, "role"), ""),
        (("slots", 1, "role"), "Dossier"),
        (("slots", 1, "generation"), 0),
        (("slots", 2, "generation"), 1),
    ],
    ids=str,
)
def test_values_that_no_envelope_has(right, place, value):
    assert_refused(Outcome.MALFORMED, with_envelope(right, changed(right.envelope, place, value)))


def test_highest_generation(right):
    data = with_envelope(right, changed(right.envelope, ("generation",), 2**53 - 1))
    assert examine_bytes(data).envelope.envelope.generation == 2**53 - 1


def test_slot_ids_are_distinct(right):
    password, dossier, reader = right.envelope["slots"]
    for slots in (
        [password, dossier, reader | {"id": dossier["id"]}],
        [password, dossier | {"id": password["id"]}, reader],
        [password, password],
    ):
        data = with_envelope(right, canonical(right.envelope | {"slots": slots}))
        assert_refused(Outcome.MALFORMED, data, match="same id")


@pytest.mark.parametrize(("kind", "most"), [("recipient", 64), ("password", 16)])
def test_slots_are_limited(right, kind, most):
    full = canonical(right.envelope | {"slots": slots_like(right, most, kind)})
    examine_bytes(with_envelope(right, full))
    arrive(with_envelope(right, full))
    over = canonical(right.envelope | {"slots": slots_like(right, most + 1, kind)})
    assert_refused(Outcome.LIMIT_EXCEEDED, with_envelope(right, over))


def test_password_slots_count_apart(right):
    passwords, recipients = (
        slots_like(right, count, kind) for count, kind in ((17, "password"), (47, "recipient"))
    )
    full = with_envelope(right, canonical(right.envelope | {"slots": recipients + passwords}))
    assert_refused(Outcome.LIMIT_EXCEEDED, full, match="password slots")
    examine_bytes(with_envelope(right, canonical(right.envelope | {"slots": recipients + passwords[:16]})))


def test_largest_envelope_fits_and_a_longer_one_is_refused_by_its_length(right):
    full = canonical(right.envelope | {"slots": slots_like(right, 64, "recipient")})
    assert len(full) + SIGNATURE < limits.ENVELOPE
    long = with_envelope(right, full + b" " * (limits.ENVELOPE - len(full) - SIGNATURE + 1))
    assert_refused(Outcome.LIMIT_EXCEEDED, long)
    assert_refused(Outcome.MALFORMED, with_envelope(right, full + b" " * 100))


@pytest.mark.parametrize("name", ["memory_kib", "passes", "lanes"])
def test_argon2_bounds_are_checked_before_anything_is_derived(right, name, monkeypatch):
    def derive(**_):
        pytest.fail("derived")

    lowest, highest = {"memory_kib": (19_456, 524_288), "passes": (2, 10), "lanes": (1, 8)}[name]
    for value in (lowest, highest):
        examine_bytes(with_envelope(right, changed(right.envelope, ("kdf", name), value)))
    monkeypatch.setattr(keys.derivation, "Argon2id", derive)
    for value in (0, lowest - 1, highest + 1, 2**32, 2**53 - 1):
        data = with_envelope(right, changed(right.envelope, ("kdf", name), value))
        assert_refused(Outcome.LIMIT_EXCEEDED, data, match="Argon2")
        for access in (READER.kem, PasswordAccess(MEL.username, MEL.password)):
            assert outcome_of(open_bytes, data, access) is Outcome.LIMIT_EXCEEDED


def test_argon2_bounds_count_without_password_slots_too():
    assert_refused(Outcome.LIMIT_EXCEEDED, forge(kdf=(19_455, 2, 1)).data, match="Argon2")


def test_signer_and_listed_writer_may_write(right):
    for writer in (EDITOR, AUTHORITY):
        data = forge(writer=writer).data
        assert read_all(data, READER.kem).finished
        arrive(data)


def test_nobody_else_may_write():
    for writer in (STRANGER, READER):
        assert_refused(Outcome.ENVELOPE_TAMPERED, forge(writer=writer).data, match="does not list")
    # Not even the authority, where the seal does not list it.
    assert_refused(Outcome.ENVELOPE_TAMPERED, forge(writer=AUTHORITY, writers=()).data, match="does not list")


def test_writer_and_signature_must_agree():
    for writer, signer in ((EDITOR, STRANGER), (EDITOR, AUTHORITY), (AUTHORITY, EDITOR)):
        data = forge(writer=writer, envelope_signer=signer).data
        assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="signature")


def test_signature_of_another_context_does_not_count(right):
    signature = EDITOR.signing.sign(right.envelope_json, context="scelle/1 seal")
    data = right.preamble + right.envelope_json + signature + right.body
    assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="signature")


def test_key_that_is_no_key_may_not_write():
    nobody = Actor("nobody")
    broken = b"\x00" * 1952 + b"\xff" * 32
    nobody.signing.public_key = broken
    listed = [keys.derivation.key_id(broken)]
    assert_refused(Outcome.ENVELOPE_TAMPERED, forge(writer=nobody, writers=listed).data, match="signature")


SECOND, THIRD = Actor("second authority"), Actor("third authority")


def _chain(successors):
    known = {old.signing_id: new.signing_id for old, new in successors.items()}
    return lambda _seal: known


@pytest.mark.parametrize(
    ("writer", "successors", "allowed"),
    [
        (SECOND, {}, False),
        (SECOND, {AUTHORITY: SECOND}, True),
        (THIRD, {AUTHORITY: SECOND}, False),
        (THIRD, {AUTHORITY: SECOND, SECOND: THIRD}, True),
        (THIRD, {SECOND: THIRD}, False),
        (AUTHORITY, {AUTHORITY: SECOND, SECOND: AUTHORITY}, True),
        (STRANGER, {AUTHORITY: SECOND, SECOND: AUTHORITY}, False),
        (STRANGER, {AUTHORITY: AUTHORITY}, False),
        # The signer has no successors: only listed keys have.
        (SECOND, {EDITOR: SECOND}, False),
    ],
)
def test_successors_of_a_listed_key_may_write(writer, successors, allowed):
    data = forge(writer=writer).data
    expected = Expectations(successors=_chain(successors))
    if allowed:
        examine_bytes(data, expected)
        arrive(data, expected)
        assert read_all(data, READER.kem, expected).finished
    else:
        assert_refused(Outcome.ENVELOPE_TAMPERED, data, expected, match="does not list")


def test_chains_from_two_listed_keys_are_followed_apart():
    first, other = Actor("first listed"), Actor("other listed")
    data = forge(writer=THIRD, writers=[first.signing_id, other.signing_id]).data
    # The chains meet, in either order: the third is reached through both.
    for chain in (
        {first: SECOND, SECOND: THIRD, other: SECOND},
        {other: SECOND, SECOND: THIRD},
        {first: other, other: THIRD},
        {other: first, first: THIRD},
    ):
        expected = Expectations(successors=_chain(chain))
        examine_bytes(data, expected)


def test_commitment_of_another_container(right):
    data = with_envelope(
        right,
        canonical(right.envelope | forge(name="container 2").envelope | {"slots": right.envelope["slots"]}),
    )
    assert_refused(Outcome.ENVELOPE_TAMPERED, data, match="another container")


def test_generation_below_one_seen_is_stale():
    data = forge(generation=4).data
    for seen in (0, 1, 3, 4):
        examine_bytes(data, Expectations(generation=seen))
        arrive(data, Expectations(generation=seen))
    for seen in (5, 2**53 - 1):
        assert_refused(Outcome.ENVELOPE_STALE, data, Expectations(generation=seen), match="generation 4")


@pytest.mark.parametrize("length", [0, 1, SIGNATURE - 1, SIGNATURE, SIGNATURE + 1])
def test_envelope_shorter_than_a_signature_is_malformed(length):
    assert outcome_of(parse_envelope, bytes(length)) is Outcome.MALFORMED


def test_envelope_that_comes_alone_is_limited_too():
    """As a server takes it for a rewrap, without a preamble."""
    assert outcome_of(parse_envelope, bytes(limits.ENVELOPE)) is Outcome.MALFORMED
    assert outcome_of(parse_envelope, bytes(limits.ENVELOPE + 1)) is Outcome.LIMIT_EXCEEDED


def test_writes_only_what_a_reader_accepts(right):
    envelope = examine_bytes(right.data).envelope.envelope
    assert encode_envelope(envelope) == right.envelope_json
    one = envelope.slots[0]
    for slots in ((), (one, one), (envelope.slots[1]._replace(generation=0),)):
        with pytest.raises(MalformedError):
            encode_envelope(envelope._replace(slots=slots))
    many = tuple(one._replace(id=named(f"slot {number}", 8)) for number in range(17))
    many_more = tuple(envelope.slots[1]._replace(id=named(f"slot {number}", 8)) for number in range(65))
    for slots in (many, many_more):
        with pytest.raises(LimitError):
            encode_envelope(envelope._replace(slots=slots))
    with pytest.raises(LimitError):
        encode_envelope(envelope._replace(kdf=Kdf(bytes(16), *PasswordCost(memory_kib=19_455))))
