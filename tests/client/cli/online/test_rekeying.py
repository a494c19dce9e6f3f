"""A reviewer gives itself a new key, as it types it, against a real server; and is stopped anywhere."""

import stat
from itertools import count

import pytest

from client.remote.calls.people import PeopleCalls
from client.remote.calls.successions import SuccessionCalls
from tests.client.town import EDITOR

_numbers = count(1)


class Dead(BaseException):
    """The machine died here."""


class Desk:
    """A reviewer of its own with two dossiers, in each of which something was deposited."""

    def __init__(self, town) -> None:
        self.town, number = town, next(_numbers)
        self.name, self.dossiers = f"clerk-{number}", [f"D-key-{number}-{part}" for part in "ab"]
        town.admit(self.name, "reviewer")
        self.kept = []
        for dossier in self.dossiers:
            town.open_dossier(dossier, self.name)
            editor = f"editor-{dossier}"
            town.invite(dossier, editor)
            town.seal(editor, "one", f"Analyse {dossier}\n")
            self.kept.append(town.ask(editor, "deposit", "one.scelle", *EDITOR))

    def rotate(self, *more, attempt=False):
        typed = ("rotate", "reviewer", "--identity", "my.key", "-o", "next.key", *more)
        if attempt:
            return self.town.attempt(self.name, *typed, "--yes", "--json")
        return self.town.ask(self.name, *typed, "--yes")

    def renew(self, *more, **options):
        return self.rotate("--no-passphrase", *more, **options)

    def sign_in(self, key):
        url = self.town.server.url
        return self.town.attempt(self.name, "login", url, "--identity", key, "--trust", "trust.json")

    def is_refused(self) -> bool:
        """Tell whether the service gives it nothing, and clients wrap nothing to it any more."""
        refused = self.town.attempt(self.name, "grant", "fetch", self.dossiers[0])
        listed = {item["name"]: item for item in self.town.ask("admin", "reviewer", "list")}
        assert listed[self.name]["habilitated"] is (refused.code == 0)
        return "[not_habilitated]" in refused.err

    def opens(self, key, mark) -> bool:
        """Fetch and open what is in both dossiers."""
        found = []
        for number, kept in enumerate(self.kept):
            name = f"{mark}-{number}"
            fetched = self.town.attempt(
                self.name, "evidence", "fetch", kept["evidence"], "-o", f"{name}.scelle"
            )
            assert fetched.code == 0, fetched
            opened = self.town.attempt(self.name, "open", f"{name}.scelle", "-o", name, "--identity", key)
            found.append(opened.code == 0)
        assert len(set(found)) == 1
        return found[0]


@pytest.fixture
def desk(town):
    return Desk(town)


def test_a_plan_changes_nothing(desk):
    plan = desk.town.ask(desk.name, "rotate", "reviewer", "--identity", "my.key", "--dry-run")
    assert (plan["dossiers"], plan["grants"]) == (2, 2)
    assert desk.sign_in("my.key").code == 0
    assert "next.key" not in desk.town.names(desk.name)


def test_everything_goes_along_and_the_old_key_is_nobody(desk):
    town = desk.town
    assert desk.opens("my.key", "before")
    done = desk.renew()
    assert done["rewrapped"] == 2
    file = town.file(desk.name, "next.key")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert desk.sign_in("my.key").code == 3
    assert desk.sign_in("next.key").code == 0
    assert desk.opens("next.key", "after")
    shown = town.ask(desk.name, "whoami")
    assert (shown["key_id"], shown["habilitated"]) == (done["key_id"], True)
    listed = {item["name"]: item for item in town.ask("admin", "reviewer", "list")}
    assert listed[desk.name]["fingerprint"] == done["fingerprint"]


def test_an_admin_goes_on_with_whoever_rotated(desk):
    town, dossier = desk.town, desk.dossiers[0]
    desk.renew()
    turned = town.ask("admin", "rotate", "dossier", dossier, "--identity", "my.key", "--yes")
    assert desk.name in turned["staying"]
    assert desk.opens("next.key", "turned")
    again = town.ask(desk.name, "rotate", "reviewer", "-o", "third.key", "--no-passphrase", "--yes")
    # One dossier has two keys, of which the older ended with its rotation.
    assert again["rewrapped"] == 2
    assert desk.opens("third.key", "third")


def test_an_admin_rotates_while_the_grants_are_not_wrapped_yet(desk, monkeypatch):
    town, dossier = desk.town, desk.dossiers[0]

    async def die(*_arguments, **_options):
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(SuccessionCalls, "rewrap_grant", die)
        with pytest.raises(Dead):
            desk.renew()
    turned = town.ask("admin", "rotate", "dossier", dossier, "--identity", "my.key", "--yes")
    assert desk.name in turned["staying"]
    assert desk.renew("--resume")["rewrapped"] == 1
    assert desk.opens("next.key", "after")


@pytest.mark.parametrize("name", ["succeed_account", "rewrap_grant"])
@pytest.mark.parametrize("after", [False, True])
def test_stopped_anywhere_it_goes_on(desk, monkeypatch, name, after):
    real = getattr(SuccessionCalls, name)

    async def die(self, *arguments, **options):
        if after:
            await real(self, *arguments, **options)
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(SuccessionCalls, name, die)
        with pytest.raises(Dead):
            desk.renew()
    left = 1 if (name, after) == ("rewrap_grant", True) else 2
    assert desk.renew("--resume")["rewrapped"] == left
    assert desk.sign_in("my.key").code == 3
    assert desk.sign_in("next.key").code == 0
    assert desk.opens("next.key", "after")
    assert desk.renew("--resume")["rewrapped"] == 0


AUTHORITY = ("--authority", "authority.key")


def test_who_rotated_is_withdrawn(desk):
    town = desk.town
    desk.renew()
    town.type("admin", "withdraw", desk.name, *AUTHORITY)
    assert desk.is_refused()


def test_who_rotated_is_renewed_and_then_withdrawn_as_a_whole(desk):
    """Nobody compares a fingerprint again: the first key was compared, and named the next."""
    town = desk.town
    desk.renew()
    renewed = ("admin", "habilitate", "--renew", desk.name, *AUTHORITY, "--days", "366", "--yes")
    (line,) = town.ask(*renewed)
    assert line["failure"] is None
    assert desk.sign_in("next.key").code == 0
    town.ask(desk.name, "rotate", "reviewer", "-o", "third.key", "--no-passphrase", "--yes")
    assert desk.sign_in("third.key").code == 0
    assert not desk.is_refused()
    town.type("admin", "withdraw", desk.name, *AUTHORITY)
    assert desk.is_refused()


def test_another_s_habilitation_is_neither_renewed_nor_withdrawn(desk, monkeypatch):
    """Who followed whom is for the old key to say, not for the service that shows it."""
    town, get = desk.town, PeopleCalls.list_accounts
    desk.renew()

    async def lying(self, query=None):
        page = await get(self, query)
        by_name = {item.name: item for item in page.items}
        shown = by_name["r1"].model_copy(
            update={
                "habilitation": by_name[desk.name].habilitation,
                "successions": by_name[desk.name].successions,
            }
        )
        return page.model_copy(
            update={"items": tuple(shown if item.name == "r1" else item for item in page.items)}
        )

    monkeypatch.setattr(PeopleCalls, "list_accounts", lying)
    size = town.ask("admin", "journal", "checkpoint")["size"]
    for words in (("habilitate", "--renew", "r1", "--scope", "guidé", "--yes"), ("withdraw", "r1")):
        refused = town.attempt("admin", *words, *AUTHORITY)
        assert refused.code != 0
        assert "[not_entitled]" in refused.out + refused.err or "[mismatch]" in refused.err
    assert town.ask("admin", "journal", "checkpoint")["size"] == size


def test_what_is_typed_wrongly_changes_nothing(desk):
    town = desk.town
    town.type(desk.name, "keygen", "-o", "there.key", "--no-passphrase")
    for more, code in (
        (("-o", "there.key", "--no-passphrase", "--yes"), 6),
        (("--yes",), 2),
        (("-o", "next.key", "--no-passphrase"), 2),
        (("-o", "next.key", "--resume"), 4),
        (("--dry-run", "--resume"), 2),
        (("-o", "next.key", "--no-passphrase", "--new-passphrase-file", "code", "--yes"), 2),
    ):
        typed = town.attempt(desk.name, "rotate", "reviewer", "--identity", "my.key", *more)
        assert typed.code == code, typed
    stranger = town.attempt(
        desk.name, "rotate", "reviewer", "--identity", "there.key", "-o", "x.key", "--no-passphrase", "--yes"
    )
    assert stranger.code == 3
    assert desk.sign_in("my.key").code == 0
