import pytest

from client.errors import AccessProblem, ClientError, ConflictProblem, NotFoundProblem, UsageProblem
from client.keyfiles import load_key, naming, read_public_key, read_recipient, read_signer
from keys.keyfile import Use
from keys.keyring import Identity
from keys.store import write_identity
from tests.client.conftest import CHEAP


@pytest.fixture
def key(tmp_path, person):
    write_identity(tmp_path / "key", person, None)
    return tmp_path / "key"


@pytest.mark.parametrize(
    ("use", "role", "generation"),
    [(Use.PERSON, "reader", 0), (Use.DOSSIER, "dossier", 7), (Use.RECOVERY, "recovery", 0)],
)
def test_the_use_of_a_key_decides_its_role(tmp_path, use, role, generation):
    identity = Identity.generate(use)
    write_identity(tmp_path / "key", identity, None)
    found = read_recipient(str(tmp_path / "key.pub"), generation=7)
    assert found == (role, generation, identity.public.kem)


@pytest.mark.parametrize("use", [Use.AUTHORITY, Use.SERVICE])
def test_nothing_is_sealed_to_keys_that_only_sign(tmp_path, use):
    write_identity(tmp_path / "key", Identity.generate(use), None)
    with pytest.raises(UsageProblem, match="nothing is sealed"):
        read_recipient(str(tmp_path / "key.pub"))


def test_a_signer_is_named_by_file_or_by_key_id(key, person):
    expected = person.public.signing_key_id
    assert read_signer(f"{key}.pub") == expected
    assert read_signer(expected.hex()) == expected
    assert read_signer(expected.hex().upper()) == expected


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8\xff\xe0", b"-----BEGIN SCELLE PUBLIC KEY-----\n", b"x" * 99_999]
)
def test_what_is_no_key_file_is_said(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ClientError, match="x: this is not a Scellé key file"):
        read_public_key(str(tmp_path / "x"))


def test_a_secret_key_is_not_taken_for_a_public_one(key):
    with pytest.raises(ClientError, match="not a Scellé key file"):
        read_public_key(str(key))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(NotFoundProblem, match="there is no such key file"):
        read_public_key(str(tmp_path / "nothing"))


def test_the_passphrase_is_asked_for_only_if_there_is_one(tmp_path, key, person):
    def ask():
        raise AssertionError("asked in vain")

    assert load_key(str(key), ask).seed == person.seed
    write_identity(tmp_path / "locked", person, "a passphrase", cost=CHEAP)
    assert load_key(str(tmp_path / "locked"), lambda: "a passphrase").seed == person.seed
    with pytest.raises(AccessProblem, match="locked: the passphrase does not open"):
        load_key(str(tmp_path / "locked"), lambda: "another")


def test_a_key_that_others_can_read_is_not_used(key):
    key.chmod(0o644)
    with pytest.raises(ClientError, match="chmod 600"):
        load_key(str(key), str)


def test_a_key_is_not_read_through_a_link(key, tmp_path):
    (tmp_path / "link").symlink_to(key)
    with pytest.raises(ClientError, match="not a link"):
        load_key(str(tmp_path / "link"), str)


def test_a_key_is_not_overwritten(key, person):
    with pytest.raises(ConflictProblem, match="never overwritten"), naming(str(key)):
        write_identity(key, person, None)


def test_a_key_for_another_use_is_refused():
    with pytest.raises(UsageProblem, match="made for another use"), naming("dossier.key"):
        _ = Identity.generate(Use.DOSSIER).signing
