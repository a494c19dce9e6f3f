import errno
import socket

import pytest

from vault.server.commands.listening import listen
from vault.server.commands.style import ConflictProblem, HostProblem, SettingsProblem


@pytest.fixture
def resolve(monkeypatch):
    """Let a name stand for these addresses."""

    def resolve(*addresses: str) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)

    return resolve


def _close(sockets):
    for one in sockets:
        one.close()


def test_a_free_port_is_taken_where_none_is_named():
    (one,) = sockets = listen("127.0.0.1", 0)
    assert one.getsockname()[0] == "127.0.0.1"
    assert one.getsockname()[1] > 0
    _close(sockets)


def test_all_addresses_of_a_name_have_one_port(resolve):
    resolve("127.0.0.1", "127.0.0.2", "127.0.0.1")
    sockets = listen("both", 0)
    assert [one.getsockname()[0] for one in sockets] == ["127.0.0.1", "127.0.0.2"]
    assert len({one.getsockname()[1] for one in sockets}) == 1
    _close(sockets)


def test_an_address_that_this_machine_lacks_is_passed_over(resolve):
    resolve("203.0.113.1", "127.0.0.1")
    (one,) = sockets = listen("both", 0)
    assert one.getsockname()[0] == "127.0.0.1"
    _close(sockets)


def test_no_address_at_all_is_told(resolve):
    resolve("203.0.113.1")
    with pytest.raises(HostProblem, match=r"cannot listen on elsewhere, port 80: Cannot assign"):
        listen("elsewhere", 80)


def test_a_port_in_use_leaves_nothing_open(resolve):
    resolve("127.0.0.1", "127.0.0.2")
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConflictProblem, match=f"port {port} of both is in use"):
            listen("both", port)
    socket.create_server(("127.0.0.1", port)).close()


def test_what_the_system_forbids_is_told(monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(errno.EACCES, "")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(HostProblem, match=r"cannot listen on 127\.0\.0\.1, port 80: Permission denied"):
        listen("127.0.0.1", 80)


def test_a_name_that_stands_for_nothing(monkeypatch):
    def unknown(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SettingsProblem, match="nowhere: this is no address"):
        listen("nowhere", 0)
