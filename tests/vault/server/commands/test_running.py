"""How a server ends: what is under way comes to its end first, and nothing waits for ever."""

import json
import signal
import socket
from contextlib import contextmanager

import pytest

from tests.vault.server.commands.host import PATIENCE

BODY = json.dumps({"key_id": "0" * 64}).encode()


@contextmanager
def half_a_request(server):
    """Send half of a request, so that it is under way; gives the connection."""
    head = (
        "POST /v1/challenges HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    )
    with socket.create_connection(server.address, timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + BODY[:10])
        # A whole request on another connection: when it is answered, the half one has been seen.
        assert server.get("/livez") == {"status": "ok"}
        yield connection


def _rest(connection):
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def _stops_listening(server):
    for _ in range(1000):
        try:
            socket.create_connection(server.address, timeout=PATIENCE).close()
        except OSError:
            return True
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_request_under_way_ends_first(host, number, code):
    server = host.serve()
    with half_a_request(server) as connection:
        server.tell(number)
        assert _stops_listening(server)
        connection.sendall(BODY[10:])
        answer = _rest(connection)
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert server.wait() == code
    assert server.events()[-3:] == ["stopping", "request", "stopped"]


def test_a_second_signal_waits_for_nothing(host):
    server = host.serve()
    with half_a_request(server) as connection:
        server.tell(signal.SIGTERM)
        assert _stops_listening(server)
        server.tell(signal.SIGTERM)
        assert server.wait() == 0
        assert b" 201 " not in _rest(connection)
    assert server.events()[-1] == "stopped"


def test_a_request_that_does_not_end_is_cut_off(host):
    server = host.serve("--data", host.data, SCELLE_SHUTDOWN_SECONDS="1")
    with half_a_request(server) as connection:
        assert server.stop() == 0
        assert b" 201 " not in _rest(connection)
