"""What only happens on a terminal: questions without echo, the progress bar, Ctrl-C."""

import os
import re
import shutil
import signal
import subprocess
import time

import pexpect
import pytest

from tests.scenarios.transcripts import environment

GIB = 1024**3


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    home = tmp_path_factory.mktemp("scenarios") / "home"
    home.mkdir()
    return {**environment(home), "TERM": "xterm"}


@pytest.fixture
def type_in(tmp_path, variables):
    """Type a command on a terminal; returns what to expect from and send to."""
    started = []

    def start(command, **changes):
        child = pexpect.spawn(
            "/bin/sh",
            ["-c", f"exec {command}"],
            cwd=str(tmp_path),
            env={**variables, **changes},
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 100),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def _end(child):
    """Read to the end and return what was shown and the exit code."""
    shown = child.read()
    child.wait()
    return shown, child.exitstatus


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _make_key(type_in):
    assert _end(type_in("scelle keygen -o me.key --no-passphrase"))[1] == 0


def test_a_passphrase_is_asked_for_twice_and_never_shown(type_in, tmp_path):
    child = type_in("scelle keygen -o me.key")
    for answer in ("one passphrase", "another"):
        child.expect("passphrase for me.key: " if answer.startswith("one") else "the same again: ")
        child.sendline(answer)
    child.expect("that was empty or not the same twice")
    child.expect("passphrase for me.key: ")
    child.sendline("one passphrase")
    child.expect("the same again: ")
    child.sendline("one passphrase")
    shown, code = _end(child)
    assert code == 0
    assert "fingerprint" in shown
    assert "passphrase" not in shown.replace("passphrase for", "")
    assert _names(tmp_path) == ["me.key", "me.key.pub"]


def test_three_attempts_are_enough(type_in, tmp_path):
    child = type_in("scelle keygen -o me.key")
    for attempt in range(3):
        child.expect("passphrase for me.key: ")
        child.sendline(f"number {attempt}")
        child.expect("the same again: ")
        child.sendline("x")
    shown, code = _end(child)
    assert code == 2
    assert "no password was given" in shown
    assert _names(tmp_path) == []


def test_one_question_opens_a_container(type_in, tmp_path):
    (tmp_path / "a.txt").write_text("words\n")
    child = type_in("scelle new x.scelle a.txt --username alice --ask-password")
    child.expect("new password for alice: ")
    child.sendline("mot de passe è")
    child.expect("the same again: ")
    child.sendline("mot de passe è")
    assert _end(child)[1] == 0
    child = type_in("scelle cat x.scelle a.txt --username alice")
    child.expect("password for alice: ")
    # As another keyboard writes the same letter.
    child.sendline("mot de passe e\u0300")
    shown, code = _end(child)
    assert (shown.split(), code) == (["words"], 0)
    child = type_in("scelle cat x.scelle a.txt --username alice")
    child.expect("password for alice: ")
    child.sendline("wrong")
    shown, code = _end(child)
    assert code == 3
    assert "[no_access]" in shown
    assert "wrong" not in shown


def test_the_questions_are_asked_in_french_too(type_in, tmp_path):
    child = type_in("scelle new x.scelle --username alice --ask-password", LANG="fr_FR.UTF-8")
    child.expect("nouveau mot de passe de alice\u00a0: ")
    child.sendline("un")
    child.expect("encore une fois\u00a0: ")
    child.sendline("deux")
    child.expect("différent la seconde fois")
    child.sendintr()
    shown, code = _end(child)
    assert code == 130
    assert "interrompu" in shown
    assert _names(tmp_path) == []


def test_the_password_is_asked_for_on_the_terminal_even_when_stdin_is_the_container(type_in, tmp_path):
    (tmp_path / "password").write_text("secret")
    (tmp_path / "a.txt").write_text("words\n")
    assert _end(type_in("scelle new x.scelle a.txt -u alice --password-file password"))[1] == 0
    child = type_in("scelle cat - a.txt --username alice < x.scelle")
    child.expect("password for alice: ")
    child.sendline("secret")
    assert _end(child) == ("\r\nwords\r\n", 0)


def test_binary_content_is_not_sent_to_a_terminal(type_in, tmp_path):
    (tmp_path / "clear.txt").write_bytes(b"\x1b[2J")
    _make_key(type_in)
    assert _end(type_in("scelle seal clear.txt -o x.scelle --dossier D --type other -r me.key.pub"))[1] == 0
    shown, code = _end(type_in("scelle cat x.scelle clear.txt -i me.key"))
    assert code == 1
    assert "no plain text" in shown
    assert "\x1b[2J" not in shown
    assert _end(type_in("scelle cat x.scelle clear.txt -i me.key --force")) == ("\x1b[2J", 0)


def _sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


def test_a_bar_shows_how_far_it_is_and_goes_away(type_in, tmp_path):
    _sparse(tmp_path / "big.bin", 64 * 1024 * 1024)
    _make_key(type_in)
    shown, code = _end(
        type_in("scelle seal big.bin -o x.scelle --dossier D --type other -r me.key.pub -i me.key")
    )
    assert code == 0
    assert "sealing" in shown
    assert re.search(r"64\.0 MiB|67\.1/67\.1 MB|64\.0/64\.0 MiB", shown)
    shown, code = _end(type_in("scelle open x.scelle -o out -i me.key --quiet"))
    assert (shown, code) == ("", 0)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, variables):
    """A key, a file of 1 GiB and a small one, and both in a container: work that takes a second or two."""
    folder = tmp_path_factory.mktemp("prepared")
    _sparse(folder / "big.bin", GIB)
    (folder / "small.txt").write_text("words\n")
    seal = "scelle seal big.bin small.txt -o x.scelle --dossier D --type other -r me.key.pub -i me.key"
    command = ["/bin/sh", "-c", f"scelle keygen -o me.key --no-passphrase && {seal}"]
    subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True)  # noqa: S603 - ours
    yield folder
    # Nobody should find gigabytes of an earlier run.
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("command", "bar"),
    [
        ("scelle seal big.bin -o new.scelle --dossier D --type other -r me.key.pub -i me.key", "sealing"),
        ("scelle open x.scelle -o out -i me.key", "opening"),
        ("scelle remove x.scelle small.txt -i me.key", "sealing"),
    ],
)
def test_ctrl_c_leaves_everything_as_it_was(type_in, prepared, command, bar):
    before, container = _names(prepared), (prepared / "x.scelle").stat()
    child = type_in(f"sh -c 'cd {prepared} && exec {command}'")
    child.expect(bar)
    child.sendintr()
    shown, code = _end(child)
    assert code == 130
    assert "interrupted" in shown
    assert "Traceback" not in shown
    assert _names(prepared) == before
    after = (prepared / "x.scelle").stat()
    assert (after.st_ino, after.st_mtime_ns) == (container.st_ino, container.st_mtime_ns)


def test_being_told_to_stop_leaves_nothing_either(prepared, variables):
    before = _names(prepared)
    command = "exec scelle seal big.bin -o new.scelle --dossier D --type other -r me.key.pub -i me.key"
    process = subprocess.Popen(["/bin/sh", "-c", command], cwd=prepared, env=variables)  # noqa: S603 - ours
    while not any(name.endswith(".part") for name in os.listdir(prepared)):  # noqa: PTH208 - a glimpse is enough
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    assert _names(prepared) == before


def test_a_reader_that_goes_away_is_no_catastrophe(tmp_path, variables):
    command = "scelle --help | head -1"
    done = subprocess.run(  # noqa: S603 - ours
        ["/bin/sh", "-c", command], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: scelle")
    assert done.stderr == ""
