import stat
from pathlib import Path

import pytest

from client.errors import ConflictProblem
from client.exchange.folders import Extraction

PATHS = ["a.txt", "sub/b.txt", "sub/deep/c.txt"]


def _fill(extraction, paths=PATHS):
    for path in paths:
        with extraction.create(path) as file:
            file.write(path.encode())


def _extract(folder, paths=PATHS, meanwhile=lambda: None, **options):
    """Extract; ``meanwhile`` is what somebody else does before the files get their names."""
    with Extraction(str(folder), paths, **options) as extraction:
        _fill(extraction, paths)
        meanwhile()
        extraction.commit()


def _raise(error):
    raise error


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _tree(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


WHOLE = {path: path for path in PATHS}


@pytest.mark.parametrize("present", [True, False])
def test_all_files_appear_at_once(tmp_path, present):
    target = tmp_path / "out"
    if present:
        target.mkdir()
    with Extraction(str(target), PATHS) as extraction:
        _fill(extraction)
        assert not target.exists() or not any((target / path).exists() for path in PATHS)
        extraction.commit()
    assert _tree(target) == WHOLE
    assert _names(tmp_path) == ["out"]


def test_missing_folders_above_the_target_are_made(tmp_path):
    _extract(tmp_path / "x" / "y" / "out")
    assert _tree(tmp_path / "x" / "y" / "out") == WHOLE


def test_the_current_folder_can_be_the_target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _extract(".")
    assert _tree(tmp_path) == WHOLE


def test_only_the_owner_can_read_what_was_taken_out(tmp_path):
    _extract(tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out" / "sub").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out" / "a.txt").stat().st_mode) == 0o600


@pytest.mark.parametrize("present", [True, False])
@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_after_a_failure_there_is_nothing(tmp_path, interruption, present):
    target = tmp_path / "out"
    if present:
        target.mkdir()
    with pytest.raises(interruption):
        _extract(target, meanwhile=lambda: _raise(interruption))
    assert list(tmp_path.rglob("*")) == ([target] if present else [])


def test_a_file_that_is_there_stops_it_before_anything_is_written(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("old")
    with pytest.raises(ConflictProblem, match="--force"):
        _extract(tmp_path, PATHS)
    assert _tree(tmp_path) == {"sub/b.txt": "old"}


def test_force_replaces_files(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "other.txt").write_text("kept")
    _extract(tmp_path, force=True)
    assert _tree(tmp_path) == {**WHOLE, "other.txt": "kept"}


def test_force_does_not_replace_a_folder(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(ConflictProblem, match="a folder has this name"):
        _extract(tmp_path, PATHS, force=True)


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("obstacle", ["file", "link", "dangling"])
def test_what_stands_where_a_folder_is_needed_is_not_followed(tmp_path, obstacle, force):
    target, outside = tmp_path / "out", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    if obstacle == "file":
        (target / "sub").write_text("old")
    else:
        (target / "sub").symlink_to(outside if obstacle == "link" else tmp_path / "nothing")
    with pytest.raises(ConflictProblem, match="stands where a folder is needed"):
        _extract(target, PATHS, force=force)
    assert _names(outside) == []


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path):
    target, victim = tmp_path / "out", tmp_path / "victim"
    target.mkdir()
    victim.write_text("old")
    (target / "a.txt").symlink_to(victim)
    with pytest.raises(ConflictProblem):
        _extract(target, PATHS)
    _extract(target, force=True)
    assert victim.read_text() == "old"
    assert (target / "a.txt").read_text() == "a.txt"


@pytest.mark.parametrize("force", [True, False])
def test_a_link_that_appears_meanwhile_is_not_followed_and_all_is_taken_back(tmp_path, force):
    target, outside = tmp_path / "out", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (target / "kept.txt").write_text("kept")
    with pytest.raises(ConflictProblem, match="stands where a folder is needed"):
        _extract(target, force=force, meanwhile=lambda: (target / "sub").symlink_to(outside))
    assert _names(outside) == []
    assert _tree(target) == {"kept.txt": "kept"}


def test_a_file_that_appears_meanwhile_is_kept_and_all_else_taken_back(tmp_path):
    def meanwhile():
        (tmp_path / "sub" / "deep").mkdir(parents=True)
        (tmp_path / "sub" / "deep" / "c.txt").write_text("old")

    with pytest.raises(ConflictProblem):
        _extract(tmp_path, meanwhile=meanwhile)
    assert _tree(tmp_path) == {"sub/deep/c.txt": "old"}


def test_what_was_replaced_comes_back_if_a_later_file_fails(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ConflictProblem):
        _extract(tmp_path, force=True, meanwhile=lambda: (tmp_path / "sub").write_text("in the way"))
    assert _tree(tmp_path) == {"a.txt": "old", "sub": "in the way"}


def test_folders_that_were_made_are_taken_back_as_well(tmp_path):
    with pytest.raises(ConflictProblem):
        _extract(tmp_path, ["new/a.txt", "z.txt"], meanwhile=lambda: (tmp_path / "z.txt").write_text("old"))
    assert _names(tmp_path) == ["z.txt"]


def test_a_target_that_appears_meanwhile_is_kept(tmp_path):
    target = tmp_path / "out"

    def meanwhile():
        target.mkdir()
        (target / "old").write_text("old")

    with pytest.raises(ConflictProblem):
        _extract(target, meanwhile=meanwhile)
    assert _tree(tmp_path) == {"out/old": "old"}


@pytest.mark.parametrize("target_is", ["link", "file"])
def test_a_link_or_file_that_appears_in_the_target_s_place_is_kept(tmp_path, target_is):
    target, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()

    def meanwhile():
        if target_is == "link":
            target.symlink_to(outside)
        else:
            target.write_text("old")

    with pytest.raises(ConflictProblem):
        _extract(target, meanwhile=meanwhile)
    assert _names(outside) == []


def test_a_file_as_target_is_refused(tmp_path):
    (tmp_path / "out").write_text("old")
    with pytest.raises(NotADirectoryError):
        _extract(tmp_path / "out", PATHS)


def test_no_descriptor_is_left_open(tmp_path):
    before = _names(Path("/proc/self/fd"))
    _extract(tmp_path / "out")
    with pytest.raises(ConflictProblem):
        _extract(tmp_path / "out")
    assert _names(Path("/proc/self/fd")) == before
