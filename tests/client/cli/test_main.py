"""What typing a command loads: nothing that it does not need."""

import json
import os
import subprocess
import sys

import pytest

from client.cli.table import COMMANDS

FORBIDDEN = {"aiohttp", "minio", "sqlalchemy", "pydantic", "rich", "asyncio", "dataclasses", "babel"}
PROBE = """
import io, json, sys
sys.argv = json.loads(sys.argv[1])
shown, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO())
from client.cli.main import main
code = main()
print(json.dumps([code, sorted(sys.modules)]), file=shown)
"""


def _loaded(folder, *arguments):
    """Run the command in a fresh process and return the modules that are loaded in the end."""
    command = [sys.executable, "-c", PROBE, json.dumps(["scelle", *map(str, arguments)])]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, check=True, capture_output=True, text=True
    )
    code, modules = json.loads(done.stdout)
    assert code == 0, done.stderr
    return set(modules)


@pytest.fixture
def key(tmp_path):
    _loaded(tmp_path, "keygen", "-o", "key", "--no-passphrase")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    return tmp_path / "key"


def test_help_loads_neither_cryptography_nor_a_command(tmp_path):
    modules = _loaded(tmp_path, "--help")
    assert not modules & {*FORBIDDEN, "cryptography", "magic", "ctypes", "importlib.metadata", "pathlib"}
    assert not modules & {entry.module for entry in COMMANDS.values()}


def test_sealing_to_a_key_unlocks_nothing(tmp_path, key):
    seal = (
        "seal",
        "a.pdf",
        "-o",
        "x.scelle",
        "--dossier",
        "D",
        "--type",
        "aipd",
        "--recipient",
        f"{key}.pub",
    )
    modules = _loaded(tmp_path, *seal)
    assert not modules & {*FORBIDDEN, "keys.unwrapping", "keys.keyring", "getpass", "threading.local"}
    assert "magic" in modules


def test_opening_recognises_nothing(tmp_path, key):
    seal = (
        "seal",
        "a.pdf",
        "-o",
        "x.scelle",
        "--dossier",
        "D",
        "--type",
        "aipd",
        "--recipient",
        f"{key}.pub",
    )
    _loaded(tmp_path, *seal)
    for command in (("open", "x.scelle", "-o", "out"), ("list", "x.scelle"), ("cat", "x.scelle", "a.pdf")):
        modules = _loaded(tmp_path, *command, "--identity", key)
        assert not modules & {*FORBIDDEN - {"dataclasses"}, "magic", "pylibmagic", "client.media"}


def test_checking_needs_no_code_that_opens(tmp_path, key):
    seal = (
        "seal",
        "a.pdf",
        "-o",
        "x.scelle",
        "--dossier",
        "D",
        "--type",
        "aipd",
        "--recipient",
        f"{key}.pub",
    )
    _loaded(tmp_path, *seal)
    for command in ("inspect", "verify"):
        modules = _loaded(tmp_path, command, "x.scelle")
        assert not modules & {
            *FORBIDDEN,
            "keys.unwrapping",
            "vault.container.opening",
            "vault.container.unlocking",
        }


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_names_commands_that_exist_and_help_that_they_give(name, tmp_path):
    _loaded(tmp_path, name, "--help")


def test_the_version_is_that_of_the_distribution(tmp_path):
    assert "importlib.metadata" in _loaded(tmp_path, "--version")
