"""Key files on disk: whole or not at all, private, never through links, never over another."""

import errno
import os
import stat
from pathlib import Path

import pytest

from keys import files
from keys.errors import KeyFileError, KeyFileExistsError, KeyFileMissingError, MalformedError
from keys.files import public_path, read_public_text, read_secret_text, write_pair, write_text


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(tmp_path):
    return tmp_path / "ann.key"


def test_a_pair_is_written(target):
    write_pair(target, "secret", "public")
    assert target.read_text() == "secret"
    assert public_path(target).read_text() == "public"
    assert names(target.parent) == ["ann.key", "ann.key.pub"]


def test_modes(target):
    write_pair(target, "secret", "public")
    assert mode(target) == 0o600
    assert mode(public_path(target)) == 0o644


def test_a_generous_umask_gives_nothing_away(target):
    before = os.umask(0)
    try:
        write_pair(target, "secret", "public")
    finally:
        os.umask(before)
    assert mode(target) == 0o600
    assert mode(public_path(target)) == 0o644


def test_overwriting_tightens_the_mode(target):
    target.write_text("old")
    target.chmod(0o666)
    write_pair(target, "secret", "public", overwrite=True)
    assert mode(target) == 0o600


def test_line_ends_are_kept(target):
    write_pair(target, "a\nb\r\n", "é\n")
    assert target.read_bytes() == b"a\nb\r\n"
    assert read_secret_text(target) == "a\nb\r\n"
    assert read_public_text(public_path(target)) == "é\n"


@pytest.mark.parametrize("there", ["ann.key", "ann.key.pub"])
def test_nothing_is_overwritten(target, there):
    (target.parent / there).write_text("precious")
    with pytest.raises(KeyFileExistsError) as caught:
        write_pair(target, "secret", "public")
    assert there in str(caught.value)
    assert names(target.parent) == [there]
    assert (target.parent / there).read_text() == "precious"


def test_overwriting_when_asked_for(target):
    write_pair(target, "old", "old")
    write_pair(target, "secret", "public", overwrite=True)
    assert (target.read_text(), public_path(target).read_text()) == ("secret", "public")
    assert names(target.parent) == ["ann.key", "ann.key.pub"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("link", ["ann.key", "ann.key.pub"])
@pytest.mark.parametrize("dangling", [False, True])
def test_nothing_is_written_through_a_link(target, link, dangling, overwrite):
    victim = target.parent / "victim"
    if not dangling:
        victim.write_text("precious")
    (target.parent / link).symlink_to(victim)
    with pytest.raises(KeyFileError, match="symbolic link"):
        write_pair(target, "secret", "public", overwrite=overwrite)
    assert victim.exists() is not dangling
    assert dangling or victim.read_text() == "precious"
    assert not (target.parent / ({"ann.key", "ann.key.pub"} - {link}).pop()).exists()


def test_no_secret_is_read_through_a_link(target):
    target.write_text("secret")
    target.chmod(0o600)
    link = target.with_name("link")
    link.symlink_to(target)
    with pytest.raises(KeyFileError, match="symbolic link"):
        read_secret_text(link)
    assert read_public_text(link) == "secret"


def test_a_link_that_appears_between_look_and_open_is_not_followed(target, monkeypatch):
    target.write_text("secret")
    target.chmod(0o600)
    link = target.with_name("link")
    link.symlink_to(target)
    monkeypatch.setattr(files, "_refuse_link", lambda path: None)
    with pytest.raises(KeyFileError):
        read_secret_text(link)


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o620, 0o601, 0o644, 0o666])
def test_a_secret_that_others_can_read_is_refused(target, bits):
    target.write_text("secret")
    target.chmod(bits)
    with pytest.raises(KeyFileError) as caught:
        read_secret_text(target)
    assert str(caught.value).endswith(f"run chmod 600 {target}")


def test_a_public_file_may_be_read_by_all(target):
    target.write_text("public")
    target.chmod(0o644)
    assert read_public_text(target) == "public"


@pytest.mark.parametrize("read", [read_secret_text, read_public_text])
def test_what_is_not_there(target, read):
    with pytest.raises(KeyFileMissingError):
        read(target)


@pytest.mark.parametrize("read", [read_secret_text, read_public_text])
def test_a_folder_is_no_key_file(tmp_path, read):
    with pytest.raises(KeyFileError, match="not a regular file"):
        read(tmp_path)


@pytest.mark.parametrize("read", [read_secret_text, read_public_text])
def test_a_pipe_is_refused_without_waiting(target, read):
    os.mkfifo(target, 0o600)
    with pytest.raises(KeyFileError, match="not a regular file"):
        read(target)


@pytest.mark.parametrize("read", [read_secret_text, read_public_text])
def test_no_more_is_read_than_a_key_has(target, read):
    target.write_bytes(b"A" * 16_385)
    target.chmod(0o600)
    with pytest.raises(MalformedError):
        read(target)
    target.write_bytes(b"A" * 16_384)
    assert len(read(target)) == 16_384


@pytest.mark.parametrize("read", [read_secret_text, read_public_text])
def test_bytes_that_are_no_text(target, read):
    target.write_bytes(b"\xff\xfe\x00secret")
    target.chmod(0o600)
    with pytest.raises(MalformedError) as caught:
        read(target)
    assert "secret" not in str(caught.value)


def test_into_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(KeyFileError):
        write_pair(tmp_path / "none" / "key", "secret", "public")


def test_over_a_folder(target):
    target.mkdir()
    with pytest.raises(KeyFileExistsError):
        write_pair(target, "secret", "public")
    with pytest.raises(KeyFileError):
        write_pair(target, "secret", "public", overwrite=True)


def fail(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "open", "fdopen", "link"])
def test_a_full_disk_leaves_nothing(target, monkeypatch, step):
    monkeypatch.setattr(files.os, step, fail)
    if step == "link":
        monkeypatch.setattr(files.os, "open", refuse_claims(files.os.open))
    with pytest.raises(KeyFileError, match="No space left"):
        write_pair(target, "secret", "public")
    monkeypatch.undo()
    assert names(target.parent) == []


def refuse_claims(original):
    """Let temporary files be made and refuse final names, as a full disk without hard links does."""

    def opened(path, flags, *mode):
        if flags & os.O_CREAT and not Path(path).name.startswith("."):
            fail()
        return original(path, flags, *mode)

    return opened


def test_a_failure_while_overwriting_leaves_the_old_one(target, monkeypatch):
    write_pair(target, "old", "old")
    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(KeyFileError):
        write_pair(target, "secret", "public", overwrite=True)
    monkeypatch.undo()
    assert (target.read_text(), public_path(target).read_text()) == ("old", "old")
    assert names(target.parent) == ["ann.key", "ann.key.pub"]


def test_a_secret_that_fails_takes_its_public_file_with_it(target, monkeypatch):
    original = files.write_text

    def write(path, text, **options):
        if path == target:
            raise KeyboardInterrupt
        original(path, text, **options)

    monkeypatch.setattr(files, "write_text", write)
    with pytest.raises(KeyboardInterrupt):
        write_pair(target, "secret", "public")
    assert names(target.parent) == []


def test_a_name_appears_only_when_all_of_it_is_on_disk(target, monkeypatch):
    seen = []
    original = os.fsync

    def fsync(handle):
        seen.append((stat.S_ISREG(os.fstat(handle).st_mode), target.exists()))
        original(handle)

    monkeypatch.setattr(files.os, "fsync", fsync)
    write_text(target, "secret", mode=0o600)
    assert seen == [(True, False), (False, True)]


def test_a_file_that_appears_meanwhile_is_not_overwritten(target, monkeypatch):
    original = os.fsync

    def fsync(handle):
        target.write_text("precious")
        original(handle)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(KeyFileExistsError):
        write_text(target, "secret", mode=0o600)
    assert target.read_text() == "precious"
    assert names(target.parent) == ["ann.key"]


def no_links(*_args, **_kwargs):
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_without_hard_links(target, monkeypatch):
    monkeypatch.setattr(files.os, "link", no_links)
    write_pair(target, "secret", "public")
    assert (target.read_text(), public_path(target).read_text()) == ("secret", "public")
    assert mode(target) == 0o600
    assert names(target.parent) == ["ann.key", "ann.key.pub"]


def test_without_hard_links_nothing_is_overwritten_either(target, monkeypatch):
    monkeypatch.setattr(files.os, "link", no_links)
    target.write_text("precious")
    with pytest.raises(KeyFileExistsError):
        write_text(target, "secret", mode=0o600)
    assert target.read_text() == "precious"
    assert names(target.parent) == ["ann.key"]


def test_without_hard_links_a_failure_leaves_no_empty_file(target, monkeypatch):
    monkeypatch.setattr(files.os, "link", no_links)
    monkeypatch.setattr(type(target), "replace", fail)
    with pytest.raises(KeyFileError):
        write_text(target, "secret", mode=0o600)
    assert names(target.parent) == []


def test_errors_carry_no_content(target):
    write_pair(target, "secret text", "public")
    for attempt in (
        lambda: write_pair(target, "secret text", "public"),
        lambda: write_text(target.parent / "none" / "x", "secret text", mode=0o600),
    ):
        with pytest.raises(KeyFileError) as caught:
            attempt()
        assert "secret text" not in str(caught.value)
