"""The kinds: their exact documents, and what no field forbids by itself."""

import json

import pytest

from keys.canonical import MAX_INTEGER, encode_binary
from keys.errors import KeyMaterialError, LimitError, MalformedError, WrongUseError
from keys.forms import CODECS, KINDS
from keys.kinds import (
    MAX_APPROVAL,
    MAX_ENDED,
    MOMENTARY,
    ROLE_USES,
    Approval,
    Checkpoint,
    DossierKey,
    Erasure,
    Grant,
    Habilitation,
    Mandate,
    Opening,
    Receipt,
    RecoveryKey,
    Rotation,
    Succession,
    Withdrawal,
)
from keys.statements import MAX_STATEMENT, Signed, read_unjudged
from tests.keys.people import NOW, fields, key, key_id, person, public, say, sign

ALL = tuple(CODECS)

FIELDS = {
    "habilitation": "subject role organisation scope",
    "recovery key": "public_key",
    "withdrawal": "withdrawn reason",
    "mandate": "dossier signer evidence_types may_replace",
    "dossier key": "dossier generation public_key previous writers",
    "grant": "dossier generation grantee wrapped",
    "succession": "old new",
    "opening": "seal_id outcome",
    "receipt": "proof organisation dossier evidence_type seal_id envelope_digest generation size signer "
    "actor supersedes journal_position journal_leaf",
    "checkpoint": "origin size root",
    "erasure": "organisation dossier actor closed versions root grants templates journal_position "
    "journal_leaf",
    "approval": "service act subject digest",
    "rotation": "organisation dossier actor ended keys generation key containers root journal_position "
    "journal_leaf",
}


def issuer_of(kind):
    return "ann" if kind is Succession else "authority"


def refused(kind, error=MalformedError, **changes):
    """Refuse both to sign such a statement and to read one that somebody else signed."""
    with pytest.raises(error) as caught:
        say(kind, issuer_of(kind), **changes)
    with pytest.raises(error):
        forge(kind, **changes)
    return str(caught.value)


def forge(kind, **changes):
    """Read a statement that was signed by a program without any check."""
    statement = fields(kind, issuer_of(kind))
    document = json.loads(say(kind, issuer_of(kind)).statement)
    codec = CODECS[kind]
    for name, value in changes.items():
        field = {"valid_from": "from", "valid_until": "until"}.get(name, name)
        document[field] = raw(codec._fields[field], value)
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    signature = person(issuer_of(kind)).signing.sign(data, context=f"scelle/1 {statement.kind}")
    return read_unjudged(Signed(data, signature), kind)


def raw(codec, value):
    """Return the JSON of a value that the codec may refuse."""
    if isinstance(value, bytes):
        return encode_binary(value)
    if isinstance(value, tuple):
        return codec.dump(value, "") if hasattr(value, "encoded") else [raw(None, each) for each in value]
    return value


def test_these_and_no_others():
    assert set(KINDS) == set(FIELDS)
    assert {kind._field_defaults["kind"] for kind in ALL} == set(FIELDS)


@pytest.mark.parametrize("kind", ALL)
def test_exact_fields_in_their_order(kind):
    document = json.loads(say(kind, issuer_of(kind)).statement)
    name = document["kind"]
    assert list(document) == ["kind", "issuer", "issued", "from", "until", *FIELDS[name].split()]
    assert KINDS[name] is kind


@pytest.mark.parametrize("kind", ALL)
def test_round_trip(kind):
    assert read_unjudged(say(kind, issuer_of(kind)), kind) == fields(kind, issuer_of(kind))


@pytest.mark.parametrize("kind", ALL)
def test_whoever_forges_well_is_read_the_same(kind):
    assert forge(kind) == fields(kind, issuer_of(kind))


@pytest.mark.parametrize("kind", MOMENTARY)
def test_what_happened_has_one_date(kind):
    assert "one moment" in refused(kind, valid_from=NOW - 1)
    refused(kind, valid_from=NOW + 1)
    refused(kind, valid_until=NOW + 1)
    refused(kind, valid_until=1)


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in MOMENTARY])
def test_what_stands_ends_after_it_begins(kind):
    refused(kind, valid_from=NOW, valid_until=NOW - 1)
    say(kind, valid_from=NOW, valid_until=NOW)
    if kind is not Approval:
        say(kind, valid_from=NOW, valid_until=0)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("value", [-1, MAX_INTEGER + 1, True, "1", 1.0])
def test_dates_are_whole_numbers(kind, value):
    changes = {"issued": value, "valid_from": value} if kind in MOMENTARY else {"issued": value}
    refused(kind, **changes)


@pytest.mark.parametrize("role", ROLE_USES)
@pytest.mark.parametrize("name", ["ann", "portal", "authority", "dossier", "recovery"])
def test_a_role_needs_a_key_made_for_it(role, name):
    subject = public(name)
    if subject.use is ROLE_USES[role]:
        assert forge(Habilitation, subject=subject, role=role).subject == subject
        return
    text = refused(Habilitation, WrongUseError, subject=subject, role=role)
    assert "make one with scelle keygen" in text


@pytest.mark.parametrize("role", ["", "editor", "authority", "auditor", "Admin", 1])
def test_other_roles_are_none(role):
    with pytest.raises((MalformedError, KeyError)):
        say(Habilitation, role=role)
    with pytest.raises(MalformedError):
        forge(Habilitation, role=role)


@pytest.mark.parametrize("organisation", ["", " ", " x", "x ", "a\nb", 7])
def test_an_organisation_has_a_name(organisation):
    refused(Habilitation, organisation=organisation)


def test_long_names_and_lists_are_a_limit():
    refused(Habilitation, LimitError, organisation="x" * 257)
    refused(Habilitation, LimitError, scope=("x",) * 65)
    refused(Mandate, LimitError, evidence_types=("x",) * 65)
    refused(DossierKey, LimitError, writers=(bytes(32),) * 9)


@pytest.mark.parametrize("dossier", ["", "a b", "a/b", "é", "x" * 64 + "y", "..\n"])
@pytest.mark.parametrize("kind", [Mandate, DossierKey, Grant, Receipt])
def test_a_dossier_has_an_id(kind, dossier):
    refused(kind, KeyMaterialError, dossier=dossier)


@pytest.mark.parametrize("types", [(), ("AIPD",), ("",), ("a b",), ("aipd", "é")])
def test_a_mandate_names_its_types(types):
    refused(Mandate, evidence_types=types)


@pytest.mark.parametrize("signer", [b"", bytes(31), bytes(33)])
def test_a_mandate_names_one_key(signer):
    refused(Mandate, signer=signer)


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_whether_it_may_replace_is_said(value):
    refused(Mandate, may_replace=value)


@pytest.mark.parametrize(
    ("generation", "previous"), [(1, bytes(32)), (2, b""), (0, b""), (2, bytes(31)), (-1, b"")]
)
def test_every_dossier_key_but_the_first_has_a_previous_one(generation, previous):
    refused(DossierKey, generation=generation, previous=previous)


def test_a_second_dossier_key():
    assert forge(DossierKey, generation=2, previous=bytes(32)).generation == 2


@pytest.mark.parametrize("writers", [(), (bytes(31),), (b"",)])
def test_a_dossier_key_names_writers(writers):
    refused(DossierKey, writers=writers)


@pytest.mark.parametrize("kind", [DossierKey, RecoveryKey])
def test_a_public_key_is_one(kind):
    good = public("dossier").kem
    for bad in (b"", good[:-1], good + b"\x00", bytes(1665), good[:-1] + bytes([good[-1] ^ 1])):
        refused(kind, public_key=bad)


@pytest.mark.parametrize("generation", [0, -1, "1"])
def test_a_grant_has_a_generation(generation):
    refused(Grant, generation=generation)


@pytest.mark.parametrize("length", [0, 1712, 1714])
def test_a_grant_has_one_length(length):
    refused(Grant, wrapped=bytes(length))


def test_a_succession_is_by_the_old_key():
    with pytest.raises(MalformedError, match="issued by the old key"):
        sign(fields(Succession, "ann", old=public("bob")), "ann")
    with pytest.raises(MalformedError, match="issued by the old key"):
        forge(Succession, old=public("bob"))


@pytest.mark.parametrize("name", ["authority", "portal", "dossier"])
def test_a_successor_has_the_same_use(name):
    assert "another use" in refused(Succession, new=public(name))


def test_a_successor_is_another_key():
    refused(Succession, new=public("ann"))
    refused(Succession, new=public("ann")._replace(kem=public("bob").kem))


@pytest.mark.parametrize("outcome", ["", "Opened", "ok", "failed", None])
def test_an_opening_has_a_known_outcome(outcome):
    refused(Opening, outcome=outcome)


OUTCOMES = (
    "malformed unsupported_version limit_exceeded seal_invalid envelope_tampered envelope_stale "
    "payload_damaged wrong_dossier unknown_signer no_access unsafe_path"
)


@pytest.mark.parametrize("outcome", OUTCOMES.split())
def test_a_complaint_can_name_every_outcome_of_a_container(outcome):
    assert forge(Opening, outcome=outcome).outcome == outcome


@pytest.mark.parametrize("reason", ["", "because", "Left"])
def test_a_withdrawal_has_a_known_reason(reason):
    refused(Withdrawal, reason=reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0},
        {"generation": 0},
        {"seal_id": b""},
        {"envelope_digest": b""},
        {"signer": b""},
        {"supersedes": bytes(31)},
        {"journal_position": -1},
        {"journal_leaf": b""},
        {"evidence_type": "AIPD"},
        {"proof": ""},
        {"actor": ""},
    ],
)
def test_a_receipt_is_complete(changes):
    refused(Receipt, **changes)


def test_a_receipt_may_supersede():
    assert forge(Receipt, supersedes=bytes(32)).supersedes == bytes(32)


@pytest.mark.parametrize("changes", [{"origin": ""}, {"size": -1}, {"root": b""}])
def test_a_checkpoint_is_complete(changes):
    refused(Checkpoint, **changes)


def test_an_empty_journal_has_a_checkpoint():
    assert forge(Checkpoint, size=0).size == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"organisation": ""},
        {"dossier": "D 1"},
        {"actor": ""},
        {"closed": -1},
        {"versions": -1},
        {"root": b""},
        {"grants": -1},
        {"templates": -1},
        {"journal_position": -1},
        {"journal_leaf": bytes(31)},
    ],
)
def test_an_erasure_is_complete(changes):
    refused(Erasure, **changes)


def test_an_empty_dossier_can_be_erased():
    assert forge(Erasure, versions=0, grants=0, templates=0).versions == 0


ENDED = tuple(bytes([number]) * 32 for number in range(2 * MAX_ENDED, 0, -1))
"""Key ids, the newest first."""


@pytest.mark.parametrize(
    "changes",
    [
        {"organisation": ""},
        {"dossier": "D 1"},
        {"actor": ""},
        {"ended": 0, "keys": ()},
        {"ended": 3},
        {"ended": 3, "keys": ENDED[:3]},
        {"ended": 1},
        {"keys": ENDED[:1]},
        {"keys": ENDED[:3]},
        {"keys": (bytes(32), bytes(32))},
        {"key": bytes([1]) * 32},
        {"keys": (bytes(32), bytes(31))},
        {"key": b""},
        {"containers": -1},
        {"root": b""},
        {"journal_position": -1},
        {"journal_leaf": bytes(31)},
    ],
)
def test_a_rotation_is_complete(changes):
    refused(Rotation, **changes)


def test_a_rotation_names_the_last_keys_where_there_were_many():
    for ended in (MAX_ENDED, MAX_ENDED + 1, 2 * MAX_ENDED):
        said = {"ended": ended, "generation": 500, "key": bytes([255]) * 32}
        assert forge(Rotation, keys=ENDED[:MAX_ENDED], **said).ended == ended
        refused(Rotation, keys=ENDED[: MAX_ENDED - 1], **said)
        refused(Rotation, KeyMaterialError, keys=ENDED[: MAX_ENDED + 1], **said)
    assert len(say(Rotation, keys=ENDED[:MAX_ENDED], **said).statement) < MAX_STATEMENT / 2


def test_a_dossier_that_holds_nothing_can_be_rotated():
    assert forge(Rotation, containers=0).containers == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"service": ""},
        {"service": " https://vault.example"},
        {"act": "rotate"},
        {"act": ""},
        {"subject": ""},
        {"subject": "D 1"},
        {"act": "authority"},
        {"act": "authority", "subject": "A" * 64},
        {"act": "authority", "subject": "a" * 63},
        {"digest": b""},
        {"digest": bytes(31)},
        {"valid_until": 0},
        {"valid_from": NOW, "valid_until": NOW - 1},
        {"valid_from": NOW, "valid_until": NOW + MAX_APPROVAL + 1},
        {"valid_from": 0, "valid_until": NOW},
    ],
)
def test_an_approval_is_of_one_thing_and_ends(changes):
    refused(Approval, **changes)


def test_an_approval_may_be_as_long_as_seven_days():
    longest = forge(Approval, valid_from=NOW, valid_until=NOW + MAX_APPROVAL)
    assert longest.valid_until == NOW + 7 * 86_400
    assert forge(Approval, valid_from=NOW, valid_until=NOW).issued == NOW
    assert forge(Approval, act="authority", subject="0f" * 32).subject == "0f" * 32
    assert forge(Approval, act="reencrypt").act == "reencrypt"


@pytest.mark.parametrize("kind", ALL)
def test_the_issuer_is_a_whole_key(kind):
    with pytest.raises(MalformedError):
        sign(fields(kind, issuer_of(kind))._replace(issuer=key("authority")[:-1]), "authority")
    with pytest.raises(KeyMaterialError):
        forge(kind, issuer=bytes(1983))


def test_key_ids_are_those_of_the_signing_half():
    assert fields(Mandate).signer == key_id("editor") == public("editor").signing_key_id
