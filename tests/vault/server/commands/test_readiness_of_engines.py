"""``/readyz`` over a real PostgreSQL and a real S3 store which hang, and which die."""

import http.client
import time

import pytest

from tests.vault.server.commands.host import PATIENCE
from tests.vault.server.commands.test_readiness import ALL, readiness


@pytest.fixture
def comes_to(host, postgres, postgres_database, seaweed):
    """A server over both; ask it until the answer is the expected one."""
    settings = seaweed.settings(seaweed.new_bucket())
    variables = {f"SCELLE_{name.upper()}": value for name, value in settings.items()}
    server = host.serve(
        SCELLE_DATA=str(host.data), SCELLE_DATABASE_URL=postgres.url(postgres_database), **variables
    )
    address, port = server.address

    def ask(expected):
        connection = http.client.HTTPConnection(address, port, timeout=PATIENCE)
        last = time.monotonic() + 2 * PATIENCE
        while (found := readiness(connection)) != expected and time.monotonic() < last:
            time.sleep(0.05)
        connection.close()
        return found == expected

    assert ask(ALL)
    yield ask
    server.kill()


def test_a_database_that_hangs_does_not_hang_the_probe(postgres, comes_to):
    postgres.pause()
    try:
        assert comes_to(["database"])
    finally:
        postgres.resume()
    assert comes_to(ALL)


def test_a_store_that_hangs_does_not_hang_the_probe(seaweed, comes_to):
    seaweed.pause()
    try:
        assert comes_to(["objects"])
    finally:
        seaweed.resume()
    assert comes_to(ALL)


def test_both_may_hang_at_once(postgres, seaweed, comes_to):
    postgres.pause()
    seaweed.pause()
    try:
        assert comes_to(["database", "objects"])
    finally:
        postgres.resume()
        seaweed.resume()
    assert comes_to(ALL)


def test_a_database_that_dies_and_comes_back(postgres, comes_to):
    postgres.kill()
    try:
        assert comes_to(["database"])
    finally:
        postgres.start()
    assert comes_to(ALL)


def test_a_store_that_dies_and_comes_back(seaweed, comes_to):
    seaweed.kill()
    try:
        assert comes_to(["objects"])
    finally:
        seaweed.start()
    assert comes_to(ALL)


def test_a_schema_of_another_version(postgres, postgres_database, comes_to):
    revision = postgres.ask(postgres_database, "SELECT version_num FROM alembic_version")
    postgres.ask(postgres_database, "UPDATE alembic_version SET version_num = '9999'")
    try:
        assert comes_to(["schema"])
    finally:
        postgres.ask(postgres_database, f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608 - what it was
    assert comes_to(ALL)
