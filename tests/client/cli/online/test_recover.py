"""The recovery key opens what a service stores, without the service."""

SHARES = ("--share", "shares/share-1-of-3.txt", "--share", "shares/share-3-of-3.txt")


def test_a_stored_object_is_enough(town, deposited):
    name = f"{deposited['evidence']}.object"
    objects = [path for path in town.server.settings.data.rglob("*") if path.is_file()]
    opened = []
    for number, path in enumerate(objects):
        town.file("admin", name, path.read_bytes())
        typed = town.attempt("admin", "recover", name, "-o", f"recovered-{number}", *SHARES)
        if typed.code == 0:
            opened.append((number, typed.err))
    assert all("from its body alone" in error for _, error in opened)
    # Other people's proofs may lie there too.
    found = [town.file("admin", f"recovered-{number}/first.txt") for number, _ in opened]
    assert "Analyse\n" in [path.read_text() for path in found if path.exists()]


def test_a_reader_of_the_dossier_needs_the_accesses(town, deposited):
    town.type("r1", "evidence", "fetch", deposited["evidence"], "-o", "whole.scelle")
    whole = town.file("r1", "whole.scelle").read_bytes()
    town.file("admin", "damaged.scelle", bytes(22) + whole[22:])
    assert town.attempt("admin", "recover", "damaged.scelle", "-o", "x", "-i", "my.key").code == 2
    assert town.type("admin", "recover", "damaged.scelle", "-o", "damaged", *SHARES).out == ""
    assert town.file("admin", "damaged/first.txt").read_text() == "Analyse\n"
