import os
import stat

import pytest

from client.errors import ConflictProblem
from client.exchange.targets import AtomicFile, name_exclusively


def _write(path, meanwhile=lambda: None, **options):
    """Write; ``meanwhile`` is what somebody else does before the file gets its name."""
    with AtomicFile(str(path), **options) as target:
        target.write(b"new")
        meanwhile()
        target.commit()


def _raise(error):
    raise error


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_has_the_name_before_commit_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "out"
    with AtomicFile(str(path)) as target:
        target.write(b"new")
        assert not path.exists()
        target.commit()
    assert path.read_bytes() == b"new"
    assert _names(tmp_path) == ["out"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
def test_without_commit_there_is_nothing(tmp_path, interruption):
    with pytest.raises(interruption):
        _write(tmp_path / "out", meanwhile=lambda: _raise(interruption))
    assert _names(tmp_path) == []


def test_a_name_without_a_folder_is_meant_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _write("out")
    assert (tmp_path / "out").read_bytes() == b"new"


def test_what_exists_is_kept(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(ConflictProblem, match="--force"):
        _write(path)
    assert path.read_bytes() == b"old"


def test_what_comes_into_existence_meanwhile_is_kept(tmp_path):
    path = tmp_path / "out"
    with pytest.raises(ConflictProblem, match="--force"):
        _write(path, meanwhile=lambda: path.write_bytes(b"old"))
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["out"]


def test_force_replaces_a_file(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    _write(path, force=True)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("force", [True, False])
def test_a_folder_is_never_replaced(tmp_path, force):
    (tmp_path / "out").mkdir()
    with pytest.raises(ConflictProblem, match="a folder has this name"):
        _write(tmp_path / "out", force=force)


def test_a_folder_that_appears_meanwhile_is_not_replaced_either(tmp_path):
    path = tmp_path / "out"
    with pytest.raises(ConflictProblem, match="a folder has this name"):
        _write(path, force=True, meanwhile=path.mkdir)


def test_a_link_in_the_place_of_the_result_is_replaced_not_followed(tmp_path):
    victim, link = tmp_path / "victim", tmp_path / "out"
    victim.write_bytes(b"old")
    link.symlink_to(victim)
    with pytest.raises(ConflictProblem):
        _write(link)
    _write(link, force=True)
    assert victim.read_bytes() == b"old"
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"


def test_a_dangling_link_counts_as_something(tmp_path):
    link = tmp_path / "out"
    link.symlink_to(tmp_path / "nothing")
    with pytest.raises(ConflictProblem):
        _write(link)


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        _write(tmp_path / "nothing" / "out")


def test_permissions_are_the_umask_s_or_those_asked_for(tmp_path):
    before = os.umask(0o027)
    try:
        _write(tmp_path / "a")
        _write(tmp_path / "b", mode=0o666)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o666


@pytest.mark.parametrize("taken", [True, False])
def test_where_there_are_no_hard_links_a_name_is_still_given_exclusively(tmp_path, monkeypatch, taken):
    def no_links(*_args, **_options):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "temporary").write_bytes(b"new")
    if taken:
        (tmp_path / "out").write_bytes(b"old")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        if taken:
            with pytest.raises(FileExistsError):
                name_exclusively(folder, "temporary", folder, "out")
        else:
            name_exclusively(folder, "temporary", folder, "out")
    finally:
        os.close(folder)
    assert (tmp_path / "out").read_bytes() == (b"old" if taken else b"new")
