"""Every rule of the seal, broken alone: all else is right, and the signature is the signer's own."""

import hashlib

import pytest

from keys.derivation import key_id
from keys.errors import LimitError, MalformedError
from tests.vault.container.forge import AUTHORITY, EDITOR, READER, RECOVERY, STRANGER, Actor, forge, with_seal
from tests.vault.container.reading import (
    arrive,
    assert_refused,
    assert_refused_inside,
    examine_bytes,
    outcome_of,
    read_all,
)
from tests.vault.container.spec import b64, canonical, named, unb64
from tests.vault.container.spoil import changed, each, spoilt, wrong_binary
from vault.container import limits
from vault.container.envelope import RecipientSlot
from vault.container.examine import Expectations
from vault.container.outcomes import Outcome
from vault.container.seal import (
    Seal,
    is_dossier,
    is_evidence_type,
    parse_stored_seal,
    sign_seal,
    verify_seal,
)


@pytest.fixture(scope="module")
def right():
    """A good container whose seal has every field filled."""
    return forge(recovery=[RECOVERY], supersedes=named("the proof before", 32))


def test_reads_what_the_specification_writes(right):
    seal = examine_bytes(right.data).seal
    slot = right.seal["recovery"][0]
    assert seal.seal == Seal(
        format="scelle/1",
        container=right.container,
        dossier="DOS-2026-001",
        evidence_type="other",
        supersedes=named("the proof before", 32),
        payload_length=len(right.payload),
        root=hashlib.sha256(b"\x00" + right.payload).digest(),
        content=unb64(right.seal["content"]),
        commitment=unb64(right.envelope["commitment"]),
        sealed_at=1_790_000_000,
        signer=EDITOR.signing.public_key,
        writers=(AUTHORITY.signing_id,),
        recovery=(
            RecipientSlot(
                "recipient", unb64(slot["id"]), "recovery", RECOVERY.kem_id, 0, unb64(slot["wrapped"])
            ),
        ),
    )
    assert seal.seal_id == right.seal_id
    assert seal.seal.context == right.ctx
    assert seal.encode() == right.seal_bytes
    assert parse_stored_seal(right.seal_bytes) == seal


def test_every_other_spelling_is_malformed(right):
    taken = [
        (act.__name__, what)
        for what, data in spoilt(right.seal)
        for act in (examine_bytes, arrive)
        if outcome_of(act, with_seal(right, data)) is not Outcome.MALFORMED
    ]
    assert taken == []


def test_byte_strings_have_exactly_the_stated_length(right):
    places = [(name,) for name in ("container", "supersedes", "root", "content", "commitment", "signer")]
    places += [("writers", 0), *(("recovery", 0, name) for name in ("id", "key", "wrapped"))]
    for what, data in each(right.seal, wrong_binary, *places):
        assert outcome_of(arrive, with_seal(right, data)) is Outcome.MALFORMED, what
    for place in places:
        if place != ("supersedes",):
            assert_refused(Outcome.MALFORMED, with_seal(right, changed(right.seal, place, "")))
    examine_bytes(with_seal(right, changed(right.seal, ("supersedes",), "")))


GOOD_DOSSIERS = ["a", "A", "0", ".", "..", "-", "_", "DOS-2026-001", "aZ09._-", "x" * 64]
BAD_DOSSIERS = [
    "",
    "x" * 65,
    "a b",
    "a/b",
    "a\\b",
    "a:b",
    "é",
    "ａ",
    "a+b",
    "a@b",
    "٣",
    "a\u200bb",
    "k\u0301",
]
GOOD_TYPES = ["a", "0", ".", "rgpd-questionnaire", "template", "x" * 64, "a_b.c-9"]
BAD_TYPES = ["", "x" * 65, "AIPD", "Other", "a b", "a/b", "é", "ſ", "a:b"]


@pytest.mark.parametrize(
    ("field", "test", "good", "bad"),
    [
        ("dossier", is_dossier, GOOD_DOSSIERS, BAD_DOSSIERS),
        ("evidence_type", is_evidence_type, GOOD_TYPES, BAD_TYPES),
    ],
    ids=["dossier", "evidence_type"],
)
def test_names(right, field, test, good, bad):
    for name in good:
        assert test(name)
        assert getattr(examine_bytes(forge(**{field: name}).data).seal.seal, field) == name
    for name in [*bad, *(f"{name}\n" for name in good)]:
        assert not test(name)
        assert outcome_of(arrive, with_seal(right, changed(right.seal, (field,), name))) is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), "scelle/2"),
        (("format",), "scelle/1 "),
        (("format",), "Scelle/1"),
        (("format",), ""),
        (("payload_length",), 0),
        (("payload_length",), limits.PAYLOAD + 1),
        (("recovery", 0, "type"), "password"),
        (("recovery", 0, "role"), "dossier"),
        (("recovery", 0, "role"), "reader"),
        (("recovery", 0, "generation"), 1),
    ],
    ids=str,
)
def test_values_that_no_seal_has(right, place, value):
    assert_refused(Outcome.MALFORMED, with_seal(right, changed(right.seal, place, value)), match=place[-1])


def test_lists_are_limited_and_without_doubles(right):
    slot = right.seal["recovery"][0]
    slots = [slot | {"id": b64(named(f"recovery {number}", 8))} for number in range(9)]
    writers = [b64(named(f"writer {number}", 32)) for number in range(9)]
    for field, items in (("recovery", slots), ("writers", writers)):
        examine_bytes(with_seal(right, canonical(right.seal | {field: items[:8]})))
        examine_bytes(with_seal(right, canonical(right.seal | {field: []})))
        over = with_seal(right, canonical(right.seal | {field: items}))
        assert_refused(Outcome.LIMIT_EXCEEDED, over, match=field)
    same_id = with_seal(right, canonical(right.seal | {"recovery": [slot, slots[0] | {"id": slot["id"]}]}))
    assert_refused(Outcome.MALFORMED, same_id, match="same id")
    twice = with_seal(right, canonical(right.seal | {"writers": [writers[0], writers[1], writers[0]]}))
    assert_refused(Outcome.MALFORMED, twice, match="twice")


def test_password_slot_is_no_recovery_slot(right):
    password = {"type": "password", "id": "A" * 11, "commitment": "", "wrapped": "", "identity": ""}
    assert_refused(Outcome.MALFORMED, with_seal(right, canonical(right.seal | {"recovery": [password]})))


def test_latest_time(right):
    data = with_seal(right, changed(right.seal, ("sealed_at",), 2**53 - 1))
    assert examine_bytes(data).seal.seal.sealed_at == 2**53 - 1


def test_signature_is_the_signers():
    assert_refused(Outcome.SEAL_INVALID, forge(seal_signer=STRANGER).data, match="signature")


def test_signature_of_another_context_does_not_count(right):
    for context in ("scelle/1 envelope", "scelle/1 receipt", "scelle/1", ""):
        right_end = right.seal_bytes[:-3373] + EDITOR.signing.sign(right.seal_json, context=context)
        data = right.data[: -len(right.seal_bytes)] + right_end
        assert_refused(Outcome.SEAL_INVALID, data, match="signature")


def test_one_half_of_a_signature_is_none(right):
    other = STRANGER.signing.sign(right.seal_json, context="scelle/1 seal")
    own = right.seal_signature
    front = right.data[:-3373]
    for signature in (
        own[:3309] + other[3309:],
        other[:3309] + own[3309:],
        own[:3309] + bytes(64),
        bytes(3373),
    ):
        assert_refused(Outcome.SEAL_INVALID, front + signature, match="signature")


def test_signer_that_is_no_key():
    broken = Actor("broken")
    broken.signing.public_key = b"\x00" * 1952 + b"\xff" * 32
    assert_refused(Outcome.SEAL_INVALID, forge(signer=broken, writer=AUTHORITY).data, match="signature")


def test_re_sealed_by_somebody_else_opens_nothing(right):
    """Whoever takes the body and signs the seal in their own name changes every derivation."""

    def claim(forged):
        forged.seal["signer"] = b64(STRANGER.signing.public_key)

    claimed = forge(at_seal=claim, seal_signer=STRANGER, recovery=[RECOVERY], writers=[EDITOR.signing_id])
    for actor in (READER, RECOVERY):
        assert_refused_inside(Outcome.NO_ACCESS, claimed.data, actor.kem)
    assert (
        outcome_of(examine_bytes, claimed.data, Expectations(signers=[EDITOR.signing_id]))
        is Outcome.UNKNOWN_SIGNER
    )


@pytest.mark.parametrize(
    ("field", "value", "outcome"),
    [
        ("root", b64(bytes(32)), Outcome.PAYLOAD_DAMAGED),
        ("payload_length", 1, Outcome.PAYLOAD_DAMAGED),
        ("payload_length", limits.PAYLOAD, Outcome.PAYLOAD_DAMAGED),
        ("commitment", b64(bytes(32)), Outcome.ENVELOPE_TAMPERED),
    ],
)
def test_seal_and_the_rest_must_agree(right, field, value, outcome):
    assert_refused(outcome, with_seal(right, changed(right.seal, (field,), value)))


@pytest.mark.parametrize(
    ("field", "value"),
    [("container", b64(bytes(16))), ("dossier", "DOS-2026-002")],
    ids=["container", "dossier"],
)
def test_context_binds_what_opens(right, field, value):
    """Signed by the right signer, but for another container or dossier: no access opens it."""
    data = with_seal(right, changed(right.seal, (field,), value))
    for actor in (READER, RECOVERY):
        assert_refused_inside(Outcome.NO_ACCESS, data, actor.kem)


def test_content_binds_the_manifest(right):
    data = with_seal(right, changed(right.seal, ("content",), b64(bytes(32))))
    assert_refused_inside(Outcome.PAYLOAD_DAMAGED, data, READER.kem, match="not the one that was sealed")


def test_callers_dossier_and_signers(right):
    examine_bytes(right.data, Expectations("DOS-2026-001", {EDITOR.signing_id, STRANGER.signing_id}))
    for dossier in ("DOS-2026-002", "dos-2026-001", "DOS-2026-0011", ""):
        assert_refused(Outcome.WRONG_DOSSIER, right.data, Expectations(dossier=dossier))
    for signers in ((), {STRANGER.signing_id}, {AUTHORITY.signing_id, EDITOR.kem_id}):
        assert_refused(Outcome.UNKNOWN_SIGNER, right.data, Expectations(signers=signers))


def test_recovery_key_opens_without_the_envelope(right):
    """Even with an envelope that opens for nobody we know."""
    assert read_all(right.data, RECOVERY.kem).released == right.true_files
    others = forge(recovery=[RECOVERY], recipients=[])
    envelope = canonical(others.envelope | {"slots": [right.envelope["slots"][0]]})
    others.envelope_json = envelope
    others.envelope_signature = EDITOR.signing.sign(envelope, context="scelle/1 envelope")
    others.preamble = (
        right.preamble[:10] + len(others.envelope_bytes).to_bytes(4, "big") + right.preamble[14:]
    )
    assert read_all(others.data, RECOVERY.kem).released == others.true_files


def test_stored_seal_has_the_length_that_it_says(right):
    for data in (
        b"",
        right.seal_bytes[:3],
        right.seal_bytes[:-1],
        right.seal_bytes + b"\x00",
        (2**32 - 1).to_bytes(4, "big") + right.seal_bytes[4:],
        right.seal_bytes[4:],
    ):
        assert outcome_of(parse_stored_seal, data) is Outcome.MALFORMED
    long = bytes(limits.SEAL + 1)
    stored = len(long).to_bytes(4, "big") + long + bytes(3373)
    assert outcome_of(parse_stored_seal, stored) is Outcome.LIMIT_EXCEEDED


def test_writes_only_what_a_reader_accepts(right):
    seal = examine_bytes(right.data).seal.seal
    signed = sign_seal(seal, EDITOR.signing)
    verify_seal(signed)
    assert signed.json == right.seal_json
    slot = seal.recovery[0]
    for change in (
        {"format": "scelle/2"},
        {"container": bytes(15)},
        {"dossier": "a/b"},
        {"evidence_type": "Other"},
        {"supersedes": bytes(31)},
        {"payload_length": 0},
        {"sealed_at": -1},
        {"writers": (bytes(32), bytes(32))},
        {"recovery": (slot, slot)},
        {"recovery": (slot._replace(generation=1),)},
        {"recovery": (slot._replace(role="reader"),)},
    ):
        with pytest.raises(MalformedError):
            sign_seal(seal._replace(**change), EDITOR.signing)
    with pytest.raises(LimitError):
        sign_seal(seal._replace(writers=tuple(named(str(n), 32) for n in range(9))), EDITOR.signing)


def test_largest_seal_stays_below_its_limit(right):
    slot = right.seal["recovery"][0]
    largest = right.seal | {
        "dossier": "x" * 64,
        "evidence_type": "x" * 64,
        "payload_length": limits.PAYLOAD,
        "sealed_at": 2**53 - 1,
        "writers": [b64(named(f"writer {number}", 32)) for number in range(8)],
        "recovery": [slot | {"id": b64(named(f"recovery {number}", 8))} for number in range(8)],
    }
    assert len(canonical(largest)) < limits.SEAL
    assert key_id(unb64(largest["signer"])) == EDITOR.signing_id
