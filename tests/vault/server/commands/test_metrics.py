"""``/metrics`` of a real server, on a port of its own where that is set."""

import socket
import time
import urllib.error
import urllib.request

import pytest

from tests.vault.server.commands.host import PATIENCE


def scrape(server):
    with urllib.request.urlopen(server.announced["metrics"], timeout=PATIENCE) as answer:  # noqa: S310 - http, on this machine
        text = answer.read().decode()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_numbers_are_shown_where_that_is_set(host):
    server = host.serve(SCELLE_METRICS_PORT="0", SCELLE_DATA=str(host.data))
    assert server.announced["metrics"].startswith("http://127.0.0.1:")
    assert not server.announced["metrics"].startswith(f"{server.url}/")
    server.get("/version")
    found = scrape(server)
    assert found['scelle_requests_total{route="version",status="200"}'] == "1.0"
    assert found[f'scelle_build_info{{version="{server.announced["version"]}"}}'] == "1.0"
    assert float(found["process_resident_memory_bytes"]) > 2**20
    (host.data / "store").rename(host.data / "elsewhere")
    last = time.monotonic() + PATIENCE
    while (found := scrape(server))['scelle_ready{part="objects"}'] == "1.0" and time.monotonic() < last:
        time.sleep(0.05)
    assert found['scelle_ready{part="objects"}'] == "0.0"
    assert scrape(server)['scelle_ready{part="database"}'] == "1.0"
    assert server.stop() == 0


def test_by_default_they_are_shown_nowhere(host):
    server = host.serve()
    assert server.announced["metrics"] is None
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.get("/metrics")


def test_a_port_that_is_taken_is_named_before_anything_is_made(host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = host.run("serve", "--port", "0", SCELLE_METRICS_PORT=port, SCELLE_DATA=str(host.data))
    assert refused.returncode == 6
    assert f"port {port} of 127.0.0.1 is in use" in refused.stderr
    assert not host.data.exists()
