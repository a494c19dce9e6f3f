"""``scelle passwd`` on what is deposited: envelopes get the password and key of now, bodies stay."""

import pytest

from client.exchange.containers import ContainerFile
from client.exchange.takeover import open_held
from client.remote.accesses import EnvelopeWriter
from client.remote.service import Service
from client.remote.uploading import upload_bytes
from keys.keyfile import Use
from keys.keyring import Identity
from tests.client.cli.online.test_own import NEW, Dead, Editor
from tests.client.town import EDITOR
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import ContainerError
from vault.container.rewrap import replace_envelope, rewrap
from vault.container.slots import PasswordAccess
from vault.container.unlocking import unlock

PASSWD = ("passwd", "--dossier", "D-1", *NEW)


@pytest.fixture
def editor(town):
    """An editor with an active proof of two versions and another proof, that took its template over."""
    editor = Editor(town)
    better = editor.seal("better", EDITOR, "--supersedes", editor.receipt["seal_id"])
    editor.proof = editor.receipt["evidence"]
    editor.ask("deposit", "better.scelle", "--replaces", editor.proof, *EDITOR)
    editor.seal("other", EDITOR)
    editor.other = editor.ask("deposit", "other.scelle", *EDITOR)["evidence"]
    editor.better = better
    town.give(editor.name, "dossier.scelle", f"{editor.name}-maker")
    editor.own()
    editor.login(NEW)
    return editor


def places(editor):
    return [(editor.proof, 1), (editor.proof, 2), (editor.other, 1)]


def fetched(editor, evidence, number):
    name = f"fetched-{evidence[:6]}-{number}.scelle"
    editor.type("evidence", "fetch", evidence, "--version", number, "-o", name, "--force")
    with ContainerFile.open(str(editor.town.file(editor.name, name))) as file:
        examined = file.examine()
        return examined, editor.town.file(editor.name, name).read_bytes()[examined.preamble.payload_offset :]


def opens(examined, password):
    try:
        unlock(examined, PasswordAccess("a.martin", password))
    except ContainerError:
        return False
    return True


def passwords(editor):
    return [
        editor.town.file(editor.name, name).read_text().rstrip("\n") for name in ("password.txt", "new.txt")
    ]


def kinds(examined):
    envelope = examined.envelope.envelope
    roles = sorted(slot.role for slot in envelope.recipient_slots)
    return len(envelope.password_slots), roles, envelope.generation


def test_all_that_was_deposited_opens_with_the_password_of_now(town, editor):
    old, new = passwords(editor)
    before = {place: fetched(editor, *place) for place in places(editor)}
    assert all(opens(examined, old) and not opens(examined, new) for examined, _ in before.values())
    first = {
        slot.key
        for examined, _ in before.values()
        for slot in examined.envelope.envelope.recipient_slots
        if slot.role == "reader"
    }
    plan = editor.ask(*PASSWD, "--dry-run")
    assert (plan["versions"], plan["changed"], plan["dry_run"]) == (3, 3, True)
    assert plan["envelope_bytes"] > 0
    assert {place: fetched(editor, *place) for place in places(editor)} == before
    done = editor.ask(*PASSWD)
    assert done == plan | {"dry_run": False, "envelope_bytes": done["envelope_bytes"]}
    for place, (examined, body) in before.items():
        now, same = fetched(editor, *place)
        assert same == body
        assert now.seal == examined.seal
        assert (opens(now, old), opens(now, new)) == (False, True)
        assert kinds(now) == (1, ["dossier", "reader"], 2)
        (reader,) = [slot for slot in now.envelope.envelope.recipient_slots if slot.role == "reader"]
        assert reader.key not in first
    # With the present key alone, without any password of that time.
    editor.type("open", f"fetched-{editor.other[:6]}-1.scelle", "-o", "out", *NEW)
    town.type("r1", "evidence", "fetch", editor.other, "-o", f"{editor.name}.scelle")
    town.type("r1", "open", f"{editor.name}.scelle", "-o", editor.name, "--identity", "my.key")


def test_a_second_run_has_nothing_to_do(town, editor):
    editor.ask(*PASSWD)
    before = [fetched(editor, *place)[0].envelope for place in places(editor)]
    again = editor.ask(*PASSWD)
    assert (again["versions"], again["changed"], again["envelope_bytes"]) == (3, 0, 0)
    assert [fetched(editor, *place)[0].envelope for place in places(editor)] == before


def test_one_proof_alone(town, editor):
    done = editor.ask("passwd", "--proof", editor.proof, *NEW)
    assert (done["versions"], done["changed"]) == (2, 2)
    old, new = passwords(editor)
    assert opens(fetched(editor, editor.proof, 1)[0], new)
    assert opens(fetched(editor, editor.other, 1)[0], old)


def test_before_a_take_over_only_other_passwords_go(town):
    editor = Editor(town)
    town.file(editor.name, "colleague.txt", b"the colleague's own phrase\n")
    colleague = ("--new-username", "b.leroy", "--new-password-file", "colleague.txt")
    editor.seal("second", EDITOR)
    editor.type("access", "add", "second.scelle", *EDITOR, *colleague)
    editor.ask("deposit", "second.scelle", *EDITOR)
    done = editor.ask("passwd", "--dossier", "D-1", *EDITOR)
    assert (done["versions"], done["changed"], done["other_accesses"]) == (2, 1, 1)


def test_interrupted_the_same_command_goes_on(town, editor, monkeypatch):
    real, left = EnvelopeWriter.write, [None, None]

    async def dying(*given, **options):
        if not left:
            raise Dead
        left.pop()
        return await real(*given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(EnvelopeWriter, "write", dying)
        with pytest.raises(Dead):
            editor.attempt(*PASSWD)
    assert editor.ask(*PASSWD)["changed"] == 1
    _, new = passwords(editor)
    assert all(opens(fetched(editor, *place)[0], new) for place in places(editor))


def test_what_somebody_else_wrote_meanwhile_is_kept(town, editor, monkeypatch):
    real, met = Service.rewrite_envelope, []
    before, _ = fetched(editor, editor.other, 1)
    old, _ = passwords(editor)
    template = str(town.file(f"{editor.name}-maker", "dossier.scelle"))
    signer = open_held(template, PasswordAccess("a.martin", old)).identity
    guest = Identity.generate(Use.PERSON).public
    unlocked = unlock(before, PasswordAccess("a.martin", old))
    theirs = rewrap(before, unlocked, signer.signing, recipients=[CarriedRecipient("reader", 0, guest.kem)])

    async def overtaken(service, evidence, number, upload, *, if_match):
        if evidence == editor.other and not met:
            met.append(if_match)
            head = upload_bytes(replace_envelope(before, theirs))
            await real(service, evidence, number, head, if_match=if_match)
        return await real(service, evidence, number, upload, if_match=if_match)

    monkeypatch.setattr(Service, "rewrite_envelope", overtaken)
    assert editor.ask(*PASSWD)["changed"] == 3
    assert met == ["1"]
    now, _ = fetched(editor, editor.other, 1)
    assert kinds(now) == (1, ["dossier", "reader", "reader"], 3)
    assert guest.kem_key_id in {slot.key for slot in now.envelope.envelope.recipient_slots}
    assert (opens(now, old), opens(now, passwords(editor)[1])) == (False, True)


def test_what_is_refused(town, editor):
    for arguments, code in (
        (("passwd", *NEW), 2),
        (("passwd", "first.scelle", "--dossier", "D-1", *NEW), 2),
        (("passwd", "first.scelle", "--dry-run", *NEW), 2),
        (("passwd", "--dossier", "D-1", *NEW[2:]), 2),
        (("passwd", "--dossier", "D-1", "--ask-password", *NEW), 2),
        (("passwd", "--proof", "5f0c", *NEW), 2),
        (("passwd", "--proof", "0" * 32, *NEW), 4),
        (("passwd", "--dossier", "D-none", *NEW), 4),
        (("passwd", "--dossier", "D-1", *EDITOR), 3),
    ):
        assert editor.attempt(*arguments).code == code, arguments
    maker = f"{editor.name}-maker"
    town.give(editor.name, "password.txt", maker)
    assert town.attempt(maker, "passwd", "--dossier", "D-1", "--server", town.server.url, *EDITOR).code == 3


def test_what_neither_key_nor_password_opens_is_named_and_the_rest_changed(town, editor):
    editor.seal("closed", NEW)
    town.file(editor.name, "colleague.txt", b"the colleague's own phrase\n")
    colleague = ("--new-username", "b.leroy", "--new-password-file", "colleague.txt")
    kept = editor.ask("access", "list", "closed.scelle")["slots"]
    gone = [slot["id"] for slot in kept if slot.get("role") != "dossier"]
    editor.type("access", "add", "closed.scelle", *NEW, *colleague)
    editor.type("access", "remove", "closed.scelle", *gone, *NEW)
    closed = editor.ask("deposit", "closed.scelle", *NEW)["evidence"]
    done = editor.attempt(*PASSWD, "--json")
    assert done.code == 3
    assert (done.json["changed"], done.json["not_opened"]) == (3, [f"{closed} 1"])
    assert closed in done.err


def test_without_any_password_keys_alone_open_it(town, editor):
    done = editor.ask(*PASSWD, "--no-password")
    assert (done["versions"], done["changed"]) == (3, 3)
    for place in places(editor):
        now, _ = fetched(editor, *place)
        assert kinds(now) == (0, ["dossier", "reader"], 2)
        assert not any(opens(now, password) for password in passwords(editor))
    editor.type("open", f"fetched-{editor.other[:6]}-1.scelle", "-o", "out", *NEW)
    # What has no password gets none.
    assert editor.ask(*PASSWD)["changed"] == 0
