"""What is asked of new passwords: where it is known from, and what is refused."""

import pytest

from client.cli.asking import PASSWORD_VARIABLE, chosen_or_generated, new_password_for
from client.errors import UsageProblem
from client.policies import asked_of, from_note, to_note
from client.profile import Profile
from client.records import Dossier

URL = "https://vault.example.org"
STRONG = "correct horse battery staple"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SCELLE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    profile = Profile.default()
    profile.use(URL)
    return profile.service(URL)


@pytest.fixture
def typed(tmp_path):
    def write(password):
        path = tmp_path / "password"
        path.write_text(password)
        return str(path)

    return write


def test_what_the_service_said_last_is_known(home):
    assert asked_of("D-1") is None
    home.keep_dossier(Dossier("D-1", passwords="forbidden"))
    assert asked_of("D-1") == "forbidden"
    # An older service says nothing: what is known stays.
    home.keep_dossier(Dossier("D-1"))
    assert asked_of("D-1") == "forbidden"
    home.keep_policy("D-1", "strength:2")
    assert (asked_of("D-1"), asked_of("D-2")) == ("strength:2", None)
    assert home.dossier("D-1") == Dossier("D-1")


@pytest.mark.parametrize("policy", ["generated", "strength:1", "strength:4", "forbidden"])
def test_a_note_carries_it(policy):
    assert from_note(to_note(policy)) == policy


@pytest.mark.parametrize("note", ["", "as agreed", "passwords: strength:5", "passwords: forbidden, please"])
def test_other_notes_carry_nothing(note):
    assert from_note(note) is None
    assert to_note(None) == ""


@pytest.mark.parametrize("policy", [None, "generated", "strength:4"])
def test_one_that_is_made_is_always_taken(policy):
    password, generated = chosen_or_generated("a.martin", None, ask=False, policy=policy)
    assert (len(password), generated) == (35, True)


@pytest.mark.parametrize("policy", [None, "strength:3", "strength:4"])
def test_a_strong_one_that_is_chosen(typed, policy):
    assert chosen_or_generated("a.martin", typed(STRONG), ask=False, policy=policy) == (STRONG, False)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            "strength:1",
            "its strength is 0 of 4, .* asks for 1; .*common",
        ),
        ("generated", "generated passwords only"),
        ("forbidden", "no access by password"),
    ],
)
def test_one_that_is_refused_and_never_repeated(typed, policy, said):
    with pytest.raises(UsageProblem, match=said) as refused:
        chosen_or_generated("a.martin", typed("letmein"), ask=False, policy=policy)
    assert "letmein" not in str(refused.value)


def test_nobody_is_asked_for_what_is_not_taken():
    for policy in ("generated", "forbidden"):
        with pytest.raises(UsageProblem, match="organisation"):
            chosen_or_generated("a.martin", None, ask=True, policy=policy)
    with pytest.raises(UsageProblem, match="no access by password"):
        chosen_or_generated("a.martin", None, ask=False, policy="forbidden")


def test_sealing_makes_one_where_nobody_may_choose(home, typed, monkeypatch):
    assert new_password_for("a.martin", None, policy="generated")[1]
    with pytest.raises(UsageProblem, match="generated passwords only"):
        new_password_for("a.martin", typed(STRONG), policy="generated")
    monkeypatch.setenv(PASSWORD_VARIABLE, typed(STRONG))
    with pytest.raises(UsageProblem, match="generated passwords only"):
        new_password_for("a.martin", None, policy="generated")
    assert new_password_for("a.martin", None, policy="strength:4") == (STRONG, False)
