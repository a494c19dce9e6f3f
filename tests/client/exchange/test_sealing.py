from hashlib import sha256

import pytest

from client.errors import ClientError, ConflictProblem, NotFoundProblem
from client.exchange import sealing
from client.exchange.containers import ContainerFile
from client.exchange.opening import open_file
from client.exchange.sealing import Disagreement, gather, seal_files
from tests.client.conftest import access_of, request_for
from vault.container.outcomes import MisuseError


def test_what_was_sealed_is_what_was_there(tree, tmp_path, person):
    output, done = tmp_path / "out.scelle", []
    gathered = gather([str(tree / "report.pdf"), str(tree / "annexes")], "aipd")
    sealed = seal_files(gathered, str(output), request_for(person), person.signing, advance=done.append)
    assert sum(done) == gathered.size == 9 + 256 * 300 + 11
    assert sealed.size == output.stat().st_size
    assert [file.path for file in sealed.files] == ["annexes/notes.txt", "report.pdf"]
    assert sealed.files[0].sha256 == sha256(b"some words\n").digest()
    assert [file.media_type for file in sealed.files] == ["text/plain", "application/pdf"]
    with open_file(str(output), access_of(person)) as opened:
        assert opened.opened.manifest.files == sealed.files
        (notes, _report) = sealed.files
        assert b"".join(map(bytes, opened.contents(notes))) == b"some words\n"


def test_an_empty_file_and_no_file_at_all_can_be_sealed(tree, tmp_path, person):
    for name, locations in (("a", [str(tree / "empty.txt")]), ("b", [])):
        output = tmp_path / name
        seal_files(gather(locations, "other"), str(output), request_for(person), person.signing)
        with open_file(str(output), access_of(person)) as opened:
            assert [file.size for file in opened.opened.manifest.files] == [0] * len(locations)


def test_a_file_of_another_kind_is_refused_unless_asked_for(tree):
    (tree / "noise.bin").write_bytes(b"\x9d\x03\xfe\x81" * 64)
    (tree / "empty.txt").unlink()
    with pytest.raises(ClientError, match=r"source/noise\.bin: recognised as application/octet-stream"):
        gather([str(tree / "annexes"), str(tree)], "securite")
    assert gather([str(tree)], "securite", any_content=True).declared


def test_extension_and_content_that_disagree_are_told(tree):
    (tree / "scan.png").write_bytes(b"%PDF-1.7\n")
    (tree / "empty.txt").unlink()
    gathered = gather([str(tree)], "aipd")
    assert gathered.disagreements == (Disagreement("source/scan.png", "image/png", "application/pdf"),)


def test_what_exists_is_not_overwritten_without_force(tree, tmp_path, person):
    output = tmp_path / "out.scelle"
    output.write_text("old")
    gathered = gather([str(tree)], "other")
    with pytest.raises(ConflictProblem):
        seal_files(gathered, str(output), request_for(person), person.signing)
    assert output.read_text() == "old"
    seal_files(gathered, str(output), request_for(person), person.signing, force=True)
    assert output.read_bytes().startswith(b"\x89SCL")


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("change", [b"longer than before\n", b"short\n"])
def test_a_file_that_changed_since_it_was_found_leaves_nothing(tree, tmp_path, person, change):
    gathered = gather([str(tree)], "other")
    (tree / "annexes" / "notes.txt").write_bytes(change)
    with pytest.raises(ClientError, match="changed while it was read"):
        seal_files(gathered, str(tmp_path / "out.scelle"), request_for(person), person.signing)
    assert _names(tmp_path) == ["source"]


def test_a_container_that_nobody_could_open_leaves_nothing(tree, tmp_path, person):
    with pytest.raises(MisuseError, match="nobody could open"):
        seal_files(gather([str(tree)], "other"), str(tmp_path / "out"), request_for(), person.signing)
    assert _names(tmp_path) == ["source"]


def test_a_disk_that_gives_back_something_else_is_noticed(tree, tmp_path, person, monkeypatch):
    class Spoiling(sealing.AtomicFile):
        def write(self, data):
            super().write(bytes(data).replace(b'"scelle/1"', b'"scelle/9"'))

    monkeypatch.setattr(sealing, "AtomicFile", Spoiling)
    with pytest.raises(ClientError):
        seal_files(gather([str(tree)], "other"), str(tmp_path / "out"), request_for(person), person.signing)
    assert _names(tmp_path) == ["source"]


def test_a_disk_that_gives_back_another_container_is_noticed(tree, tmp_path, sealed, person, monkeypatch):
    class Swapping(sealing.AtomicFile):
        def commit(self):
            raise AssertionError("it was not noticed")

    def other(_path, _descriptor):
        return ContainerFile.open(str(sealed))

    monkeypatch.setattr(sealing, "AtomicFile", Swapping)
    monkeypatch.setattr(sealing, "ContainerFile", other)
    with pytest.raises(ClientError, match="the disk gave back something else"):
        seal_files(gather([str(tree)], "other"), str(tmp_path / "out"), request_for(person), person.signing)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_leaves_nothing(tree, tmp_path, person, interruption):
    def interrupt(_count):
        raise interruption

    with pytest.raises(interruption):
        seal_files(
            gather([str(tree)], "other"),
            str(tmp_path / "out"),
            request_for(person),
            person.signing,
            advance=interrupt,
        )
    assert _names(tmp_path) == ["source"]


def test_a_missing_file_is_said_with_its_name(tree):
    with pytest.raises((NotFoundProblem, FileNotFoundError), match="nothing"):
        gather([str(tree / "nothing")], "other")
