"""A server's host: the real command, in processes of its own, forked from one that has it loaded already."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from tests.crash.processes import Nursery

SCELLE = Path(sys.executable).with_name("scelle")
PATIENCE = 30
"""Seconds after which a test gives up; nothing here takes as long."""
_LOCK = threading.Lock()
"""Held while something is ordered: tests start servers from several threads."""


@cache
def _nursery() -> Nursery:
    """Return the one of this process; it ends when this process does."""
    return Nursery()


def _order(what: dict[str, object], *descriptors: int) -> dict[str, int]:
    with _LOCK:
        return _nursery().order(what, *descriptors)


class Child:
    """One ``scelle WORDS``, as `subprocess.Popen` has it."""

    def __init__(self, words: tuple[str | Path, ...], environment: dict[str, str], folder: Path) -> None:
        out, said = os.pipe()
        errors, complained = os.pipe()
        order = {
            "words": [str(word) for word in words],
            "folder": str(folder),
            "environment": environment,
            "watch": None,
            "hurry": {},
        }
        self.pid = _order(order, said, complained)["pid"]
        for descriptor in (said, complained):
            os.close(descriptor)
        self.stdout = os.fdopen(out, encoding="utf-8")
        self.stderr = os.fdopen(errors, encoding="utf-8")
        self._end = os.pidfd_open(self.pid)
        self._code: int | None = None

    def send_signal(self, number: signal.Signals) -> None:
        if self._code is None:
            _order({"kill": self.pid, "signal": int(number)})

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float = PATIENCE) -> int:
        if self._code is None:
            if not select.select([self._end], [], [], seconds)[0]:
                raise TimeoutError(self.pid)
            self._code = _order({"wait": self.pid})["code"]
            os.close(self._end)
        return self._code


class Host:
    """Runs commands in one folder, and ends every server that a test leaves behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.servers: list[Server] = []

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **more}

    def run(self, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        child = Child(words, self.environment(**variables), self.folder)
        with child.stdout, child.stderr, ThreadPoolExecutor(1) as reader:
            errors = reader.submit(child.stderr.read)
            stdout = child.stdout.read()
            return subprocess.CompletedProcess(words, child.wait(), stdout, errors.result())

    def create_admin(self, name: str, *words: str) -> dict[str, object]:
        done = self.run("admin", "create", name, "--data", self.data, "--json", *words)
        assert done.returncode == 0, done.stderr
        made: dict[str, object] = json.loads(done.stdout)
        return made

    def serve(self, *words: str | Path, **variables: str) -> Server:
        """Start a server on a free port and wait until it listens."""
        given = words if "--data" in words or variables else ("--data", self.data, *words)
        words = ("serve", "--port", "0", "--json", *given)
        server = Server(Child(words, self.environment(**variables), self.folder))
        self.servers.append(server)
        server.wait_until_it_listens()
        return server

    def start_for_people(self) -> subprocess.Popen[str]:
        """Start a server that prints for people, from the installed script; the caller ends it."""
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

    def __init__(self, process: Child) -> None:
        self.process = process
        self.announced: dict[str, str] = {}
        self._errors: list[str] = []
        self._reader = threading.Thread(target=self._read_errors)
        self._reader.start()

    def wait_until_it_listens(self) -> None:
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
        self.process.stdout.close()
        self.process.stderr.close()

    def _read_errors(self) -> None:
        for line in self.process.stderr:
            self._errors.append(line)
