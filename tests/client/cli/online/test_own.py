"""``scelle template own``: what was given becomes one's own, and is never lost on the way."""

import itertools

import pytest

from client.exchange.takeover import SUFFIX, Takeover
from client.remote.service import Service
from tests.client.town import EDITOR

OWN = ("template", "own", "dossier.scelle", *EDITOR[2:])
NEW = ("--template", "dossier.scelle", "--username", "a.martin", "--password-file", "new.txt")
NUMBERS = itertools.count()


class Dead(BaseException):
    """The machine died here."""


class Editor:
    """Somebody with a template of its own, and a proof that it deposited with it."""

    def __init__(self, town):
        self.town, self.name = town, f"owner-{next(NUMBERS)}"
        self.link = town.invite("D-1", self.name)["link"]
        town.seal(self.name, "first", "Analyse\n")
        self.receipt = self.ask("deposit", "first.scelle", *EDITOR)

    def ask(self, *arguments):
        return self.town.ask(self.name, *arguments)

    def type(self, *arguments):
        return self.town.type(self.name, *arguments)

    def attempt(self, *arguments):
        return self.town.attempt(self.name, *arguments)

    def own(self, *more):
        return self.ask(*OWN, "--password-out", "new.txt", *more)

    def login(self, who, template="dossier.scelle"):
        return self.attempt("login", self.town.server.url, "--template", template, *who[2:])

    def seal(self, name, who, *more):
        self.town.file(self.name, f"{name}.txt", name.encode())
        return self.ask("seal", f"{name}.txt", "-o", f"{name}.scelle", "--type", "aipd", *who, *more)

    def names(self):
        return self.town.names(self.name)


@pytest.fixture
def editor(town):
    return Editor(town)


def actions(town):
    return [entry["action"] for entry in town.ask("admin", "journal", "list")]


def test_it_becomes_ones_own(town, editor):
    editor.seal("late", EDITOR)
    before = actions(town)
    done = editor.own()
    assert (done["stored"], done["password"], done["password_file"]) == (True, None, "new.txt")
    assert (done["former"], done["username"]) == (editor.receipt["signer"], "a.martin")
    made = [action for action in actions(town)[len(before) :] if not action.startswith("session")]
    assert made == ["depositor.succeeded", "template.replaced"]
    assert not {name for name in editor.names() if name.endswith((SUFFIX, ".part"))}
    # The old password opens no current template, here or behind the link.
    editor.type("template", "fetch", editor.link, "-o", "fetched.scelle")
    for current in ("dossier.scelle", "fetched.scelle"):
        assert editor.login(EDITOR, current).code == 3
        assert editor.login(NEW, current).code == 0
    # What was sealed by the old key and not deposited has to be sealed again.
    late = editor.attempt("deposit", "late.scelle", *NEW)
    assert "no mandate" in late.err
    editor.seal("second", NEW)
    assert editor.ask("deposit", "second.scelle", *NEW)["signer"] == done["depositor"]


def test_whoever_kept_the_old_template_has_nothing_any_more(town, editor):
    for name in ("dossier.scelle", "password.txt"):
        town.give(editor.name, name, f"{editor.name}-maker")
    maker = f"{editor.name}-maker"
    editor.own()
    for arguments in (
        ("login", town.server.url, *EDITOR),
        ("deposit", "first.scelle", *EDITOR, "--server", town.server.url),
        (*OWN, "--server", town.server.url),
    ):
        town.give(editor.name, "first.scelle", maker)
        refused = town.attempt(maker, *arguments)
        assert refused.code == 3, refused
    assert "taken over already" in refused.err
    assert town.names(maker) == {"dossier.scelle", "password.txt", "first.scelle"}


def test_what_was_deposited_before_stays_ones_own(town, editor):
    editor.own()
    listed = editor.login(NEW)
    assert listed.code == 0
    proof = editor.receipt["evidence"]
    assert [item["evidence"] for item in editor.ask("evidence", "list", "D-1")] == [proof]
    editor.type("evidence", "fetch", proof, "-o", "again.scelle")
    # By the key that the template carries on: no password of that time is needed.
    editor.type("open", "again.scelle", "-o", "again", *NEW)
    assert town.file(editor.name, "again/first.txt").read_text() == "Analyse\n"
    better = editor.seal("better", NEW, "--supersedes", editor.receipt["seal_id"])
    replaced = editor.ask("deposit", "better.scelle", "--replaces", proof, *NEW)
    assert replaced["seal_id"] == better["seal_id"]
    # Reviewers follow the chain, for both.
    for number in (1, 2):
        out = f"{editor.name}-{number}"
        town.type("r1", "evidence", "fetch", proof, "--version", number, "-o", f"{out}.scelle")
        town.type("r1", "open", f"{out}.scelle", "-o", out, "--identity", "my.key")


def test_it_is_taken_over_again_with_the_password_of_before(town, editor):
    first = editor.own()
    again = editor.ask(*OWN[:3], *NEW[2:], "--password-out", "third.txt")
    assert again["former"] == first["depositor"]
    third = (*NEW[:-1], "third.txt")
    editor.seal("second", third)
    assert editor.ask("deposit", "second.scelle", *third)["signer"] == again["depositor"]
    editor.login(third)
    assert len(editor.ask("evidence", "list", "D-1")) == 2
    editor.type("evidence", "fetch", editor.receipt["evidence"], "-o", "again.scelle")
    editor.type("open", "again.scelle", "-o", "again", *third)


def test_a_password_of_ones_own_choice(town, editor):
    town.file(editor.name, "new.txt", b"une phrase que personne ne connait\n")
    done = editor.ask(*OWN, "--new-password-file", "new.txt")
    assert done["password"] is None
    assert editor.login(NEW).code == 0


def test_a_password_that_is_made_is_shown(town, editor):
    done = editor.ask(*OWN)
    town.file(editor.name, "new.txt", done["password"].encode())
    assert editor.login(NEW).code == 0


def test_passwd_changes_every_access_of_a_template_that_was_taken_over(town, editor):
    editor.own()
    town.file(editor.name, "third.txt", b"encore une autre phrase\n")
    editor.type("passwd", "dossier.scelle", *NEW[2:], "--new-password-file", "third.txt")
    assert editor.login(NEW).code == 3
    third = (*NEW[:-1], "third.txt")
    assert editor.login(third).code == 0
    editor.type("evidence", "fetch", editor.receipt["evidence"], "-o", "again.scelle")
    editor.type("open", "again.scelle", "-o", "again", *third)


def test_what_is_refused(town, editor):
    town.file(editor.name, "wrong.txt", b"a wrong password\n")
    wrong = editor.attempt(*OWN[:-1], "wrong.txt")
    assert (wrong.code, "[no_access]" in wrong.err) == (3, True)
    same = editor.attempt(*OWN, "--new-password-file", "password.txt")
    assert (same.code, "the new password is the old one" in same.err) == (2, True)
    both = editor.attempt(*OWN, "--password-out", "x.txt", "--ask-password")
    assert both.code == 2
    nobody = editor.attempt("template", "own", "dossier.scelle")
    assert nobody.code == 2
    evidence = editor.attempt("template", "own", "first.scelle", *EDITOR[2:])
    assert (evidence.code, "not a template" in evidence.err) == (2, True)
    assert editor.names() == {"dossier.scelle", "password.txt", "first.scelle", "first.txt", "wrong.txt"}
    editor.own()
    taken = editor.attempt(*OWN)
    assert (taken.code, "[no_access]" in taken.err) == (3, True)


def test_a_mandate_that_was_withdrawn(town, editor):
    town.type("portal", "depositor", "remove", "D-1", editor.receipt["signer"])
    refused = editor.attempt(*OWN, "--password-out", "new.txt")
    assert (refused.code, "its mandate was withdrawn" in refused.err) == (3, True)
    assert "new.txt" not in editor.names()
    assert "dossier.scelle" + SUFFIX not in editor.names()


def test_a_template_that_was_withdrawn_is_taken_over_on_disk(town, editor):
    (stored,) = [
        item
        for item in town.ask("portal", "template", "list", "D-1")
        if item["signer"] == editor.receipt["signer"]
    ]
    town.type("portal", "template", "withdraw", "D-1", stored["id"])
    assert editor.own()["stored"] is False
    editor.seal("second", NEW)
    editor.type("deposit", "second.scelle", *NEW)


STEPS = (
    (Takeover, "begin"),
    (Service, "succeed_depositor"),
    (Service, "replace_template"),
    (Takeover, "replace"),
    (Takeover, "end"),
)


def die_at(monkeypatch, place, name, *, after):
    """Die once at a step, before or after it is done."""
    done, left = getattr(place, name), [None]

    def sync(*given, **options):
        if left and not after:
            left.pop()
            raise Dead
        found = done(*given, **options)
        if left:
            left.pop()
            raise Dead
        return found

    async def asynchronous(*given, **options):
        if left and not after:
            left.pop()
            raise Dead
        found = await done(*given, **options)
        if left:
            left.pop()
            raise Dead
        return found

    monkeypatch.setattr(place, name, asynchronous if place is Service else sync)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=[name for _, name in STEPS])
def test_killed_at_a_step_the_same_command_goes_on(town, editor, monkeypatch, step, after):
    ended = step == (Takeover, "end") and after
    die_at(monkeypatch, *step, after=after)
    with pytest.raises(Dead):
        editor.attempt(*OWN, "--password-out", "new.txt")
    if ended:
        assert editor.attempt(*OWN).code == 3
    else:
        editor.own()
    assert "dossier.scelle" + SUFFIX not in editor.names()
    assert editor.login(EDITOR).code == 3
    editor.seal("second", NEW)
    editor.type("deposit", "second.scelle", *NEW)
    assert editor.login(NEW).code == 0
    assert len(editor.ask("evidence", "list", "D-1")) == 2
    editor.type("template", "fetch", editor.link, "-o", "fetched.scelle")
    assert editor.login(NEW, "fetched.scelle").code == 0
    # One succession, whatever happened.
    journal = town.ask("admin", "journal", "list")
    handed = [
        entry
        for entry in journal
        if entry["action"] == "depositor.succeeded"
        and editor.receipt["signer"] in {subject["id"] for subject in entry["subjects"]}
    ]
    assert len(handed) == 1


def test_killed_at_every_step_in_turn(town, editor, monkeypatch):
    for place, name in STEPS:
        with monkeypatch.context() as patched:
            die_at(patched, place, name, after=place is Service)
            with pytest.raises(Dead):
                editor.attempt(*OWN)
    editor.own()
    assert editor.login(NEW).code == 0
    assert editor.login(EDITOR).code == 3


def test_a_take_over_that_began_with_another_password(town, editor, monkeypatch):
    die_at(monkeypatch, Takeover, "replace", after=True)
    town.file(editor.name, "new.txt", b"une phrase choisie\n")
    with pytest.raises(Dead):
        editor.attempt(*OWN, "--new-password-file", "new.txt")
    stuck = editor.attempt(*OWN[:3], *NEW[2:])
    assert (stuck.code, "began with another password" in stuck.err) == (6, True)
    editor.ask(*OWN, "--new-password-file", "new.txt")
    assert editor.login(NEW).code == 0


PASSWD = ("template", "passwd", "dossier.scelle", *EDITOR[2:])


def test_another_password_for_the_same_key(town, editor):
    done = editor.ask(*PASSWD, "--password-out", "new.txt")
    assert (done["stored"], done["password_file"]) == (True, "new.txt")
    assert [action for action in actions(town) if action.startswith("template.re")][
        -1
    ] == "template.rewritten"
    editor.type("template", "fetch", editor.link, "-o", "fetched.scelle")
    for current in ("dossier.scelle", "fetched.scelle"):
        assert editor.login(EDITOR, current).code == 3
        assert editor.login(NEW, current).code == 0
    files = [town.file(editor.name, name).read_bytes() for name in ("dossier.scelle", "fetched.scelle")]
    assert files[0] == files[1]
    editor.seal("second", NEW)
    assert editor.ask("deposit", "second.scelle", *NEW)["signer"] == editor.receipt["signer"]


def test_another_password_after_a_take_over_keeps_the_keys_of_before(town, editor):
    editor.own()
    third = (*NEW[:-1], "third.txt")
    editor.ask("template", "passwd", "dossier.scelle", *NEW[2:], "--password-out", "third.txt")
    assert editor.login(NEW).code == 3
    assert editor.login(third).code == 0
    editor.type("evidence", "fetch", editor.receipt["evidence"], "-o", "again.scelle")
    editor.type("open", "again.scelle", "-o", "again", *third)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_while_the_password_changes_the_old_one_goes_on(town, editor, monkeypatch, after):
    die_at(monkeypatch, Service, "rewrite_template", after=after)
    with pytest.raises(Dead):
        editor.attempt(*PASSWD)
    assert editor.login(EDITOR).code == 0
    editor.ask(*PASSWD, "--password-out", "new.txt")
    editor.type("template", "fetch", editor.link, "-o", "fetched.scelle")
    for current in ("dossier.scelle", "fetched.scelle"):
        assert editor.login(EDITOR, current).code == 3
        assert editor.login(NEW, current).code == 0


def test_a_copy_that_was_overtaken_changes_nothing(town, editor):
    town.file(editor.name, "copy.scelle", town.file(editor.name, "dossier.scelle").read_bytes())
    editor.own()
    assert editor.attempt("template", "passwd", "copy.scelle", *EDITOR[2:]).code == 3
    again = editor.attempt("template", "passwd", "dossier.scelle", *NEW[2:], "--new-password-file", "new.txt")
    assert (again.code, "the new password is the old one" in again.err) == (2, True)
    assert editor.login(NEW).code == 0
