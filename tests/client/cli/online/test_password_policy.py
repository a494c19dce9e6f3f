"""What an organisation asks of new passwords, as whoever types one meets it."""

import pytest

from tests.client.town import EDITOR

WEAK, STRONG = b"letmein", b"correct horse battery staple"
OWN = ("template", "own", "dossier.scelle", "--username", "a.martin", "--password-file", "password.txt")


class Firm:
    """An organisation of its own with one dossier; its people are named after it."""

    def __init__(self, town, name) -> None:
        self.town, self.name = town, name
        self.portal, self.editor, self.dossier = f"portal-{name}", f"editor-{name}", f"D-{name}"
        town.type("admin", "org", "create", name, "--passwords", "strength:3")
        town.admit(self.portal, "portal", "--org", name)
        made = ("dossier", "create", self.dossier, "--product", "MaSanté", "--admin", "admin")
        town.type(self.portal, *made, "--reviewer", "r1")
        town.file(self.editor, "weak", WEAK)
        town.file(self.editor, "strong", STRONG)

    def ask_for(self, passwords):
        self.town.type("admin", "org", "set", self.name, "--passwords", passwords)

    def make_template(self):
        words = ("template", "make", self.dossier, "--username", "a.martin", "--password-out", "editor.pw")
        return self.town.attempt(self.portal, *words, "--json")

    def invite(self):
        made, town = self.make_template(), self.town
        assert made.code == 0, made
        town.file(self.editor, "password.txt", town.file(self.portal, "editor.pw").read_bytes())
        town.type(self.editor, "template", "fetch", made.json["link"], "-o", "dossier.scelle", "--force")
        town.file(self.portal, "editor.pw").unlink()

    def type(self, *words):
        return self.town.attempt(self.editor, *words)


@pytest.fixture(scope="module")
def firm(town):
    firm = Firm(town, "Prudence")
    firm.invite()
    return firm


def test_one_that_is_too_weak_is_refused_before_anything_changes(firm):
    before = firm.town.file(firm.editor, "dossier.scelle").read_bytes()
    refused = firm.type(*OWN, "--new-password-file", "weak")
    assert refused.code == 2
    assert "its strength is 0 of 4" in refused.err
    assert "asks for 3" in refused.err
    assert WEAK.decode() not in refused.out + refused.err
    assert firm.town.file(firm.editor, "dossier.scelle").read_bytes() == before


def test_one_that_is_strong_enough_is_taken(firm):
    done = firm.type(*OWN, "--new-password-file", "strong")
    assert done.code == 0, done
    firm.town.file(firm.editor, "password.txt", STRONG)
    firm.town.seal(firm.editor, "first", "Analyse\n")
    deposited = firm.type("deposit", "first.scelle", *EDITOR)
    assert deposited.code == 0, deposited


def test_where_they_are_generated_nobody_chooses_one(firm):
    firm.ask_for("generated")
    firm.invite()
    refused = firm.type(*OWN, "--new-password-file", "strong")
    assert refused.code == 2
    assert "generated passwords only" in refused.err
    firm.town.seal(firm.editor, "second", "Analyse\n")
    assert firm.type("deposit", "second.scelle", *EDITOR).code == 0


def test_where_they_are_forbidden_there_are_none_any_more(firm):
    """Also for an editor that has not heard of it: the service refuses what it must not hold."""
    town = firm.town
    town.seal(firm.editor, "third", "Analyse\n")
    firm.ask_for("forbidden")
    refused = firm.make_template()
    assert refused.code == 2, refused
    assert "no access by password" in refused.err
    assert not town.file(firm.portal, "editor.pw").exists()
    deposited = firm.type("deposit", "third.scelle", *EDITOR)
    assert deposited.code == 2, deposited
    assert "allows no access by password" in deposited.err
    assert "--no-password" in deposited.err
    listed = town.ask(firm.portal, "evidence", "list", firm.dossier)
    assert len(listed) == 2
    # Whoever signs in with the template still may, and leaves the password out of what it seals.
    town.seal(firm.editor, "fourth", "Analyse\n", "--no-password")
    assert firm.type("deposit", "fourth.scelle", *EDITOR).code == 0


def test_what_is_no_policy_is_refused(firm):
    for wrong in ("strength:5", "none", ""):
        refused = firm.town.attempt("admin", "org", "set", firm.name, "--passwords", wrong)
        assert refused.code == 2, refused
