"""Key files that a token locks, with SoftHSM as the token: ``make test-hsm``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client.errors import ConflictProblem, NotFoundProblem
from client.keyfiles import load_key
from client.tokens import NEW_LABEL, OtherToken, TokenMissing, Tries, WrongPin, agree, prepare_key
from keys.files import read_secret_text, write_pair
from keys.keyfile import Use, decode_secret, encode_public
from keys.keyring import Identity, lock_to_token, unlock_by_token
from keys.tokenlock import make_lock
from tests.hsm.conftest import PIN

SCELLE = str(Path(sys.executable).parent / "scelle")


def pin(_token):
    return PIN


def never(_token):
    raise AssertionError("nobody is asked for a PIN here")


def scelle(*words, cwd, pin_text=PIN, fails=None):
    (cwd / "pin").write_text(pin_text)
    environment = {**os.environ, "SCELLE_PIN_FILE": str(cwd / "pin"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(  # noqa: S603 - our own command
        [SCELLE, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == (fails or 0), done.stderr
    return done


@pytest.fixture(scope="module")
def key(softhsm):
    return prepare_key("alice", None, pin)


@pytest.fixture
def locked(key, tmp_path):
    identity = Identity.generate(Use.PERSON)
    path = tmp_path / "alice.key"
    write_pair(path, lock_to_token(identity, key.point), encode_public(identity.public))
    return path, identity


def test_the_token_opens_the_file(locked):
    path, identity = locked
    opened = load_key(str(path), lambda: never(""), lambda lock: agree(lock, pin))
    assert (opened.seed, opened.public) == (identity.seed, identity.public)


def test_both_ends_come_to_the_same_secret_again_and_again(key):
    for _ in range(20):
        made = make_lock(key.point)
        assert agree(made.lock, pin) == made.shared


def test_the_token_is_the_one_that_holds_the_key(key):
    assert key.token == "alice"
    asked = []
    agree(make_lock(key.point).lock, lambda token: asked.append(token) or PIN)
    assert asked == ["alice"]


def test_a_wrong_pin_opens_nothing_and_says_what_is_left(locked):
    path, identity = locked
    with pytest.raises(WrongPin, match="alice") as caught:
        load_key(str(path), lambda: never(""), lambda lock: agree(lock, lambda _token: "000000"))
    assert caught.value.tries is Tries.FEW
    assert "000000" not in str(caught.value)
    assert load_key(str(path), lambda: never(""), lambda lock: agree(lock, pin)).seed == identity.seed


def test_nobody_is_asked_for_the_pin_of_a_token_without_the_key(softhsm):
    elsewhere = ec.generate_private_key(ec.SECP384R1()).public_key()
    point = elsewhere.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with pytest.raises(OtherToken, match=r"alice.*bob|bob.*alice"):
        agree(make_lock(point).lock, never)


def test_a_token_that_is_not_there_is_said_before_a_pin_is_asked_for(softhsm):
    with pytest.raises(TokenMissing, match="there is no token carol"):
        prepare_key("carol", None, never)


def test_a_key_that_is_there_is_used_by_its_label(softhsm):
    made = prepare_key("bob", None, pin)
    assert prepare_key("bob", NEW_LABEL, pin) == made
    with pytest.raises(NotFoundProblem, match="no key other"):
        prepare_key("bob", "other", pin)
    prepare_key("bob", None, pin)
    with pytest.raises(ConflictProblem, match="several keys"):
        prepare_key("bob", NEW_LABEL, pin)


def test_two_tokens_of_one_label_are_not_told_apart_by_chance(softhsm):
    with pytest.raises(ConflictProblem, match="several tokens"):
        prepare_key("twin", None, never)


def test_a_file_that_was_changed_opens_nothing(key, tmp_path):
    identity = Identity.generate(Use.PERSON)
    block = decode_secret(lock_to_token(identity, key.point))
    assert unlock_by_token(block, lambda lock: agree(lock, pin)).seed == identity.seed
    for changed in (
        block._replace(salt=bytes(16)),
        block._replace(box=bytes(48)),
        block._replace(public=Identity.generate(Use.PERSON).public),
        block._replace(kdf=make_lock(key.point).lock),
    ):
        with pytest.raises(Exception, match="damaged"):
            unlock_by_token(changed, lambda lock: agree(lock, pin))


def test_keygen_seal_and_open_at_the_command_line(softhsm, tmp_path):
    made = scelle("keygen", "-o", "ann.key", "--token", "alice", "--json", cwd=tmp_path)
    assert json.loads(made.stdout)["public"] == "ann.key.pub"
    assert PIN not in read_secret_text(tmp_path / "ann.key")
    (tmp_path / "a.txt").write_text("for ann alone")
    scelle("keygen", "-o", "editor.key", "--no-passphrase", cwd=tmp_path)
    sealing = (
        "seal",
        "a.txt",
        "-o",
        "a.scelle",
        "--type",
        "other",
        "--dossier",
        "D-1",
        "-r",
        "ann.key.pub",
        "-i",
        "editor.key",
    )
    scelle(*sealing, cwd=tmp_path)
    assert scelle("cat", "a.scelle", "a.txt", "-i", "ann.key", cwd=tmp_path).stdout == "for ann alone"
    refused = scelle("cat", "a.scelle", "a.txt", "-i", "ann.key", cwd=tmp_path, pin_text="111111", fails=3)
    assert "does not take this PIN" in refused.stderr
    assert "111111" not in refused.stderr


def test_keygen_makes_no_key_where_a_file_is_in_the_way(softhsm, tmp_path):
    (tmp_path / "ann.key").write_text("mine")
    scelle("keygen", "-o", "ann.key", "--token", "empty", cwd=tmp_path, fails=6)
    assert (tmp_path / "ann.key").read_text() == "mine"
    with pytest.raises(NotFoundProblem, match="no key"):
        prepare_key("empty", NEW_LABEL, pin)
