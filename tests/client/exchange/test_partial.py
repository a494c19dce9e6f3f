import os

import pytest

from client.errors import ConflictProblem
from client.exchange.partial import PartialFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.scelle"


@pytest.fixture
def part(tmp_path):
    return tmp_path / "a.scelle.part"


def write(path, data, **more):
    with PartialFile(str(path), **more) as file:
        file.cut(file.size)
        file.write(data)


def test_what_came_stays_for_its_owner_alone(path, part):
    write(path, b"one")
    assert not path.exists()
    assert (part.read_bytes(), part.stat().st_mode & 0o777) == (b"one", 0o600)
    write(path, b"two", resume=True)
    assert part.read_bytes() == b"onetwo"


def test_the_name_comes_with_the_permissions_of_a_new_file(path, part):
    with PartialFile(str(path)) as file:
        file.write(b"all")
        file.commit()
    other = path.with_name("other")
    other.touch()
    assert path.read_bytes() == b"all"
    assert path.stat().st_mode == other.stat().st_mode
    assert not part.exists()


def test_a_part_with_nothing_in_it_does_not_stay(path, part):
    write(path, b"")
    assert not part.exists()


def test_what_is_discarded_goes_and_what_is_cut_is_forgotten(path, part):
    write(path, b"123456")
    with PartialFile(str(path), resume=True) as file:
        assert (file.size, file.read_at(2, 3)) == (6, b"345")
        file.cut(2)
        file.write(b"x")
    assert part.read_bytes() == b"12x"
    with PartialFile(str(path), resume=True) as file:
        file.discard()
    assert not part.exists()


def test_two_do_not_work_on_the_same(path):
    with PartialFile(str(path)) as first:
        first.write(b"mine")
        with pytest.raises(ConflictProblem, match="another scelle"), PartialFile(str(path), resume=True):
            pytest.fail("it was taken up")


def test_a_leftover_is_refused_unless_it_is_to_go_on(path, part):
    part.write_bytes(b"somebody's")
    for force in (False, True):
        with pytest.raises(ConflictProblem, match="add --resume"), PartialFile(str(path), force=force):
            pytest.fail("it was overwritten")
    assert part.read_bytes() == b"somebody's"


def test_a_name_that_is_taken_is_refused_in_the_beginning_and_in_the_end(path, part):
    with PartialFile(str(path)) as file:
        file.write(b"mine")
        path.write_bytes(b"theirs")
        with pytest.raises(ConflictProblem, match="--force"):
            file.commit()
    assert (path.read_bytes(), part.read_bytes()) == (b"theirs", b"mine")
    with pytest.raises(ConflictProblem, match="--force"):
        PartialFile(str(path), resume=True)
    with PartialFile(str(path), resume=True, force=True) as file:
        file.commit()
    assert path.read_bytes() == b"mine"


def linked(part):
    part.symlink_to(part.with_name("elsewhere"))


def hard_linked(part):
    part.with_name("elsewhere").write_bytes(b"theirs")
    os.link(part.with_name("elsewhere"), part)


@pytest.mark.parametrize("make", [linked, hard_linked, os.mkfifo])
def test_what_is_no_file_of_ours_is_left_alone(path, part, make):
    make(part)
    with pytest.raises((ConflictProblem, OSError)), PartialFile(str(path), resume=True):
        pytest.fail("it was taken up")
    assert part.is_symlink() or part.exists()
    elsewhere = part.with_name("elsewhere")
    assert not elsewhere.exists() or elsewhere.read_bytes() == b"theirs"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError), PartialFile(str(tmp_path / "no" / "a.scelle")):
        pytest.fail("it was made")
