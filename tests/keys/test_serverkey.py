"""The server's own key: an identity like every other, of which it only signs."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keys import files
from keys.errors import (
    KeyFileError,
    KeyFileExistsError,
    KeyFileMissingError,
    KeyMaterialError,
    MalformedError,
    WrongPassphraseError,
    WrongUseError,
)
from keys.keyfile import Use, encode_public, encode_secret, seal_plain_seed
from keys.keyring import lock
from keys.serverkey import create_server_key, load_server_key, read_server_identity
from keys.signing import VerifyingKey
from keys.store import load_identity, read_public
from tests.keys.people import CHEAP, person, public


@pytest.fixture
def path(tmp_path):
    return tmp_path / "server.key"


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)


def test_made_and_loaded(path):
    made = create_server_key(path)
    loaded = load_server_key(path)
    assert made.public_key == loaded.public_key
    VerifyingKey(made.public_key).verify(loaded.sign(b"m", context="c"), b"m", context="c")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_an_identity_like_every_other(path):
    key = create_server_key(path)
    identity = load_identity(path, lambda: None)
    assert identity.public == read_public(path.with_name("server.key.pub")) == read_server_identity(path)
    assert identity.public.use is Use.SERVICE
    assert identity.signing.public_key == key.public_key


def test_two_differ(tmp_path):
    assert create_server_key(tmp_path / "a").public_key != create_server_key(tmp_path / "b").public_key


def test_it_is_not_made_twice(path):
    create_server_key(path)
    before = path.read_text()
    with pytest.raises(KeyFileExistsError):
        create_server_key(path)
    assert path.read_text() == before


@pytest.mark.parametrize("read", [load_server_key, read_server_identity])
@pytest.mark.parametrize("name", ["ann", "authority", "dossier", "recovery"])
def test_another_use_is_refused(path, read, name):
    write(path, lock(person(name), None))
    with pytest.raises(WrongUseError, match="use a portal's or server's key here"):
        read(path)


def test_a_passphrase_is_refused(path):
    write(path, lock(person("server"), "passphrase", CHEAP))
    with pytest.raises(WrongPassphraseError):
        load_server_key(path)


def test_a_public_part_of_another_seed_is_refused(path):
    write(path, encode_secret(seal_plain_seed(person("server").seed, public("portal"))))
    with pytest.raises(MalformedError):
        load_server_key(path)


@pytest.mark.parametrize("read", [load_server_key, read_server_identity])
def test_what_cannot_be_read(path, read):
    with pytest.raises(KeyFileMissingError):
        read(path)
    write(path, encode_public(public("server")))
    with pytest.raises(MalformedError):
        read(path)
    write(path, lock(person("server"), None))
    path.chmod(0o640)
    with pytest.raises(KeyFileError):
        read(path)


def test_every_changed_byte_is_noticed(path, monkeypatch):
    text = lock(person("server"), None)
    for position in [*range(60), *range(60, len(text), 29)]:
        forged = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
        monkeypatch.setattr(files, "read_secret_text", lambda _, forged=forged: forged)
        with pytest.raises(KeyMaterialError):
            load_server_key(path)


def test_whoever_imports_it_cannot_unlock_or_unwrap():
    script = (
        "import sys, keys.serverkey, keys.trust, keys.possession, keys.recipients;"
        "sys.exit(bool({'keys.keyring', 'keys.unwrapping', 'keys.store', 'keys.holder'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)  # noqa: S603 -- our own text
