import pytest

from client.cli.online.deposit import deposit
from client.cli.online.resuming import line_to_go_on
from client.cli.online.uploads import Telling
from client.errors import UsageProblem
from client.remote.problems import CutOff, Unreachable

AGAIN = "scelle deposit one.scelle --resume"


def stop(telling, error):
    telling.found(0, 9)
    raise error


@pytest.mark.parametrize("error", [CutOff("cut"), Unreachable("gone"), KeyboardInterrupt()])
def test_who_is_interrupted_is_told_how_to_go_on(capsys, error):
    with pytest.raises(type(error)), Telling(AGAIN, quiet=False) as telling:
        stop(telling, error)
    assert capsys.readouterr().err.endswith(f"to go on, type: {AGAIN}\n")


def test_what_never_began_or_will_not_get_better_is_not_to_be_gone_on_with(capsys):
    with pytest.raises(CutOff), Telling(AGAIN, quiet=False):
        raise CutOff("cut")
    with pytest.raises(UsageProblem), Telling(AGAIN, quiet=False) as telling:
        stop(telling, UsageProblem("no"))
    assert capsys.readouterr().err == ""


def test_what_is_there_already_is_told_once(capsys):
    with Telling(AGAIN, quiet=False) as telling:
        telling.found(12, 20)
        telling.found(20, 20)
    assert capsys.readouterr().err == (
        "scelle: going on with an upload begun earlier: 12 of 20 parts are there\n"
    )
    with Telling(AGAIN, quiet=True) as telling:
        telling.found(12, 20)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["one.scelle"], AGAIN),
        (["--resume", "one.scelle"], AGAIN),
        (
            ["-q", "my logs.scelle", "--template", "t", "--username", "a.martin", "--password-file", "p"],
            "'my logs.scelle' --template t --username a.martin --password-file p --quiet",
        ),
    ],
)
def test_the_line_to_go_on_is_what_was_typed_with_resume(typed, line):
    with deposit.make_context("scelle deposit", list(typed)) as context:
        told = line_to_go_on(context)
    assert told == (line if line == AGAIN else f"scelle deposit {line} --resume")
