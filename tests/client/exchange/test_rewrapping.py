import pytest

from client.errors import AccessProblem, ClientError
from client.exchange.containers import ContainerFile
from client.exchange.opening import open_file
from client.exchange.rewrapping import change_accesses
from client.refusals import RefusedContainer
from tests.client.conftest import access_of
from vault.container.manifest import CarriedRecipient
from vault.container.outcomes import MisuseError
from vault.container.slots import PasswordAccess


def _change(container, access, writer, **changes):
    with ContainerFile.open(str(container)) as file:
        examined = file.examine()
        return change_accesses(file, examined, access.unlock(examined), writer, **changes)


def _body(container):
    with ContainerFile.open(str(container)) as file:
        return container.read_bytes()[file.examine().preamble.payload_offset :]


def _opens(container, access):
    try:
        with open_file(str(container), access):
            return True
    except RefusedContainer:
        return False


def test_an_access_is_added_and_the_body_stays_as_it_was(sealed, person, stranger):
    body = _body(sealed)
    reader = CarriedRecipient("reader", 0, stranger.public.kem)
    password = PasswordAccess("bob", "another one")
    assert not _opens(sealed, access_of(stranger))
    done = []
    envelope = _change(
        sealed,
        access_of(person),
        person.signing,
        recipients=[reader],
        passwords=[password],
        advance=done.append,
    )
    assert envelope.envelope.generation == 2
    assert _opens(sealed, access_of(stranger))
    assert _opens(sealed, access_of(password=password))
    assert _opens(sealed, access_of(person))
    assert _body(sealed) == body
    assert sum(done) == len(body)


def test_an_access_is_removed(sealed, person):
    password = PasswordAccess("alice", "correct horse")
    assert _opens(sealed, access_of(password=password))
    with ContainerFile.open(str(sealed)) as file:
        (slot,) = file.examine().envelope.envelope.password_slots
    _change(sealed, access_of(person), person.signing, remove=[slot.id])
    assert not _opens(sealed, access_of(password=password))
    assert _opens(sealed, access_of(person))


def test_only_who_is_listed_may_write(sealed, person, stranger):
    before = sealed.read_bytes()
    with pytest.raises(AccessProblem, match="may not change who opens it"):
        _change(sealed, access_of(person), stranger.signing)
    assert sealed.read_bytes() == before


def test_somebody_must_be_left(sealed, person):
    before = sealed.read_bytes()
    with ContainerFile.open(str(sealed)) as file:
        slots = [slot.id for slot in file.examine().envelope.envelope.slots]
    with pytest.raises(MisuseError):
        _change(sealed, access_of(person), person.signing, remove=slots)
    assert sealed.read_bytes() == before


def test_somebody_else_s_change_meanwhile_is_not_lost(sealed, tmp_path, person):
    def meddle(_count):
        other = tmp_path / "other"
        other.write_bytes(b"another state")
        other.replace(sealed)

    with pytest.raises(ClientError, match="changed by somebody else"):
        _change(sealed, access_of(person), person.signing, advance=meddle)
    assert sealed.read_bytes() == b"another state"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.scelle", "source"]


def test_permissions_stay_what_they_were(sealed, person):
    sealed.chmod(0o604)
    _change(sealed, access_of(person), person.signing)
    assert sealed.stat().st_mode & 0o777 == 0o604
