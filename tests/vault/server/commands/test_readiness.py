"""``/readyz`` of a real server whose parts are really broken, one after the other, and mended again."""

import http.client
import json
import signal
import sqlite3
import time

import pytest

from tests.vault.server.commands.host import PATIENCE
from tests.vault.server.commands.test_running import half_a_request

ALL = ["database", "schema", "objects", "running"]


@pytest.fixture
def server(host):
    return host.serve()


@pytest.fixture
def connection(server):
    host, port = server.address
    opened = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    yield opened
    opened.close()


def readiness(connection):
    """Return the parts that are ready if all are, else those that are not."""
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status == 200:
        assert set(body["parts"].values()) == {"ok"}
        return list(body["parts"])
    assert (answer.status, body["code"]) == (503, "unavailable")
    assert body["detail"] == f"not ready: {', '.join(body['extra']['not_ready'])}"
    return body["extra"]["not_ready"]


@pytest.fixture
def comes_to(connection):
    """Ask until the answer is the expected one: the last answer may hold for a moment."""

    def ask(expected):
        last = time.monotonic() + PATIENCE
        while (found := readiness(connection)) != expected and time.monotonic() < last:
            time.sleep(0.05)
        return found == expected

    return ask


def test_a_store_that_is_gone_and_comes_back(host, comes_to):
    assert comes_to(ALL)
    store, elsewhere = host.data / "store", host.data / "elsewhere"
    store.rename(elsewhere)
    assert comes_to(["objects"])
    elsewhere.rename(store)
    assert comes_to(ALL)


def test_a_schema_that_another_version_made(host, comes_to):
    assert comes_to(ALL)
    with sqlite3.connect(host.data / "records.db") as database:
        (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert comes_to(["schema"])
    with sqlite3.connect(host.data / "records.db") as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    database.close()
    assert comes_to(ALL)


def test_a_database_that_is_damaged(host, comes_to):
    assert comes_to(ALL)
    with sqlite3.connect(host.data / "records.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with (host.data / "records.db").open("r+b") as file:
        file.write(b"\xff" * 65_536)
    # Pages that are in a connection's memory still answer: a write of somebody else makes it look again.
    (host.data / "records.db-wal").write_bytes(b"\xff" * 4096)
    assert comes_to(["database"])


def test_a_server_that_ends_says_so_on_connections_that_are_open(server, connection):
    assert readiness(connection) == ALL
    with half_a_request(server):
        server.tell(signal.SIGTERM)
        last = time.monotonic() + PATIENCE
        while (found := readiness(connection)) == ALL and time.monotonic() < last:
            time.sleep(0.05)
        assert found == ["running"]
        server.tell(signal.SIGTERM)
        assert server.wait() == 0


def test_a_server_that_runs_is_live_whatever_is_broken(host, server, comes_to):
    (host.data / "store").rename(host.data / "elsewhere")
    assert comes_to(["objects"])
    assert server.get("/livez") == {"status": "ok"}
