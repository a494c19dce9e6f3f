"""Key files as text: one spelling of the key, lines for people above it, nothing else."""

import base64
import json
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.canonical import Record, decode, encode
from keys.derivation import digest, key_id
from keys.errors import KeyMaterialError, LimitError, MalformedError, WrongPassphraseError, WrongUseError
from keys.keyfile import (
    PUBLIC_PART_LENGTH,
    IdentityField,
    PublicIdentity,
    SecretBlock,
    Use,
    decode_public,
    decode_secret,
    encode_public,
    encode_secret,
    kem_seed,
    plain_seed,
    read_labels,
    read_public_part,
    require_use,
    seal_plain_seed,
    signing_seed,
)
from tests.keys.people import CHEAP, person, public

ANN = public("ann")
TEXT = encode_public(ANN, {"Name": "Ann Éditrice", "Made on": "2026-11-22"})
BLOCK = SecretBlock(kdf=CHEAP, salt=b"s" * 16, box=b"b" * 48, public=ANN)
SECRET = encode_secret(BLOCK, {"Name": "Ann"})
PLAIN = seal_plain_seed(person("ann").seed, ANN)


def refuse(text, error=MalformedError, read=decode_public):
    with pytest.raises(error) as caught:
        read(text)
    return str(caught.value)


def body(text):
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("-----BEGIN"))
    return base64.b64decode("".join(lines[start + 1 : -1]))


def secret_json(**changes):
    """Return a secret key file whose JSON was changed after writing."""
    document = json.loads(body(SECRET)) | changes
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return block("SECRET", data)


def block(kind, data):
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN SCELLE {kind} KEY-----", *lines, f"-----END SCELLE {kind} KEY-----", ""])


def test_public_round_trip():
    assert decode_public(TEXT) == ANN
    assert read_labels(TEXT) == {"Name": "Ann Éditrice", "Made on": "2026-11-22"}


def test_public_text_looks_like_this():
    lines = TEXT.splitlines()
    assert lines[:3] == ["Name: Ann Éditrice", "Made on: 2026-11-22", "-----BEGIN SCELLE PUBLIC KEY-----"]
    assert lines[-1] == "-----END SCELLE PUBLIC KEY-----"
    assert max(map(len, lines)) == 64
    assert body(TEXT) == b"\x01\x01" + ANN.kem + ANN.signing == ANN.encoded
    assert len(ANN.encoded) == PUBLIC_PART_LENGTH == 3651


def test_secret_round_trip():
    assert decode_secret(SECRET) == BLOCK
    assert read_labels(SECRET) == {"Name": "Ann"}


def test_secret_json_has_these_fields():
    document = json.loads(body(SECRET))
    assert list(document) == ["version", "kdf", "salt", "box", "public"]
    assert document["version"] == 1
    assert document["kdf"] == {"memory_kib": 19_456, "passes": 2, "lanes": 1}
    assert json.loads(body(encode_secret(PLAIN)))["kdf"] == ""


def test_without_lines_for_people():
    assert read_labels(encode_public(ANN)) == {}
    assert encode_public(ANN).startswith("-----BEGIN")


def test_lines_for_people_change_nothing():
    assert decode_public("Fingerprint: AAAA-BBBB\n" + TEXT) == ANN


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
    ],
)
def test_line_ends_may_be_those_of_other_systems(change):
    assert decode_public(change(TEXT)) == ANN


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "\n" + text,
        lambda text: text + "\n",
        lambda text: text + "x",
        lambda text: text + text,
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("PUBLIC", "SECRET"),
        lambda text: text.replace("BEGIN SCELLE", "BEGIN  SCELLE"),
        lambda text: text.replace("-----END", "-----end"),
        lambda text: "\n".join(text.splitlines()[:-1]),
        lambda text: "no colon\n" + text,
        lambda text: "1Name: x\n" + text,
        lambda text: "Name:x\n" + text,
        lambda text: "Name: \n" + text,
        lambda text: "Name: x \n" + text,
        lambda text: f"Name: {'x' * 201}\n" + text,
        lambda text: f"{'N' * 41}: x\n" + text,
        lambda text: "Name: \x1b[31mred\n" + text,
        lambda text: "Name: a\u202eb\n" + text,
        lambda text: "Name: a\u200bb\n" + text,
        lambda text: text.replace(text.splitlines()[4], text.splitlines()[4] + " "),
        lambda text: text.replace(text.splitlines()[4] + "\n", text.splitlines()[4]),
        lambda text: text.replace(text.splitlines()[4], ""),
        lambda text: text.replace(text.splitlines()[4], text.splitlines()[4] + "\n"),
        lambda text: text.replace(text.splitlines()[4], "-" * 64),
        lambda text: text.replace(text.splitlines()[4], "é" * 64),
        lambda text: text.replace("-----END", "=\n-----END"),
    ],
)
def test_another_spelling_is_malformed(change):
    refuse(change(TEXT))


def test_stray_bits_in_the_last_character_are_refused():
    # 3652 bytes leave a quantum of one byte: its second character has four bits that mean nothing.
    text = block("PUBLIC", ANN.encoded + b"\x00")
    assert "==" in text
    stray = text.replace("A==", "B==")
    assert stray != text
    assert "lines of 64" in refuse(stray)


def test_a_file_longer_than_any_key_is_refused_at_once():
    refuse("A" * 20_000)
    refuse(block("PUBLIC", bytes(13_000)))


@pytest.mark.parametrize("length", [0, 1, 3650, 3652])
def test_a_public_part_has_one_length(length):
    with pytest.raises(MalformedError):
        read_public_part(ANN.encoded[:length].ljust(length, b"\x00"))


@pytest.mark.parametrize(
    ("position", "value"), [(0, 0), (0, 2), (0, 255), (1, 0), (1, 6), (1, 255), (1570, 2), (1666, 1)]
)
def test_version_use_and_point_are_checked(position, value):
    data = bytearray(ANN.encoded)
    data[position] ^= value ^ data[position] if position < 2 else value
    refuse(block("PUBLIC", bytes(data)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(TEXT) - 1), st.characters(max_codepoint=0x17F))
def test_a_changed_character_gives_another_key_or_none(position, character):
    text = TEXT[:position] + character + TEXT[position + 1 :]
    try:
        identity = decode_public(text)
    except KeyMaterialError:
        return
    in_the_block = position > TEXT.index("-----BEGIN")
    assert (identity == ANN) is (text == TEXT or not in_the_block)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_any_text_ends_in_a_typed_error(text):
    for read in (decode_public, decode_secret, read_labels):
        with pytest.raises(KeyMaterialError):
            read(text)


@pytest.mark.parametrize(
    "names",
    [
        {"Name": ""},
        {"Name": "a\nb"},
        {"Name": "a\r\n-----BEGIN SCELLE PUBLIC KEY-----"},
        {"": "x"},
        {"Na:me": "x"},
        {"Näme": "x"},
        {"Name": " x"},
        {"Name": "x" * 201},
        {"Name": "\x1b]0;title\x07"},
        {"Name": "\u2066hidden"},
        {"Name": "\ud800"},
    ],
)
def test_lines_that_may_not_stand_are_not_written(names):
    with pytest.raises(MalformedError):
        encode_public(ANN, names)
    with pytest.raises(MalformedError):
        encode_secret(BLOCK, names)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": 2},
        {"version": "1"},
        {"kdf": None},
        {"kdf": []},
        {"kdf": {"memory_kib": 65_536, "passes": 3}},
        {"kdf": {"memory_kib": 65_536, "lanes": 4, "passes": 3}},
        {"kdf": {"memory_kib": 65_536, "passes": 3, "lanes": 4, "x": 1}},
        {"salt": ""},
        {"salt": "AAAA"},
        {"box": ""},
        {"public": ""},
        {"extra": 1},
    ],
)
def test_another_secret_document_is_malformed(changes):
    refuse(secret_json(**changes), read=decode_secret)


@pytest.mark.parametrize(
    "kdf",
    [
        {"memory_kib": 8, "passes": 3, "lanes": 1},
        {"memory_kib": 2**40, "passes": 3, "lanes": 1},
        {"memory_kib": 65_536, "passes": 1, "lanes": 1},
        {"memory_kib": 65_536, "passes": 11, "lanes": 1},
        {"memory_kib": 65_536, "passes": 3, "lanes": 0},
        {"memory_kib": 65_536, "passes": 3, "lanes": 9},
        {"memory_kib": 0, "passes": 0, "lanes": 0},
    ],
)
def test_costs_are_checked_when_the_file_is_read(kdf):
    refuse(secret_json(kdf=kdf), LimitError, decode_secret)


def test_a_public_file_is_no_secret_one():
    refuse(TEXT, read=decode_secret)
    refuse(SECRET, read=decode_public)
    assert "SECRET" in refuse(TEXT, read=decode_secret)


def test_ids_and_fingerprint():
    assert ANN.kem_key_id == key_id(ANN.kem)
    assert ANN.signing_key_id == key_id(ANN.signing)
    assert ANN.key_id == digest("scelle/1 key", ANN.kem, ANN.signing)
    groups = ANN.fingerprint.split("-")
    assert [len(group) for group in groups] == [4] * 8
    assert base64.b32decode("".join(groups)) == ANN.key_id[:20]


def test_the_use_does_not_change_the_fingerprint():
    assert ANN._replace(use=Use.SERVICE).fingerprint == ANN.fingerprint


def test_uses_are_those_of_the_format():
    assert {use.name: int(use) for use in Use} == {
        "PERSON": 1,
        "AUTHORITY": 2,
        "SERVICE": 3,
        "DOSSIER": 4,
        "RECOVERY": 5,
    }


def test_a_wrong_use_is_said_with_the_right_one():
    require_use(ANN, Use.PERSON)
    require_use(ANN, Use.SERVICE, Use.PERSON)
    with pytest.raises(WrongUseError) as caught:
        require_use(ANN, Use.AUTHORITY, Use.SERVICE)
    assert str(caught.value) == (
        "this is a person's key; use an authority's key or a portal's or server's key here"
    )


@pytest.mark.parametrize("use", Use)
def test_every_use_can_be_written_and_asked_for(use):
    identity = ANN._replace(use=use)
    assert decode_public(encode_public(identity)).use is use
    require_use(identity, use)
    for other in set(Use) - {use}:
        with pytest.raises(WrongUseError):
            require_use(identity, other)


class Holder(NamedTuple):
    public: PublicIdentity


def test_an_identity_inside_a_document():
    codec = Record(Holder, public=IdentityField())
    data = encode(codec, Holder(ANN))
    assert data == b'{"public":"' + base64.urlsafe_b64encode(ANN.encoded).rstrip(b"=") + b'"}'
    assert decode(codec, data, maximum=9_000) == Holder(ANN)


@pytest.mark.parametrize("data", [b'{"public":"AQEA"}', b'{"public":""}', b'{"public":1}'])
def test_no_identity_inside_a_document(data):
    with pytest.raises(MalformedError):
        decode(Record(Holder, public=IdentityField()), data, maximum=9_000)


def test_half_an_identity_is_not_written():
    with pytest.raises(MalformedError):
        encode(Record(Holder, public=IdentityField()), Holder(ANN._replace(kem=b"")))


def test_a_plain_box_opens_for_whoever_has_it():
    assert plain_seed(PLAIN) == person("ann").seed
    assert decode_secret(encode_secret(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    "change",
    [
        {"salt": b"t" * 16},
        {"box": b"b" * 48},
        {"public": public("bob")},
        {"public": ANN._replace(use=Use.SERVICE)},
        {"public": ANN._replace(kem=public("bob").kem)},
        {"public": ANN._replace(signing=public("bob").signing)},
    ],
)
def test_a_damaged_plain_box_is_malformed(change):
    with pytest.raises(MalformedError):
        plain_seed(PLAIN._replace(**change))


def test_a_locked_box_is_not_taken_for_a_plain_one():
    with pytest.raises(WrongPassphraseError):
        plain_seed(BLOCK)


def test_two_plain_files_of_one_seed_differ():
    again = seal_plain_seed(person("ann").seed, ANN)
    assert again.salt != PLAIN.salt
    assert again.box != PLAIN.box


def test_the_halves_of_a_seed_differ():
    assert len(signing_seed(b"s" * 32)) == 64
    assert len(kem_seed(b"s" * 32)) == 32
    assert kem_seed(b"s" * 32) not in signing_seed(b"s" * 32)


def test_nothing_secret_is_shown():
    for shown in (repr(PLAIN), str(PLAIN), f"{PLAIN}"):
        assert "box" not in shown
        assert shown == f"SecretBlock(PublicIdentity(PERSON, {ANN.fingerprint}), without passphrase)"
    assert "locked" in repr(BLOCK)
    assert repr(ANN) == f"PublicIdentity(PERSON, {ANN.fingerprint})"
