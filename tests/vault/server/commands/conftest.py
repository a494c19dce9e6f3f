import shutil

import pytest

from tests.vault.server.commands.host import Host


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    host.close()


@pytest.fixture(scope="session")
def left_behind(tmp_path_factory):
    """What a server leaves that was started once, and stopped."""
    host = Host(tmp_path_factory.mktemp("started"))
    try:
        assert host.serve().stop() == 0
    finally:
        host.close()
    return host.data


@pytest.fixture
def started(host, left_behind):
    """A host on which a server ran once."""
    shutil.copytree(left_behind, host.data)
    return host
