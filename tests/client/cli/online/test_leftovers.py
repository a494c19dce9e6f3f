import pytest

from client.cli.online.leftovers import tell_start, telling_what_stays
from client.errors import ConflictProblem
from client.remote.leftovers import Start
from client.remote.problems import CutOff

LINE = "scelle evidence fetch 5f0c -o a.scelle --resume"


@pytest.mark.parametrize("error", [CutOff("broken"), KeyboardInterrupt(), OSError(28, "full")])
def test_who_is_interrupted_is_told_how_to_go_on(tmp_path, capsys, error):
    (tmp_path / "a.scelle.part").write_bytes(bytes(2048))
    with pytest.raises(type(error)), telling_what_stays(str(tmp_path / "a.scelle"), LINE):
        raise error
    assert f"2.0 KiB are kept; to go on, type: {LINE}\n" in capsys.readouterr().err


def test_where_nothing_stays_or_the_error_says_it_nothing_is_added(tmp_path, capsys):
    with pytest.raises(CutOff), telling_what_stays(str(tmp_path / "a.scelle"), LINE):
        raise CutOff("broken")
    (tmp_path / "a.scelle.part").write_bytes(b"x")
    with pytest.raises(ConflictProblem), telling_what_stays(str(tmp_path / "a.scelle"), LINE):
        raise ConflictProblem("taken")
    with telling_what_stays(str(tmp_path / "a.scelle"), LINE):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("start", Start)
def test_every_start_is_told_unless_it_is_to_be_quiet(capsys, start):
    tell_start(start, 5 * 2**20, quiet=True)
    assert capsys.readouterr().err == ""
    tell_start(start, 5 * 2**20, quiet=False)
    said = capsys.readouterr().err
    assert "earlier download" in said
    assert ("5.0 MiB" in said) == (start in {Start.WHOLE, Start.DAMAGED})
