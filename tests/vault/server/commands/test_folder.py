import os
import stat
import subprocess
import sys

import pytest

from keys.errors import KeyFileError
from vault.server.commands.folder import LOCK_NAME, locked, make_folder, require_server_key
from vault.server.commands.style import ConflictProblem, HostProblem


def test_a_folder_is_for_its_owner_alone(tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    make_folder(tmp_path / "a" / "b")


def test_a_lock_is_held_for_as_long_as_the_block_lasts(tmp_path):
    with locked(tmp_path):
        with pytest.raises(ConflictProblem, match=f"process {os.getpid()}"), locked(tmp_path):
            pytest.fail("two have it")
        assert (tmp_path / LOCK_NAME).read_text() == str(os.getpid())
    with locked(tmp_path):
        pass


def test_a_lock_without_a_number_is_still_a_lock(tmp_path):
    with locked(tmp_path):
        (tmp_path / LOCK_NAME).write_text("")
        with pytest.raises(ConflictProblem, match=r"process \?"), locked(tmp_path):
            pytest.fail("two have it")


def test_a_longer_number_of_before_leaves_no_trace(tmp_path):
    (tmp_path / LOCK_NAME).write_text("1" * 40)
    with locked(tmp_path):
        assert (tmp_path / LOCK_NAME).read_text() == str(os.getpid())


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=LOCK_NAME), locked(tmp_path):
        pytest.fail("it was followed")
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_is_made_once(tmp_path):
    path = tmp_path / "server.key"
    assert require_server_key(path, first_start=True)
    before = path.read_bytes()
    assert not require_server_key(path, first_start=True)
    assert path.read_bytes() == before


KEY = """
import sys
from pathlib import Path
from keys.serverkey import read_server_identity
from vault.server.commands.folder import require_server_key
path = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
made = require_server_key(path, first_start=True)
print(made, read_server_identity(path).fingerprint)
"""


def test_servers_that_start_together_have_one_key(tmp_path):
    words = [sys.executable, "-c", KEY, str(tmp_path / "server.key")]
    started = [subprocess.Popen(words, stdin=-1, stdout=-1, text=True) for _ in range(3)]  # noqa: S603 - ours
    for one in started:
        assert one.stdout.readline() == "ready\n"
    for one in started:
        one.stdin.write("\n")
        one.stdin.flush()
    said = [one.communicate()[0].split(maxsplit=1) for one in started]
    assert sorted(made for made, _key in said) == ["False", "False", "True"]
    assert len({key for _made, key in said}) == 1
    assert [one.returncode for one in started] == [0, 0, 0]


def test_a_key_is_missed_once_something_is_recorded(tmp_path):
    with pytest.raises(HostProblem, match="backup"):
        require_server_key(tmp_path / "server.key", first_start=False)
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_the_key_is_not_followed(tmp_path):
    path = tmp_path / "server.key"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="link"):
        require_server_key(path, first_start=True)
    assert not (tmp_path / "elsewhere").exists()
