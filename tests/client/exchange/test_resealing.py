import copy

import pytest

from client.errors import ClientError, ConflictProblem
from client.exchange.opening import open_file
from client.exchange.resealing import Change, reseal
from client.exchange.sealing import gather, seal_files
from client.refusals import RefusedContainer
from tests.client.conftest import access_of, request_for
from vault.container.cobblestone import message_length
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess

ALICE = PasswordAccess("alice", "correct horse")


def _reseal(container, access, change, signer, passwords=(), **options):
    with open_file(str(container), access) as opened:
        return reseal(opened, change(opened), signer, sealed_at=1_900_000_000, passwords=passwords, **options)


def _add(*locations, force=False):
    return lambda _opened: Change(gather([str(location) for location in locations], "other"), force=force)


def _remove(*paths):
    return lambda opened: Change(removed=opened.select(paths))


def _contents(container, access):
    with open_file(str(container), access) as opened:
        return {
            file.path: b"".join(map(bytes, opened.contents(file))) for file in opened.opened.manifest.files
        }


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["first.txt", "source.txt", "zzz.txt"])
def test_files_are_added_between_those_that_are_there(sealed, tmp_path, person, name):
    before = _contents(sealed, access_of(person))
    (tmp_path / name).write_text("added")
    _reseal(sealed, access_of(person), _add(tmp_path / name), person.signing)
    assert _contents(sealed, access_of(person)) == {**before, name: b"added"}


def test_files_and_folders_are_removed(sealed, person):
    before = _contents(sealed, access_of(person))
    _reseal(sealed, access_of(person), _remove("source/annexes", "source/empty.txt"), person.signing)
    assert _contents(sealed, access_of(person)) == {"source/report.pdf": before["source/report.pdf"]}


def test_the_last_file_can_be_removed_and_others_added_later(sealed, tmp_path, person):
    _reseal(sealed, access_of(person), _remove("source"), person.signing)
    assert _contents(sealed, access_of(person)) == {}
    (tmp_path / "new.txt").write_text("new")
    _reseal(sealed, access_of(person), _add(tmp_path / "new.txt"), person.signing)
    assert _contents(sealed, access_of(person)) == {"new.txt": b"new"}


def test_it_becomes_a_new_container_that_says_what_the_old_one_said(tree, tmp_path, person, stranger):
    container = tmp_path / "x.scelle"
    request = request_for(
        person, stranger, writers=(bytes(range(32)),), supersedes=bytes(32), note="for the commission"
    )
    seal_files(gather([str(tree)], "other"), str(container), request, person.signing)
    with open_file(str(container), access_of(person)) as opened:
        old, manifest = opened.examined.seal.seal, opened.opened.manifest
    _reseal(container, access_of(person), _remove("source/empty.txt"), person.signing)
    with open_file(str(container), access_of(stranger)) as opened:
        new = opened.examined.seal.seal
        assert opened.opened.manifest.recipients == manifest.recipients
        assert opened.opened.manifest.note == "for the commission"
        kept = [file for file in manifest.files if file.path != "source/empty.txt"]
        for before, after in zip(kept, opened.opened.manifest.files, strict=True):
            assert (after.path, after.sha256, after.media_type, after.modified) == (
                before.path,
                before.sha256,
                before.media_type,
                before.modified,
            )
            assert after.id != before.id
    for field in ("dossier", "evidence_type", "writers", "supersedes", "signer"):
        assert getattr(new, field) == getattr(old, field)
    assert new.sealed_at == 1_900_000_000
    assert new.container != old.container
    assert new.commitment != old.commitment


def test_the_writer_s_password_is_kept_with_its_identity_and_no_other(sealed, person):
    kept = PasswordAccess("alice", "correct horse", identity=person.seed)
    _reseal(sealed, access_of(password=ALICE), _remove("source/empty.txt"), person.signing, (kept,))
    with open_file(str(sealed), access_of(password=ALICE)) as opened:
        assert opened.unlocked.identity == person.seed
        assert len(opened.examined.envelope.envelope.password_slots) == 1
    _reseal(sealed, access_of(person), _remove("source/annexes"), person.signing)
    with pytest.raises(RefusedContainer), open_file(str(sealed), access_of(password=ALICE)):
        pass


def test_a_path_that_is_taken_needs_force(sealed, tree, person):
    (tree / "annexes" / "notes.txt").write_text("other words\n")
    before = sealed.read_bytes()
    with pytest.raises(ConflictProblem, match=r"source/annexes/notes\.txt is in it already"):
        _reseal(sealed, access_of(person), _add(tree), person.signing)
    assert sealed.read_bytes() == before
    _reseal(sealed, access_of(person), _add(tree, force=True), person.signing)
    assert _contents(sealed, access_of(person))["source/annexes/notes.txt"] == b"other words\n"


def test_permissions_stay_what_they_were(sealed, person):
    sealed.chmod(0o640)
    _reseal(sealed, access_of(person), _remove("source/empty.txt"), person.signing)
    assert sealed.stat().st_mode & 0o777 == 0o640


def test_a_damaged_container_is_not_sealed_again(sealed, tmp_path, person):
    with open_file(str(sealed), access_of(person)) as opened:
        place = opened.examined.preamble.payload_offset + 100
    data = bytearray(sealed.read_bytes())
    data[place] ^= 1
    sealed.write_bytes(data)
    # One block holds everything here, so not even the manifest can be read.
    with pytest.raises(RefusedContainer) as caught:
        _reseal(sealed, access_of(person), _remove("source/empty.txt"), person.signing)
    assert caught.value.outcome is Outcome.PAYLOAD_DAMAGED
    assert sealed.read_bytes() == data
    assert _names(tmp_path) == ["report.scelle", "source"]


def test_damage_far_from_the_manifest_is_found_while_sealing_again(tmp_path, person):
    (tmp_path / "a.bin").write_bytes(bytes(3 * 1024 * 1024))
    (tmp_path / "b.txt").write_text("b")
    container = tmp_path / "x.scelle"
    locations = [str(tmp_path / "a.bin"), str(tmp_path / "b.txt")]
    seal_files(gather(locations, "other"), str(container), request_for(person), person.signing)
    with open_file(str(container), access_of(person)) as opened:
        place = opened.examined.preamble.payload_offset + message_length(1000)
    data = bytearray(container.read_bytes())
    data[place] ^= 1
    container.write_bytes(data)
    with pytest.raises(RefusedContainer):
        _reseal(container, access_of(person), _remove("b.txt"), person.signing)
    assert container.read_bytes() == data
    assert _names(tmp_path) == ["a.bin", "b.txt", "x.scelle"]


def test_somebody_else_s_change_meanwhile_is_not_lost(sealed, tmp_path, person):
    def meddle(_count):
        other = tmp_path / "other"
        other.write_bytes(b"another state")
        other.replace(sealed)

    with pytest.raises(ClientError, match="changed by somebody else"):
        _reseal(sealed, access_of(person), _remove("source/empty.txt"), person.signing, advance=meddle)
    assert sealed.read_bytes() == b"another state"
    assert _names(tmp_path) == ["report.scelle", "source"]


def test_files_that_lie_in_another_order_than_their_paths_are_read_one_by_one(sealed, person, monkeypatch):
    # Other programs may lay files out as they like; our own never does, so the entries are shown reversed.
    before = _contents(sealed, access_of(person))
    with open_file(str(sealed), access_of(person)) as opened:
        files = opened.opened.manifest.files
        by_offset = sorted((file.offset for file in files), reverse=True)
        swapped = tuple(file._replace(offset=offset) for file, offset in zip(files, by_offset, strict=True))
        asked = []
        real = {file.path: file for file in files}

        def read_files(wanted):
            asked.append([file.path for file in wanted])
            return original([real[file.path] for file in wanted])

        original = copy.copy(opened.opened).read_files
        monkeypatch.setattr(opened.opened, "manifest", opened.opened.manifest._replace(files=swapped))
        monkeypatch.setattr(opened.opened, "read_files", read_files)
        reseal(opened, Change(), person.signing, sealed_at=1, passwords=())
    assert asked == [[path] for path in sorted(before)]
    assert _contents(sealed, access_of(person)) == before
