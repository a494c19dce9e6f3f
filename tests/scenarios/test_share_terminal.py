"""Shares of a recovery key on a terminal: shown one at a time, typed in again, each checked at once."""

import re

import pexpect
import pytest

from tests.scenarios.transcripts import environment

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
WORD = re.compile(r"\d+ ([a-z]+)")


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    home = tmp_path_factory.mktemp("shares") / "home"
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


def end(child):
    shown = child.read()
    child.wait()
    return shown, child.exitstatus


def made(type_in, *, shares=3):
    """Make a recovery key and write its shares down, one after the other."""
    child = type_in("scelle recovery-key create -o recovery.pub")
    pages = []
    for number in range(1, shares + 1):
        child.expect(f"share {number} of {shares}; any 2 of them open everything")
        child.expect("then press Enter: ")
        pages.append(" ".join(WORD.findall(child.before)))
        child.sendline("")
    shown, code = end(child)
    assert code == 0
    # What was shown is put away before anything else is said.
    assert shown.index(LEAVE) < shown.index("public file")
    return pages


def test_what_is_shown_is_typed_in_again_and_gives_the_key(type_in, tmp_path):
    pages = made(type_in)
    assert [len(page.split()) for page in pages] == [33, 33, 33]
    assert [path.name for path in tmp_path.iterdir()] == ["recovery.pub"]
    child = type_in("scelle recovery-key combine -o recovery.key --public recovery.pub --no-passphrase")
    child.expect_exact(ENTER)
    child.expect("share 1\r\n")
    child.expect("from word 1: ")
    child.sendline(pages[2])
    child.expect("share 2 of 2")
    words = pages[0].split()
    child.expect("from word 1: ")
    child.sendline(" ".join(words[:10]).upper())
    child.expect("from word 11: ")
    child.sendline(" ".join(words[10:]))
    shown, code = end(child)
    assert code == 0, shown
    assert shown.index(LEAVE) < shown.index("key file")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "recovery.key",
        "recovery.key.pub",
        "recovery.pub",
    ]


def test_what_is_wrong_is_said_at_once_and_put_right(type_in):
    first, second, _ = made(type_in)
    child = type_in("scelle recovery-key combine -o recovery.key --no-passphrase")
    child.expect("from word 1: ")
    child.sendline("acadmic")
    child.expect("acadmic: not in the list")
    child.expect("near to it: academic")
    words = first.split()
    right, words[6] = words[6], "zero" if words[6] != "zero" else "yoga"
    child.expect("from word 1: ")
    child.sendline(" ".join(words))
    child.expect("share 1: a word is wrong or out of place")
    child.expect("the number and the right word, or 0: ")
    child.sendline(f"7 {right}")
    child.expect("share 2 of 2")
    child.expect("from word 1: ")
    child.sendline(first)
    child.expect("share 2 of 2: this share was given before")
    child.expect("or 0: ")
    child.sendline("0")
    child.expect("from word 1: ")
    child.sendline(f"{second} {second.split()[0]}")
    child.expect("has 33 words")
    child.sendline("0")
    child.expect("from word 1: ")
    child.sendline(second)
    assert end(child)[1] == 0


def test_a_share_of_another_key_is_refused_when_it_is_typed(type_in, tmp_path):
    here, _, _ = made(type_in)
    (tmp_path / "recovery.pub").unlink()
    there, _, _ = made(type_in)
    child = type_in("scelle recovery-key combine -o recovery.key --no-passphrase")
    child.expect("from word 1: ")
    child.sendline(here)
    child.expect("share 2 of 2")
    child.sendline(there)
    child.expect("share 2 of 2: this share (is not of the same set as the first|was given before)")
    child.sendintr()
    shown, code = end(child)
    assert code == 130
    assert LEAVE in shown
    assert [path.name for path in tmp_path.iterdir()] == ["recovery.pub"]


def test_who_stops_before_the_last_share_has_made_no_key(type_in, tmp_path):
    for stop in ("sendintr", "sendeof"):
        child = type_in("scelle recovery-key create -o recovery.pub")
        child.expect("share 1 of 3")
        child.expect("then press Enter: ")
        child.sendline("")
        child.expect("then press Enter: ")
        getattr(child, stop)()
        shown, code = end(child)
        assert code == (130 if stop == "sendintr" else 2)
        assert LEAVE in shown
        assert list(tmp_path.iterdir()) == []


def test_the_whole_key_is_locked_by_a_passphrase(type_in, tmp_path):
    child = type_in("scelle recovery-key create --identity recovery.key --out-dir shares")
    child.expect("passphrase for recovery.key: ")
    child.sendline("one passphrase")
    child.expect("the same again: ")
    child.sendline("one passphrase")
    assert end(child)[1] == 0
    child = type_in(
        "scelle recovery-key combine shares/share-1-of-3.txt shares/share-2-of-3.txt -o again.key"
    )
    child.expect("passphrase for again.key: ")
    child.sendline("another")
    child.expect("the same again: ")
    child.sendline("another")
    assert end(child)[1] == 0
    assert (tmp_path / "again.key.pub").read_text() == (tmp_path / "recovery.key.pub").read_text()


def test_a_terminal_that_keeps_everything_is_named(type_in):
    child = type_in("scelle recovery-key create -o recovery.pub", TERM="dumb")
    for _ in range(3):
        child.expect("then press Enter: ")
        child.sendline("")
    shown, code = end(child)
    assert code == 0
    assert "this terminal keeps what was shown" in shown
    assert "\x1b" not in shown


def test_it_is_said_in_french_too(type_in):
    child = type_in("scelle recovery-key create -o recovery.pub", LANG="fr_FR.UTF-8")
    child.expect("part 1 sur 3\u00a0; 2 d’entre elles, n’importe lesquelles, ouvrent tout")
    child.expect("puis appuyez sur Entrée\u00a0: ")
    child.sendintr()
    assert end(child)[1] == 130


def test_typed_shares_open_a_container_and_no_key_is_written(type_in, tmp_path):
    first, second, _ = made(type_in)
    (tmp_path / "a.txt").write_text("words\n")
    assert end(type_in("scelle keygen -o me.key --no-passphrase"))[1] == 0
    seal = "scelle seal a.txt -o a.scelle --dossier D --type other -r me.key.pub -r recovery.pub"
    assert end(type_in(seal))[1] == 0
    before = {path.name for path in tmp_path.iterdir()}
    child = type_in("scelle recover a.scelle -o out")
    for share in (second, first):
        child.expect("from word 1: ")
        child.sendline(share)
    shown, code = end(child)
    assert code == 0, shown
    assert (tmp_path / "out/a.txt").read_text() == "words\n"
    assert {path.name for path in tmp_path.iterdir()} == before | {"out"}
