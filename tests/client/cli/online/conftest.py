import pytest

from tests.client.serving import Server
from tests.client.town import Town


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    with Server(folder / "data") as server:
        yield server


@pytest.fixture(scope="session")
def town(running, tmp_path_factory):
    """A service with an admin, a portal and two reviewers; dossier D-1 is open to the first of them."""
    town = Town(running, tmp_path_factory.mktemp("town"))
    town.found()
    town.type("admin", "login", running.url, "--identity", "my.key")
    town.admit("portal", "portal", "--org", "Convergence")
    town.admit("r1", "reviewer")
    town.admit("r2", "reviewer")
    town.open_dossier("D-1", "r1")
    town.invite("D-1")
    return town


@pytest.fixture(scope="session")
def deposited(town):
    """A proof that the editor deposited in D-1."""
    town.seal("editor", "first", "Analyse\n")
    return town.ask(
        "editor",
        "deposit",
        "first.scelle",
        "--template",
        "dossier.scelle",
        "--username",
        "a.martin",
        "--password-file",
        "password.txt",
        "--receipt-out",
        "first.receipt",
    )
