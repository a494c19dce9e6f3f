"""A server's host: the real command, in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

SCELLE = Path(sys.executable).with_name("scelle")
PATIENCE = 30
"""Seconds after which a test gives up; nothing here takes as long."""


class Host:
    """Runs commands in one folder, and ends every server that a test leaves behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.servers: list[Server] = []

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **more}

    def run(self, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            [SCELLE, *words],
            env=self.environment(**variables),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def create_admin(self, name: str, *words: str) -> dict[str, object]:
        done = self.run("admin", "create", name, "--data", self.data, "--json", *words)
        assert done.returncode == 0, done.stderr
        made: dict[str, object] = json.loads(done.stdout)
        return made

    def serve(self, *words: str | Path, **variables: str) -> Server:
        """Start a server on a free port and wait until it listens."""
        given = words if "--data" in words or variables else ("--data", self.data, *words)
        process = subprocess.Popen(  # noqa: S603 - our own command
            [SCELLE, "serve", "--port", "0", "--json", *given],
            env=self.environment(**variables),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server = Server(process)
        self.servers.append(server)
        server.wait_until_it_listens()
        return server

    def start_for_people(self) -> subprocess.Popen[str]:
        """Start a server that prints for people, which the caller ends."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [SCELLE, "serve", "--port", "0", "--data", self.data],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def close(self) -> None:
        for server in self.servers:
            server.kill()


class Server:
    """One ``scelle serve``.

    Attributes:
        announced: what it printed when it listened.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.announced: dict[str, str] = {}
        self._errors: list[str] = []
        self._reader = threading.Thread(target=self._read_errors)
        self._reader.start()

    def wait_until_it_listens(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}: {''.join(self._errors)}"
        self.announced = json.loads(line)

    @property
    def url(self) -> str:
        return self.announced["url"]

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def get(self, path: str, *, token: str = "") -> dict[str, object]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 - http, on this machine
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
            found: dict[str, object] = json.loads(answer.read())
            return found

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end and return the exit code; everything it said must be a line of the log."""
        code = self.process.wait(PATIENCE)
        self._reader.join()
        assert self.process.stdout is not None
        assert self.process.stdout.read() == ""
        return code

    @property
    def log(self) -> list[dict[str, object]]:
        """What it wrote to stderr so far, line by line: everything, once it has ended."""
        return [json.loads(line) for line in self._errors]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.tell(number)
        return self.wait()

    def events(self) -> list[object]:
        return [line["event"] for line in self.log]

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors.append(line)
