"""Identities in files."""

import stat

import pytest

from keys.errors import KeyFileError, KeyFileExistsError, MalformedError, WrongPassphraseError
from keys.keyfile import read_labels
from keys.store import load_identity, read_locked, read_public, write_identity
from tests.keys.people import CHEAP, person

ANN = person("ann")


def never():
    raise AssertionError("nobody was to be asked")


@pytest.fixture
def locked(tmp_path):
    path = tmp_path / "ann"
    write_identity(path, ANN, "passphrase", names={"Name": "Ann"}, cost=CHEAP)
    return path


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain"
    write_identity(path, ANN, None)
    return path


def test_locked(locked):
    assert load_identity(locked, lambda: "passphrase").seed == ANN.seed
    assert read_public(locked.with_name("ann.pub")) == ANN.public
    assert read_locked(locked).public == ANN.public
    assert read_locked(locked).kdf == CHEAP


def test_labels_stand_above_both(locked):
    for path in (locked, locked.with_name("ann.pub")):
        assert read_labels(path.read_text()) == {"Name": "Ann"}


def test_modes(locked, plain):
    for path in (locked, plain):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nobody_is_asked_for_a_passphrase_that_is_not_there(plain):
    assert load_identity(plain, never).seed == ANN.seed
    assert read_locked(plain).kdf is None


@pytest.mark.parametrize("given", ["wrong", None])
def test_wrong_or_missing_passphrase(locked, given):
    with pytest.raises(WrongPassphraseError):
        load_identity(locked, lambda: given)


def test_a_passphrase_is_asked_for_only_after_the_file_was_understood(locked):
    locked.write_text(locked.read_text().replace("BEGIN", "BEGUN"))
    with pytest.raises(MalformedError):
        load_identity(locked, never)


def test_nothing_is_overwritten(locked):
    before = locked.read_text()
    with pytest.raises(KeyFileExistsError):
        write_identity(locked, person("bob"), None)
    assert locked.read_text() == before
    write_identity(locked, person("bob"), None, overwrite=True)
    assert load_identity(locked, never).public == person("bob").public


def test_a_bad_passphrase_writes_nothing(tmp_path):
    with pytest.raises(MalformedError):
        write_identity(tmp_path / "x", ANN, "", cost=CHEAP)
    with pytest.raises(MalformedError):
        write_identity(tmp_path / "x", ANN, None, names={"Name": "two\nlines"})
    assert list(tmp_path.iterdir()) == []


def test_public_and_secret_are_not_confused(locked):
    with pytest.raises(MalformedError):
        read_public(locked)
    public = locked.with_name("ann.pub")
    public.chmod(0o600)
    with pytest.raises(MalformedError):
        read_locked(public)


def test_a_secret_that_others_can_read_is_not_loaded(plain):
    plain.chmod(0o644)
    with pytest.raises(KeyFileError):
        load_identity(plain, never)


def test_a_link_is_not_followed(plain):
    link = plain.with_name("link")
    link.symlink_to(plain)
    with pytest.raises(KeyFileError):
        load_identity(link, never)
