"""On which database a module's worlds run: on SQLite, unless it imports `engine` from here."""

from contextlib import contextmanager

import pytest


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request):
    """Both: every test of the module runs twice."""
    return request.param


@contextmanager
def database_of(request, engine):
    """Give the URL of an empty database, None for the one in the service's own folder."""
    if engine == "sqlite":
        yield None
        return
    postgres = request.getfixturevalue("postgres")
    with postgres.lent() as name:
        yield postgres.url(name)
