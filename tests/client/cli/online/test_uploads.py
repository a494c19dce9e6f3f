import pytest

from client.cli.online.uploads import Telling
from client.errors import UsageProblem
from client.remote.problems import CutOff, Unreachable


def stop(telling, error):
    telling.found(0, 9)
    raise error


@pytest.mark.parametrize("error", [CutOff("cut"), Unreachable("gone"), KeyboardInterrupt()])
def test_who_is_interrupted_is_told_how_to_go_on(capsys, error):
    with pytest.raises(type(error)), Telling(quiet=False) as telling:
        stop(telling, error)
    assert "type the same with --resume to go on" in capsys.readouterr().err


def test_what_never_began_or_will_not_get_better_is_not_to_be_gone_on_with(capsys):
    with pytest.raises(CutOff), Telling(quiet=False):
        raise CutOff("cut")
    with pytest.raises(UsageProblem), Telling(quiet=False) as telling:
        stop(telling, UsageProblem("no"))
    assert capsys.readouterr().err == ""


def test_what_is_there_already_is_told_once(capsys):
    with Telling(quiet=False) as telling:
        telling.found(12, 20)
        telling.found(20, 20)
    assert capsys.readouterr().err == (
        "scelle: going on with an upload begun earlier: 12 of 20 parts are there\n"
    )
    with Telling(quiet=True) as telling:
        telling.found(12, 20)
    assert capsys.readouterr().err == ""
