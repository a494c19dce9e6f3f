"""SoftHSM for the tests in ``hsm_*.py``, which ``make test-hsm`` runs and ``make test`` does not collect."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from client.tokens import LIBRARY_VARIABLE

PIN = "271828"
_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")


def library():
    """Return the path of SoftHSM's library; the target has looked for it before."""
    named = os.environ.get("SOFTHSM2_LIBRARY")
    found = [path for path in ([named] if named else _LIBRARIES) if Path(path).exists()]
    tool = shutil.which("softhsm2-util")
    if not found or not tool:
        pytest.exit("SoftHSM is not installed: install the package softhsm2, or set SOFTHSM2_LIBRARY", 2)
    return found[0], tool


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory):
    """Set up SoftHSM once in this process: its library reads its configuration when it is loaded."""
    path, tool = library()
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(config)
    os.environ[LIBRARY_VARIABLE] = path

    def make(label):
        words = ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "31415926"]
        subprocess.run([tool, *words], check=True, capture_output=True)  # noqa: S603 - found above

    # All of them now: a library that is loaded sees no slot that another process adds.
    for label in ("alice", "bob", "twin", "twin", "empty"):
        make(label)
    yield
    del os.environ["SOFTHSM2_CONF"], os.environ[LIBRARY_VARIABLE]
