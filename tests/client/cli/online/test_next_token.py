"""``scelle token rotate``, whole and interrupted."""

import stat

import pytest

from client.remote.calls.people import PeopleCalls
from client.remote.problems import CutOff
from vault.api.tokens import is_token


class Dead(BaseException):
    """The machine died here."""


@pytest.fixture(scope="module")
def program(town):
    """A portal of its own, that signs in with a token that an admin made."""
    town.ask("admin", "account", "create", "tokened", "--role", "portal", "--org", "Convergence")
    made = town.ask("admin", "token", "create", "--account", "tokened", "--label", "prod", "-o", "t1")
    town.give("admin", "t1", "tokened")
    town.give("admin", "trust.json", "tokened")
    town.type("tokened", "login", town.server.url, "--token-file", "t1", "--trust", "trust.json")
    return made["token"]


def mine(town):
    return {item["id"]: item for item in town.ask("tokened", "token", "list")}


def works(town, name, who="tokened"):
    typed = ("login", town.server.url, "--token-file", name)
    return town.attempt(who, *typed, "--trust", "trust.json").code == 0


def test_an_admin_rotates_and_a_program_rotates_its_own(town, program, monkeypatch):
    plan = town.ask("admin", "token", "rotate", program["id"], "-o", "t2", "--dry-run")
    assert plan == program
    assert "t2" not in town.names("admin")
    typed = town.type("admin", "token", "rotate", program["id"], "-o", "t2")
    secret = town.file("admin", "t2").read_text().strip()
    assert is_token(secret)
    assert secret not in typed.out + typed.err
    assert stat.S_IMODE(town.file("admin", "t2").stat().st_mode) == 0o600
    taken = town.attempt("admin", "token", "rotate", program["id"], "-o", "t2")
    assert taken.code == 6
    town.give("admin", "t2", "tokened")
    assert works(town, "t1")
    assert works(town, "t2")
    second = mine(town)[program["id"]]["replaced_by"]
    refused = town.attempt("admin", "token", "rotate", program["id"], "-o", "t3")
    assert refused.code == 6
    assert "t3" not in town.names("admin"), "a token that was refused is kept nowhere"

    # Signed in with a session, nobody says whose token is meant; one's own token is meant without an id.
    nobodys = town.attempt("admin", "token", "rotate", "-o", "t3")
    assert (nobodys.code, "t3" in town.names("admin")) == (2, False)
    real = PeopleCalls.rotate_token

    for after in (False, True):

        async def die(self, *given, after=after):
            if after:
                await real(self, *given)
            raise Dead

        with monkeypatch.context() as patch:
            patch.setattr(PeopleCalls, "rotate_token", die)
            with pytest.raises(Dead):
                town.attempt(
                    "tokened", "token", "rotate", "-o", "t3", "--overlap", "0", *["--resume"][: int(after)]
                )
        assert works(town, "t3") is after
        # The profile has what it had; what was signed in last is the old one, or what is left of it.
        if not after:
            town.type("tokened", "login", town.server.url, "--token-file", "t2", "--trust", "trust.json")
    assert not works(town, "t2")
    done = town.ask("tokened", "token", "rotate", second, "-o", "t3", "--overlap", "0", "--resume")
    assert done["former"]["id"] == second
    assert mine(town)[second]["replaced_by"] == done["token"]["id"]


def test_a_lost_answer_is_told_and_resumed_by_the_token_that_it_made(town, monkeypatch):
    town.ask("admin", "account", "create", "tokened-2", "--role", "auditor")
    town.type("admin", "token", "create", "--account", "tokened-2", "--label", "audit", "-o", "a1")
    town.give("admin", "a1", "tokened-2")
    town.give("admin", "trust.json", "tokened-2")
    town.type("tokened-2", "login", town.server.url, "--token-file", "a1", "--trust", "trust.json")
    real = PeopleCalls.rotate_token

    async def lose(self, *given):
        await real(self, *given)
        raise CutOff("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(PeopleCalls, "rotate_token", lose)
        typed = town.attempt("tokened-2", "token", "rotate", "-o", "a2", "--overlap", "0")
    assert typed.code == 7
    assert "scelle token rotate --output a2 --overlap 0 --resume" in typed.err
    # The token of the profile has ended with it.
    assert town.attempt("tokened-2", "token", "list").code == 3
    done = town.ask("tokened-2", "token", "rotate", "-o", "a2", "--overlap", "0", "--resume")
    assert done["former"]["replaced_by"] == done["token"]["id"]
    # The profile goes on with the new one.
    assert town.ask("tokened-2", "whoami")["token"] == done["token"]["id"]
    town.file("tokened-2", "other", b"scelle_token_short\n")
    assert town.attempt("tokened-2", "token", "rotate", "-o", "other", "--resume").code == 2
