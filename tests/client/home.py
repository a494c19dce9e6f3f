"""A dossier that a test of the command has to itself, with proofs in it."""

from itertools import count

from tests.client.town import EDITOR

_NUMBERS = count(1)


class Home:
    """A dossier of its own with an editor and two deposits, one of them replaced."""

    def __init__(self, town, name) -> None:
        self.town = town
        number = next(_NUMBERS)
        self.id, self.editor = f"D-{name}-{number}", f"editor-{name}-{number}"
        town.open_dossier(self.id, "r1", "r2")
        town.invite(self.id, self.editor)
        self.first = self.deposit("one", "Analyse\n")
        self.second = self.deposit("two", "Journal\n")
        self.better = self.deposit("three", "Journal, better\n", replaces=self.second)

    def deposit(self, name, text, replaces=None):
        more, so = (), ()
        if replaces:
            more = ("--supersedes", replaces["seal_id"])
            so = ("--replaces", replaces["evidence"])
        self.town.seal(self.editor, name, text, *more)
        return self.town.ask(self.editor, "deposit", f"{name}.scelle", *so, *EDITOR)

    def rotate(self, *more, attempt=False, who="admin"):
        typed = ("rotate", "dossier", self.id, "--identity", "my.key", *more)
        return self.town.attempt(who, *typed) if attempt else self.town.ask(who, *typed, "--yes")

    def fetch(self, who, kept, name):
        where = (kept["evidence"], "--version", str(kept.get("version", 1)))
        return self.town.attempt(who, "evidence", "fetch", *where, "-o", f"{self.id}-{name}.scelle")

    def open(self, who, name, key="my.key"):
        return self.town.attempt(
            who, "open", f"{self.id}-{name}.scelle", "-o", f"{self.id}-{name}", "--identity", key
        )

    def opens(self, who, kept, name, text) -> bool:
        """Tell whether somebody gets a proof and what was sealed in it."""
        fetched = self.fetch(who, kept, name)
        assert fetched.code == 0, fetched.err
        opened = self.open(who, name)
        assert opened.code == 0, opened.err
        (found,) = self.town.file(who, f"{self.id}-{name}").iterdir()
        return found.read_text() == text
