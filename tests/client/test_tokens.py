"""What is said before a token is looked at; with tokens see ``tests/hsm``."""

import sys

import pytest

from client.errors import ClientError, UsageProblem
from client.tokens import LIBRARY_VARIABLE, Tries, WrongPin, prepare_key


def never(_token):
    raise AssertionError("nobody is asked for a PIN here")


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ClientError, match=r"pip install 'scelle\[pkcs11\]'"):
        prepare_key("alice", None, never)


@pytest.mark.parametrize("value", [None, "", "libsofthsm2.so", "./libsofthsm2.so"])
def test_a_library_is_named_by_its_whole_path(monkeypatch, value):
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(LIBRARY_VARIABLE, value)
    with pytest.raises(UsageProblem, match="whole path"):
        prepare_key("alice", None, never)


def test_what_is_no_library_is_said(monkeypatch, tmp_path):
    (tmp_path / "x.so").write_bytes(b"no library")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "x.so"))
    with pytest.raises(ClientError, match=r"x\.so: this library cannot be used"):
        prepare_key("alice", None, never)


def test_each_number_of_tries_has_its_sentence():
    assert len({str(WrongPin(tries, "alice")) for tries in Tries}) == len(Tries)
