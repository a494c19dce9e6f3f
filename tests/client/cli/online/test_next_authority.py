"""The authority's next key, as an admin types it, and those who follow it."""

import stat

import pytest

from client.remote.calls.successions import SuccessionCalls
from tests.client.cli.online.conftest import PATIENCE, settled
from tests.client.serving import Server


class Dead(BaseException):
    """The machine died here."""


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A service of its own: others go on habilitating by the authority that they know."""
    with Server(tmp_path_factory.mktemp("service") / "data", **PATIENCE) as server:
        yield settled(server, tmp_path_factory)


def rotate(town, old, new, *more):
    return town.ask(
        "admin", "rotate", "authority", "--authority", old, "-o", new, "--no-passphrase", "--yes", *more
    )


def habilitate(town, who, authority):
    made = town.ask("admin", "account", "create", who, "--role", "reviewer")
    town.file(who, "code", made["enrolment_code"].encode())
    town.type(who, "keygen", "-o", "my.key", "--no-passphrase")
    typed = ("--server", town.server.url, "--identity", "my.key", "--code-file", "code")
    enrolled = town.ask(who, "enrol", *typed)
    return town.attempt(
        "admin", "habilitate", who, "--authority", authority, "--fingerprint", enrolled["fingerprint"]
    )


def test_the_authority_goes_from_key_to_key(town, monkeypatch):
    first = town.ask("admin", "trust", "show")
    plan = town.ask(
        "admin", "rotate", "authority", "--authority", "authority.key", "-o", "next.key", "--dry-run"
    )
    assert plan == {"authority_now": first["authority"], "keys_before": 0, "approvals_needed": 0}
    assert "next.key" not in town.names("admin")
    real = SuccessionCalls.succeed_authority

    for after in (False, True):

        async def die(self, request, after=after):
            if after:
                await real(self, request)
            raise Dead

        with monkeypatch.context() as patch:
            patch.setattr(SuccessionCalls, "succeed_authority", die)
            with pytest.raises(Dead):
                rotate(town, "authority.key", "next.key", *(("--resume",) if after else ()))
    done = rotate(town, "authority.key", "next.key", "--resume")
    assert stat.S_IMODE(town.file("admin", "next.key").stat().st_mode) == 0o600
    shown = town.ask("admin", "trust", "show")
    assert (shown["authority"], shown["authority_now"]) == (first["authority"], done["authority_now"])
    assert done["authority_now"] != first["authority"]

    # The old key is refused here and there, the new one is taken.
    assert habilitate(town, "late", "authority.key").code == 2
    assert habilitate(town, "fresh", "next.key").code == 0
    # Who has the old trust file follows, and is told.
    town.give("admin", "trust.json", "fresh")
    typed = ("login", town.server.url, "--identity", "my.key", "--trust", "trust.json")
    followed = town.attempt("fresh", *typed)
    assert followed.code == 0
    assert done["authority_now"] in followed.err
    # Who trusted before follows too; whoever was habilitated before still is.
    told = town.attempt("r1", "trust", "renew")
    assert (told.code, done["authority_now"] in told.err) == (0, True)
    assert town.attempt("r1", "trust", "renew").err == ""
    assert town.ask("r1", "whoami")["habilitated"]
    # A portal that signs in nowhere follows with whatever it does next.
    told = town.attempt("portal", "dossier", "create", "D-told", "--product", "Iris", "--admin", "admin")
    assert (told.code, done["authority_now"] in told.err) == (0, True)
    town.open_dossier("D-next", "r1")
    town.invite("D-next", "editor-next")
    # So does a dossier from before, whose next key lists whom its seals list.
    town.ask("admin", "rotate", "dossier", "D-1", "--identity", "my.key", "--yes")

    again = rotate(town, "next.key", "third.key")
    assert town.ask("admin", "trust", "show")["authority_now"] == again["authority_now"]
    back = town.attempt(
        "admin", "rotate", "authority", "--authority", "next.key", "-o", "x.key", "--no-passphrase", "--yes"
    )
    assert back.code == 2
    assert "x.key" not in town.names("admin")
