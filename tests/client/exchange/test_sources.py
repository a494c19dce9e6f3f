import os

import pytest

from client.errors import ClientError, UsageProblem
from client.exchange.sources import collect, read_head, reading


def _paths(*locations):
    return [source.path for source in collect([str(location) for location in locations])]


def test_a_file_keeps_its_name_and_a_folder_its_tree(tree):
    assert _paths(tree / "report.pdf", tree / "annexes") == ["report.pdf", "annexes/notes.txt"]
    assert _paths(tree) == ["source/annexes/notes.txt", "source/empty.txt", "source/report.pdf"]


@pytest.mark.parametrize("spelling", ["annexes", "annexes/", "./annexes", "annexes/../annexes"])
def test_a_folder_has_one_name_however_it_is_spelled(tree, monkeypatch, spelling):
    monkeypatch.chdir(tree)
    assert _paths(spelling) == ["annexes/notes.txt"]


def test_the_current_folder_gives_its_own_name(tree, monkeypatch):
    monkeypatch.chdir(tree / "annexes")
    assert _paths(".") == ["annexes/notes.txt"]
    assert _paths("..")[0] == "source/annexes/notes.txt"


def test_size_and_time_are_those_of_the_file(tree):
    os.utime(tree / "report.pdf", (1_700_000_000, 1_700_000_000))
    (source,) = collect([str(tree / "report.pdf")])
    assert (source.size, source.modified) == (9 + 256 * 300, 1_700_000_000)


def test_a_time_before_1970_is_unknown(tree):
    os.utime(tree / "report.pdf", (-5, -5))
    (source,) = collect([str(tree / "report.pdf")])
    assert source.modified == 0


def test_an_empty_folder_leaves_nothing(tmp_path):
    (tmp_path / "nothing").mkdir()
    assert _paths(tmp_path / "nothing") == []


@pytest.mark.parametrize("named", [True, False])
def test_symbolic_links_are_refused_named_or_found(tree, named):
    link = tree / "annexes" / "link"
    link.symlink_to("/etc/passwd")
    with pytest.raises(ClientError, match="annexes/link: symbolic links are not sealed"):
        collect([str(link if named else tree)])


def test_a_link_to_a_folder_is_refused_too(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    with pytest.raises(ClientError, match="symbolic links are not sealed"):
        collect([str(tmp_path / "link")])


def test_pipes_are_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ClientError, match="only files and folders"):
        collect([str(tmp_path)])


@pytest.mark.parametrize(
    "name", ["a:b", "a?", "nul.txt", "con", "dot.", "space ", "a\nb", "a\u202eb", "\udcff"]
)
def test_names_that_are_not_safe_everywhere_are_refused(tmp_path, name):
    (tmp_path / os.fsencode(name).decode("utf-8", "surrogateescape")).touch()
    with pytest.raises(ClientError, match="not safe on every system"):
        collect([str(tmp_path)])


@pytest.mark.parametrize(
    ("first", "second"), [("a.txt", "A.TXT"), ("é.txt", "e\u0301.txt"), ("straße", "STRASSE")]
)
def test_names_that_some_system_takes_for_one_are_refused(tmp_path, first, second):
    (tmp_path / first).touch()
    (tmp_path / second).touch()
    with pytest.raises(UsageProblem, match="the same name"):
        collect([str(tmp_path)])


def test_two_folders_with_the_same_name_are_refused_where_their_files_meet(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "same").mkdir(parents=True)
        (tmp_path / folder / "same" / "x.txt").touch()
    with pytest.raises(UsageProblem, match="the same name"):
        collect([str(tmp_path / "a" / "same"), str(tmp_path / "b" / "same")])


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        collect([str(tmp_path / "nothing")])


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "replace", "link"])
def test_a_file_that_changes_before_it_is_read_is_noticed(tree, change):
    path = tree / "report.pdf"
    (source,) = collect([str(path)])
    _change(path, change)
    with pytest.raises((ClientError, OSError), match=r"changed|symbolic"), reading(source) as file:
        file.read()
    with pytest.raises((ClientError, OSError), match=r"changed|symbolic"):
        read_head(source, 10)


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite"])
def test_a_file_that_changes_while_it_is_read_is_noticed(tree, change):
    path = tree / "report.pdf"
    (source,) = collect([str(path)])
    with pytest.raises(ClientError, match="changed while it was read"):
        _read(source, meanwhile=lambda: _change(path, change))


def test_a_pipe_in_the_place_of_a_file_does_not_hang(tree):
    path = tree / "report.pdf"
    (source,) = collect([str(path)])
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ClientError, match="changed while it was read"):
        read_head(source, 10)


def test_the_head_is_as_long_as_asked_for_or_all_there_is(tree):
    (source,) = collect([str(tree / "annexes")])
    assert read_head(source, 4) == b"some"
    assert read_head(source, 4000) == b"some words\n"


def _read(source, meanwhile):
    with reading(source) as file:
        file.read(10)
        meanwhile()


def _change(path, change):
    content = path.read_bytes()
    if change == "grow":
        path.write_bytes(content + b"x")
    elif change == "shrink":
        path.write_bytes(content[:-1])
    elif change == "rewrite":
        path.write_bytes(bytes(len(content)))
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()
        if change == "replace":
            path.write_bytes(content)
        else:
            path.symlink_to("/etc/passwd")
