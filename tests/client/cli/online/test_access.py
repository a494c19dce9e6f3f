"""``scelle access`` on what is deposited: who opens it is changed at the service, the body stays."""

import pytest

from client.remote.service import Service
from tests.client.cli.online.test_own import NEW, Dead, Editor
from tests.client.town import EDITOR


@pytest.fixture
def editor(town):
    editor = Editor(town)
    editor.proof = editor.receipt["evidence"]
    editor.login(EDITOR)
    editor.type("keygen", "-o", "guest.key", "--no-passphrase")
    town.file(editor.name, "colleague.txt", b"the colleague's own phrase\n")
    return editor


COLLEAGUE = ("--new-username", "b.leroy", "--new-password-file", "colleague.txt")


def listed(editor, *more):
    return editor.ask("access", "list", "--proof", editor.proof, *more)


def fetch(editor, name="now.scelle"):
    editor.type("evidence", "fetch", editor.proof, "-o", name, "--force")
    return editor.town.file(editor.name, name).read_bytes()


def test_what_is_listed_is_what_the_service_has(town, editor):
    assert listed(editor) == editor.ask("access", "list", "first.scelle")
    table = editor.type("access", "list", "--proof", editor.proof).out
    assert table == editor.type("access", "list", "first.scelle").out


def test_somebody_more_and_somebody_less(town, editor):
    before = fetch(editor)
    added = editor.ask(
        "access", "add", "--proof", editor.proof, *EDITOR, "--recipient", "guest.key.pub", *COLLEAGUE
    )
    assert (added["generation"], len(added["slots"])) == (2, 5)
    assert listed(editor) == added
    now = fetch(editor)
    assert now[-5000:] == before[-5000:]
    editor.type("open", "now.scelle", "-o", "by-key", "--identity", "guest.key")
    editor.type("open", "now.scelle", "-o", "by-word", "-u", "b.leroy", "--password-file", "colleague.txt")
    known = {slot["id"] for slot in editor.ask("access", "list", "first.scelle")["slots"]}
    gone = [slot["id"] for slot in added["slots"] if slot["id"] not in known]
    left = editor.ask("access", "remove", "--proof", editor.proof, *gone, *EDITOR)
    assert {slot["id"] for slot in left["slots"]} == known
    fetch(editor)
    assert editor.attempt("open", "now.scelle", "-o", "no", "--identity", "guest.key").code == 3


def test_after_a_take_over_the_key_of_before_still_signs(town, editor):
    editor.own()
    editor.login(NEW)
    added = editor.ask("access", "add", "--proof", editor.proof, *NEW, *COLLEAGUE, "--version", "1")
    assert added["generation"] == 2


def test_what_somebody_else_changed_meanwhile_is_kept(town, editor, monkeypatch):
    real, met, kept = Service.rewrite_envelope, [], []

    async def caught(_service, _evidence, _number, upload, **_options):
        kept.append(upload)
        raise Dead

    with monkeypatch.context() as patched:
        # What another machine sends is made by the same command.
        patched.setattr(Service, "rewrite_envelope", caught)
        with pytest.raises(Dead):
            editor.attempt("access", "add", "--proof", editor.proof, *EDITOR, "--recipient", "guest.key.pub")
    (other,) = kept

    async def overtaken(service, evidence, number, upload, *, if_match):
        met.append(if_match)
        if len(met) == 1:
            await real(service, evidence, number, other, if_match=if_match)
        return await real(service, evidence, number, upload, if_match=if_match)

    monkeypatch.setattr(Service, "rewrite_envelope", overtaken)
    added = editor.ask("access", "add", "--proof", editor.proof, *EDITOR, *COLLEAGUE)
    assert met == ["1", "2"]
    assert (added["generation"], len(added["slots"])) == (3, 5)


def test_what_is_refused(town, editor):
    dossier = next(slot["id"] for slot in listed(editor)["slots"] if slot.get("role") == "dossier")
    for arguments, code in (
        (("list",), 2),
        (("list", "first.scelle", "--proof", editor.proof), 2),
        (("list", "first.scelle", "--version", "1"), 2),
        (("list", "--proof", "5f0c"), 2),
        (("list", "--proof", "0" * 32), 4),
        (("list", "--proof", editor.proof, "--version", "9"), 4),
        (("add", "--proof", editor.proof, "-u", "a.martin", "--recipient", "guest.key.pub"), 2),
        (("add", "--proof", editor.proof, "--identity", "guest.key", "--recipient", "guest.key.pub"), 3),
        (("remove", "--proof", editor.proof, "0" * 16, *EDITOR), 4),
        (("remove", "first.scelle", *EDITOR), 2),
        (("remove", "--proof", editor.proof, dossier, *EDITOR), 2),
        (("remove", "--proof", editor.proof, *[s["id"] for s in listed(editor)["slots"]], *EDITOR), 2),
    ):
        refused = editor.attempt("access", *arguments)
        assert refused.code == code, (arguments, refused)
    assert listed(editor)["generation"] == 1
