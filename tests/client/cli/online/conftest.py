"""One town for all modules on SQLite and a folder, and one on PostgreSQL and S3."""

import pytest

from tests.client.serving import Server
from tests.client.town import EDITOR, Town
from tests.exchange.engines import bucket, settings_of
from tests.stretching import stretch_little

__all__ = ["bucket"]

# Everybody comes from one address here, and many type wrong things on purpose within one window.
PATIENCE = {"sign_in_failures": 1000}


@pytest.fixture(scope="module", autouse=True)
def _little_work():
    """Have commands of this process stretch passwords as little as a reader accepts."""
    with pytest.MonkeyPatch.context() as patch:
        stretch_little(patch)
        yield


@pytest.fixture(scope="module")
def engine():
    """The one of most modules; those that import another run on both."""
    return "embedded"


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The town on SQLite and a folder, which most modules share."""
    with Server(tmp_path_factory.mktemp("service") / "data", **PATIENCE) as server:
        yield settled(server, tmp_path_factory)


@pytest.fixture(scope="session")
def institute(request, tmp_path_factory):
    """The town on PostgreSQL and S3, which the others share."""
    data = tmp_path_factory.mktemp("service") / "data"
    with settings_of(request, "institution") as settings, Server(data, **settings, **PATIENCE) as server:
        yield settled(server, tmp_path_factory)


@pytest.fixture(scope="module")
def town(request, engine):
    """A service with an admin, a portal and two reviewers; dossier D-1 is open to the first of them."""
    return request.getfixturevalue("home" if engine == "embedded" else "institute")


def settled(server, tmp_path_factory):
    town = Town(server, tmp_path_factory.mktemp("town"))
    town.found()
    town.type("admin", "login", town.server.url, "--identity", "my.key")
    town.admit("portal", "portal", "--org", "Convergence")
    town.admit("r1", "reviewer")
    town.admit("r2", "reviewer")
    town.open_dossier("D-1", "r1")
    town.invite("D-1")
    return town


@pytest.fixture(scope="session")
def deposited(home):
    """A proof that the editor deposited in D-1."""
    home.seal("editor", "first", "Analyse\n")
    return home.ask("editor", "deposit", "first.scelle", *EDITOR, "--receipt-out", "first.receipt")
