import socket
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError

from vault.server.commands.records import reachable, read_settings, sqlite_file
from vault.server.commands.style import SettingsProblem, UnavailableProblem
from vault.server.ports import RecordsUnavailableError, StoreFullError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RecordsUnavailableError("the database failed: X"), "the database failed: X"),
        (StoreFullError("the object store is full"), "the object store is full"),
        (
            OperationalError("SELECT hunter2", {}, Exception("hunter2")),
            "the database failed: OperationalError",
        ),
        (socket.gaierror(-2, "hunter2"), "the database failed: gaierror"),
        (ConnectionRefusedError(111, "hunter2"), "the database failed: ConnectionRefusedError"),
    ],
)
def test_what_cannot_be_reached_is_told_without_its_words(error, told):
    with pytest.raises(UnavailableProblem) as raised, reachable():
        raise error
    assert raised.value.message == told
    assert raised.value.exit_code == 7


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file/data"), reachable():
        (tmp_path / "file" / "data").mkdir()


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite+aiosqlite:////srv/records.db", "/srv/records.db"),
        ("postgresql+asyncpg://u:p@database/scelle", None),
    ],
)
def test_an_sqlite_file_is_known_by_its_url(url, file):
    found = sqlite_file(SimpleNamespace(records_url=url))
    assert (None if found is None else str(found)) == file


def test_what_is_no_url_is_not_shown():
    with pytest.raises(SettingsProblem) as raised:
        sqlite_file(SimpleNamespace(records_url="hunter2"))
    assert "hunter2" not in raised.value.message


def test_a_missing_folder_is_asked_for(monkeypatch):
    monkeypatch.delenv("SCELLE_DATA", raising=False)
    with pytest.raises(SettingsProblem, match="--data is missing"):
        read_settings({"data": None}, None)
