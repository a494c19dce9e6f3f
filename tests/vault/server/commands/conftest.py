import pytest

from tests.vault.server.commands.host import Host


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    host.close()
