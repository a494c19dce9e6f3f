"""What people install is the built wheel, not this tree: it is built, installed alone, and used."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_UV = [str(Path(sysconfig.get_path("scripts")) / "uv"), "--system-certs", "--quiet"]


def _run(*command: str | Path, home: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    if "UV_CACHE_DIR" in os.environ:
        environment["UV_CACHE_DIR"] = os.environ["UV_CACHE_DIR"]
    done = subprocess.run(  # noqa: S603 - our own commands
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env=environment,
        cwd=home,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(*_UV, "build", "--wheel", "--out-dir", folder, _ROOT, home=folder)
    (built,) = folder.glob("scelle-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    _run(*_UV, "venv", "--python", sys.executable, folder / "venv", home=folder)
    _run(*_UV, "pip", "install", "--python", folder / "venv/bin/python", wheel, home=folder)
    return folder / "venv/bin"


def test_the_wheel_holds_code_translations_and_licence_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"keys", "vault", "client", "scelle-0.1.0.dist-info"}
    assert "client/locale/fr/LC_MESSAGES/messages.mo" in names
    assert "client/evidence_types.json" in names
    assert any(name.endswith("LICENSE") for name in names)
    assert not [name for name in names if name.endswith(".pyc") or "/tests/" in name]


def test_the_bare_distribution_brings_no_server(installed: Path, tmp_path: Path) -> None:
    probe = (
        "import importlib.util as u; print([m for m in ('sqlalchemy','minio','aiofiles') if u.find_spec(m)])"
    )
    assert _run(installed / "python", "-c", probe, home=tmp_path).stdout.strip() == "[]"


def test_the_installed_command_seals_opens_and_knows_login(installed: Path, tmp_path: Path) -> None:
    scelle = installed / "scelle"
    (tmp_path / "aipd.txt").write_text("analyse d'impact\n", encoding="utf-8")
    _run(scelle, "keygen", "-o", "key", "--no-passphrase", home=tmp_path)
    recipient = ("--recipient", "key.pub")
    dossier = ("--dossier", "2801", "--type", "other")
    _run(scelle, "seal", "aipd.txt", "-o", "x.scelle", *dossier, *recipient, home=tmp_path)
    _run(scelle, "verify", "x.scelle", home=tmp_path)
    _run(scelle, "open", "x.scelle", "-o", "out", "--identity", "key", home=tmp_path)
    assert (tmp_path / "out/aipd.txt").read_text(encoding="utf-8") == "analyse d'impact\n"
    assert "login" in _run(scelle, "login", "--help", home=tmp_path).stdout


def test_a_server_command_without_the_extra_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    refused = _run(installed / "scelle", "serve", "--data", "d", home=tmp_path, check=False)
    assert refused.returncode == 1
    assert "scelle[server]" in refused.stderr
