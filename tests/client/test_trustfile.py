import pytest

from client.errors import ConflictProblem, UsageProblem
from client.trustfile import read_trust_file, write_trust_file
from tests.client import sayings as s


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "trust.json")
    pin = s.pin()
    write_trust_file(path, pin)
    assert read_trust_file(path, url=s.URL) == pin
    with pytest.raises(ConflictProblem):
        write_trust_file(path, pin)


def test_a_file_about_another_service_is_refused(tmp_path):
    path = str(tmp_path / "trust.json")
    write_trust_file(path, s.pin())
    with pytest.raises(UsageProblem, match=r"not at https://other\.example\.org"):
        read_trust_file(path, url="https://other.example.org")


def test_a_file_without_an_authority_is_refused(tmp_path):
    path = str(tmp_path / "trust.json")
    write_trust_file(path, s.pin(authority=None))
    with pytest.raises(UsageProblem, match="names no authority"):
        read_trust_file(path)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"a" * 2_000_000])
def test_what_is_no_such_file_is_refused(tmp_path, data):
    path = tmp_path / "trust.json"
    path.write_bytes(data)
    with pytest.raises(UsageProblem, match="trust export"):
        read_trust_file(str(path))
