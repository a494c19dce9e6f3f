import errno
import os

import click
import pytest

from client.cli.failure import report
from client.errors import AccessProblem, ClientError, ConflictProblem, NotFoundProblem, UsageProblem
from client.refusals import RefusedContainer
from keys.errors import MalformedError, WrongPassphraseError
from vault.container.outcomes import ContainerError, MisuseError, Outcome


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClientError("it failed"), 1),
        (UsageProblem("it makes no sense"), 2),
        (AccessProblem("no"), 3),
        (NotFoundProblem("nothing"), 4),
        (ConflictProblem("something"), 6),
        (RefusedContainer("x", ContainerError(Outcome.NO_ACCESS, "")), 3),
        (RefusedContainer("x", ContainerError(Outcome.UNSAFE_PATH, "")), 5),
        (click.UsageError("Wrong."), 2),
        (click.Abort(), 130),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), 4),
        (FileExistsError(errno.EEXIST, "File exists", "x"), 6),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1),
        (OSError(errno.EIO, "Input/output error", "x"), 1),
        (WrongPassphraseError("wrong"), 3),
        (MalformedError("not canonical"), 1),
        (MisuseError("no reader would accept it"), 1),
        (ZeroDivisionError("a mistake"), 1),
    ],
)
def test_every_error_is_one_line_and_an_exit_code(error, code, capsys):
    assert report(error) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("scelle: ")
    assert not line.endswith(".")


def test_names_in_a_message_cannot_act_on_the_terminal(capsys):
    report(NotFoundProblem("{path}: gone", path="a\x1b[2J\u202eb"))
    assert capsys.readouterr().err == "scelle: a\\u{1b}[2J\\u{202e}b: gone\n"


def test_nor_can_names_that_the_system_or_click_report(capsys):
    report(FileNotFoundError(errno.ENOENT, "No such file", "a\x1bb"))
    report(click.UsageError("Got unexpected extra argument (a\x1bb)."))
    assert "\x1b" not in capsys.readouterr().err


def test_click_s_sentences_become_parts_of_a_line(capsys):
    report(click.UsageError("No such option '--x'. Did you mean '--y'?"))
    assert capsys.readouterr().err == "scelle: no such option '--x'; did you mean '--y'?\n"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOTCONN])
def test_what_is_not_in_the_table_is_said_in_the_system_s_words(number, capsys):
    report(OSError(number, "anything", "x"))
    assert capsys.readouterr().err == f"scelle: x: {os.strerror(number)}\n"


def test_a_full_disk_is_said_though_nobody_knows_which_file(capsys):
    report(OSError(errno.ENOSPC, "No space left on device"))
    assert capsys.readouterr().err == "scelle: the output: the disk is full\n"


def test_an_unexpected_error_shows_its_kind_but_not_its_text(capsys):
    report(ValueError("perhaps a secret"))
    assert "perhaps a secret" not in capsys.readouterr().err


def test_the_traceback_is_shown_where_it_is_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("SCELLE_DEBUG", "1")
    report(ValueError("what happened"))
    assert "ValueError: what happened" in capsys.readouterr().err
