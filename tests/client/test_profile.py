# The profile is written without pathlib, and tested as it is written.
# ruff: noqa: PTH116, PTH118, PTH123
import os
import stat
import subprocess
import sys

import pytest

from client.errors import ClientError, UsageProblem
from client.profile import Profile
from client.records import Checkpoints, Dossier, Group, Member, Pin, Proof, Session
from keys.keyfile import Use
from keys.keyring import Identity
from keys.statements import Signed

URL = "https://vault.example.org"
SERVER = Identity.from_seed(b"s" * 32, Use.SERVICE).public
AUTHORITY = Identity.from_seed(b"a" * 32, Use.AUTHORITY).public


def signed(text):
    return Signed(text.encode(), b"\x01" * 3373)


@pytest.fixture
def profile(tmp_path):
    return Profile(str(tmp_path / "home" / "scelle"))


def pin(url=URL):
    return Pin(url, url, SERVER, AUTHORITY, signed("habilitation"), None, (signed("succession"),))


def test_nothing_is_known_at_first(profile):
    service = profile.service(URL)
    assert (profile.current, service.pin, service.session) == (None, None, None)
    assert service.dossier("D-1") == Dossier("D-1")
    assert service.proof(bytes(32)) is None
    assert service.checkpoints == Checkpoints(())
    assert list(profile.services()) == []
    assert profile.find_proof(bytes(32)) is None
    with pytest.raises(UsageProblem, match="scelle login"):
        profile.require_current()


def test_what_is_kept_is_there_for_the_next_process(profile):
    service = profile.service(URL)
    service.keep_pin(pin())
    service.keep_session(Session("tok", "session", 7, "reviewer", "/keys/r1"))
    service.keep_checkpoints(Checkpoints((signed("c"),)))
    assert service.groups == {}
    group = Group("experts", (Member("a" * 32, "r.durand", "ABCD-EFGH"),))
    service.keep_groups({"experts": group})
    profile.use(URL)
    again = Profile(profile.home).require_current()
    assert again.groups == {"experts": group}
    assert again.pin == pin()
    assert again.session == Session("tok", "session", 7, "reviewer", "/keys/r1")
    assert again.checkpoints.items == (signed("c"),)
    again.forget_session()
    again.forget_session()
    assert service.session is None


def test_only_their_owner_can_read_the_files(profile):
    service = profile.service(URL)
    umask = os.umask(0)
    try:
        service.keep_session(Session("tok", "token", 0, "portal"))
        profile.use(URL)
    finally:
        os.umask(umask)
    found = 0
    for folder, _folders, files in os.walk(profile.home):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        for name in files:
            found += 1
            assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600
    assert found == 2


def test_a_session_does_not_show_its_token():
    assert "tok-secret" not in repr(Session("tok-secret", "session", 1, "editor"))


def test_statements_are_added_and_kept_once(profile):
    service = profile.service(URL)
    service.keep_dossier(Dossier("D-1", (signed("k1"),), (signed("g1"),), (signed("m1"),), (signed("i1"),)))
    service.keep_dossier(Dossier("D-1", (signed("k1"), signed("k2")), (), (signed("m2"),)))
    assert service.dossier("D-1") == Dossier(
        "D-1", (signed("k1"), signed("k2")), (signed("g1"),), (signed("m1"), signed("m2")), (signed("i1"),)
    )
    assert service.dossier("D-2") == Dossier("D-2")


def test_grants_are_forgotten_and_nothing_else(profile):
    service = profile.service(URL)
    service.forget_grants("D-1")
    assert service.dossier("D-1") == Dossier("D-1")
    whole = Dossier("D-1", (signed("k1"),), (signed("g1"), signed("g2")), (signed("m1"),), (signed("i1"),))
    service.keep_dossier(whole)
    service.forget_grants("D-1")
    assert service.dossier("D-1") == whole._replace(grants=())
    service.forget_grants("D-1")
    assert service.dossier("D-1") == whole._replace(grants=())


@pytest.mark.parametrize("name", [".", "..", "a", "A"])
def test_no_dossier_takes_anothers_place_or_leaves_the_folder(profile, name):
    service = profile.service(URL)
    for dossier in (".", "..", "a", "A"):
        service.keep_dossier(Dossier(dossier, (signed(dossier),)))
    assert service.dossier(name).keys == (signed(name),)


def test_the_generation_seen_never_goes_back(profile):
    service = profile.service(URL)
    seen = Proof(b"\x07" * 32, "ab" * 16, 1, "D-1", 3, signed("receipt"))
    service.keep_proof(seen)
    service.keep_proof(seen._replace(generation=2, receipt=None))
    assert service.proof(seen.seal_id) == seen
    service.keep_proof(seen._replace(generation=4))
    assert service.proof(seen.seal_id).generation == 4


def test_a_proof_is_found_whichever_service_it_came_from(profile):
    first, second = profile.service(URL), profile.service("https://other.example.org")
    for service in (first, second):
        service.keep_pin(pin(service.url))
    profile.use(URL)
    proof = Proof(b"\x07" * 32, "ab" * 16, 1, "D-1", 1)
    second.keep_proof(proof)
    service, found = profile.find_proof(proof.seal_id)
    assert (service.url, found) == (second.url, proof)
    assert [service.url for service in profile.services()] == [first.url, second.url]


@pytest.mark.parametrize("text", [b"", b"{}", b'{"url":1}', b'{"url": "https://vault.example.org"}', b"\xff"])
def test_a_damaged_file_is_said_to_be_one(profile, text):
    profile.use(URL)
    path = os.path.join(profile.home, "current.json")
    with open(path, "wb") as file:
        file.write(text)
    with pytest.raises(ClientError, match="damaged"):
        assert profile.current


def test_the_environment_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("SCELLE_HOME", str(tmp_path / "elsewhere"))
    assert Profile.default().home == str(tmp_path / "elsewhere")
    monkeypatch.delenv("SCELLE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Profile.default().home == str(tmp_path / "data" / "scelle")


def test_looking_into_the_profile_imports_neither_http_nor_models():
    code = (
        "import sys; from client.profile import Profile; Profile.default().find_proof(bytes(32)); "
        "sys.exit(bool({'aiohttp', 'pydantic', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code
