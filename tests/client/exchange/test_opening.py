import pytest

from client.errors import ConflictProblem, NotFoundProblem, UsageProblem
from client.exchange.opening import Access, open_file
from client.exchange.sealing import gather, seal_files
from client.refusals import RefusedContainer
from tests.client.conftest import access_of, request_for
from vault.container import plan
from vault.container.outcomes import Outcome
from vault.container.slots import PasswordAccess

NOTES = "source/annexes/notes.txt"
RIGHT = PasswordAccess("alice", "correct horse")
WRONG = PasswordAccess("alice", "battery staple")


def _files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _extract(container, target, access, paths=(), advance=lambda _count: None, **options):
    with open_file(str(container), access) as opened:
        return opened.extract(str(target), paths, advance=advance, **options)


def test_everything_comes_out_as_it_went_in(sealed, tree, tmp_path, person):
    done = []
    _extract(sealed, tmp_path / "out", access_of(person), advance=done.append)
    for name in ("report.pdf", "empty.txt", "annexes/notes.txt"):
        assert (tmp_path / "out" / "source" / name).read_bytes() == (tree / name).read_bytes()
    assert sum(done) == 9 + 256 * 300 + 11


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([NOTES], [NOTES]),
        (["source/annexes"], [NOTES]),
        (["source/annexes/", NOTES], [NOTES]),
        (["source"], [NOTES, "source/empty.txt", "source/report.pdf"]),
    ],
)
def test_files_and_folders_can_be_named(sealed, tmp_path, person, paths, found):
    _extract(sealed, tmp_path / "out", access_of(person), paths)
    assert _files(tmp_path / "out") == found


@pytest.mark.parametrize(
    "path", ["nothing", "sour", "source/annexes/notes", "", "..", "/", "source/../source"]
)
def test_a_path_that_is_not_in_it_is_said_and_nothing_is_written(sealed, tmp_path, person, path):
    with pytest.raises(NotFoundProblem):
        _extract(sealed, tmp_path / "out", access_of(person), [path])
    assert not (tmp_path / "out").exists()


def test_a_composed_name_finds_a_decomposed_one(tmp_path, person):
    (tmp_path / "re\u0301sume\u0301.txt").write_text("x")
    output = tmp_path / "x.scelle"
    seal_files(
        gather([str(tmp_path / "re\u0301sume\u0301.txt")], "other"),
        str(output),
        request_for(person),
        person.signing,
    )
    with open_file(str(output), access_of(person)) as opened:
        assert opened.find("r\u00e9sum\u00e9.txt").size == 1


def test_a_folder_is_not_one_file(sealed, person):
    with open_file(str(sealed), access_of(person)) as opened:
        assert opened.find(NOTES).size == 11
        with pytest.raises(UsageProblem, match="this is a folder"):
            opened.find("source/annexes")


def test_a_password_opens_and_the_key_is_tried_first(sealed, person):
    asked = []

    def ask():
        asked.append(1)
        return RIGHT

    with open_file(str(sealed), Access(list, ask)) as opened:
        assert opened.unlocked.identity == person.seed
    assert asked == [1]
    with open_file(str(sealed), Access(lambda: [person.decapsulation], ask)) as opened:
        assert opened.unlocked.identity == b""
    assert asked == [1]
    with open_file(str(sealed), Access(lambda: [person.decapsulation], ask, password_first=True)) as opened:
        assert opened.unlocked.identity == person.seed
    assert asked == [1, 1]


@pytest.mark.parametrize("first", [True, False])
def test_a_key_that_does_not_open_leaves_it_to_the_password_and_the_other_way_round(
    sealed, person, stranger, first
):
    keys = [stranger.decapsulation]
    with open_file(str(sealed), Access(lambda: keys, lambda: RIGHT, first)) as opened:
        assert opened.unlocked.identity
    with open_file(str(sealed), Access(lambda: [person.decapsulation], lambda: WRONG, first)) as opened:
        assert not opened.unlocked.identity


def test_who_has_nothing_that_opens_gets_no_access(sealed, stranger):
    for access in (
        access_of(stranger),
        access_of(password=WRONG),
        access_of(stranger, password=WRONG),
        access_of(),
    ):
        with pytest.raises(RefusedContainer) as caught, open_file(str(sealed), access):
            pass
        assert caught.value.outcome is Outcome.NO_ACCESS


def test_nobody_is_asked_for_the_password_of_what_is_no_container_or_has_no_password(
    tmp_path, tree, person, stranger
):
    def ask():
        raise AssertionError("asked in vain")

    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(RefusedContainer) as caught, open_file(str(picture), Access(list, ask)):
        pass
    assert caught.value.outcome is Outcome.MALFORMED
    output = tmp_path / "x.scelle"
    seal_files(gather([str(tree)], "other"), str(output), request_for(person), person.signing)
    with (
        pytest.raises(RefusedContainer),
        open_file(str(output), Access(lambda: [stranger.decapsulation], ask)),
    ):
        pass


@pytest.fixture
def damaged(tmp_path, person):
    """A container of two files of 3 MiB: the first is whole, the second damaged in the middle."""
    folder = tmp_path / "big"
    folder.mkdir()
    for name in ("a.bin", "b.bin"):
        (folder / name).write_bytes(bytes(3 * 1024 * 1024))
    output = tmp_path / "damaged.scelle"
    seal_files(gather([str(folder)], "other"), str(output), request_for(person), person.signing)
    with open_file(str(output), access_of(person)) as opened:
        file = opened.find("big/b.bin")
        place = opened.examined.preamble.payload_offset + file.offset + file.length // 2
    data = bytearray(output.read_bytes())
    data[place] ^= 1
    output.write_bytes(data)
    return output


@pytest.mark.parametrize("present", [True, False])
def test_damage_anywhere_leaves_no_plaintext_under_any_name(damaged, tmp_path, person, present):
    target = tmp_path / "out"
    if present:
        target.mkdir()
    with pytest.raises(RefusedContainer) as caught:
        _extract(damaged, target, access_of(person))
    assert caught.value.outcome is Outcome.PAYLOAD_DAMAGED
    assert list(target.rglob("*")) == []
    assert sorted(path.name for path in tmp_path.iterdir() if path != target) == ["big", "damaged.scelle"]


def test_what_is_not_damaged_can_still_be_taken_out(damaged, tmp_path, person):
    _extract(damaged, tmp_path / "out", access_of(person), ["big/a.bin"])
    assert (tmp_path / "out" / "big" / "a.bin").stat().st_size == 3 * 1024 * 1024


def _collect(pieces, released):
    for piece in pieces:
        released += piece


def test_reading_one_damaged_file_releases_authentic_bytes_only_and_then_fails(damaged, person):
    released = bytearray()
    with open_file(str(damaged), access_of(person)) as opened, pytest.raises(RefusedContainer):
        _collect(opened.contents(opened.find("big/b.bin")), released)
    assert 0 < len(released) < 3 * 1024 * 1024
    assert not released.strip(b"\0")


@pytest.mark.parametrize(
    "path", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "a\\..\\evil.txt", "nul", "a\u202eb"]
)
def test_a_path_that_leads_elsewhere_is_refused_whole(tree, tmp_path, person, path, monkeypatch):
    # No sealer of ours makes such a container; another program might.
    monkeypatch.setattr(plan, "why_unsealable", lambda _path: None)
    monkeypatch.setattr(plan, "check_sealable_tree", list)
    gathered = gather([str(tree / "report.pdf"), str(tree / "empty.txt")], "other")
    evil = gathered._replace(
        sources=(gathered.sources[0], gathered.sources[1]._replace(path=path)),
        declared=(gathered.declared[0], gathered.declared[1]._replace(path=path)),
    )
    output = tmp_path / "evil.scelle"
    seal_files(evil, str(output), request_for(person), person.signing)
    with pytest.raises(RefusedContainer) as caught:
        _extract(output, tmp_path / "out", access_of(person))
    assert caught.value.outcome is Outcome.UNSAFE_PATH
    assert sorted(name.name for name in tmp_path.iterdir()) == ["evil.scelle", "source"]


def test_an_interruption_leaves_nothing(sealed, tmp_path, person):
    def interrupt(_count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _extract(sealed, tmp_path / "out", access_of(person), advance=interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.scelle", "source"]


def test_what_exists_is_kept_without_force(sealed, tmp_path, person):
    target = tmp_path / "out"
    _extract(sealed, target, access_of(person))
    (target / NOTES).write_text("mine")
    with pytest.raises(ConflictProblem, match=NOTES):
        _extract(sealed, target, access_of(person), [NOTES])
    assert (target / NOTES).read_text() == "mine"
    _extract(sealed, target, access_of(person), force=True)
    assert (target / NOTES).read_text() == "some words\n"
