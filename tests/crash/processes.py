"""Servers that may die: started by the nursery, told apart by what they were acknowledged to have done."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.house import ROOT

PATIENCE = 60
"""Seconds after which a test gives up; nothing here takes as long."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


class Nursery:
    """The process that forks all others; it ends them when it is left."""

    def __init__(self) -> None:
        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                [sys.executable, "-m", "tests.crash.nursery", str(its.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                start_new_session=True,
            )
        self._line = ours
        self._living: set[Process] = set()

    def close(self) -> None:
        """End what a failed test left behind, and then the nursery."""
        for process in list(self._living):
            process.kill()
        self._line.close()
        self._process.wait(PATIENCE)

    def order(self, what: dict[str, Any], *descriptors: int) -> dict[str, int]:
        data = json.dumps(what).encode()
        if descriptors:
            socket.send_fds(self._line, [data], list(descriptors))
        else:
            self._line.sendall(data)
        answer: dict[str, int] = json.loads(self._line.recv(65_536))
        return answer

    def start(self, folder: Path, words, variables=None, watch=None, hurry=None) -> "Process":
        """Start ``scelle WORDS`` in ``folder``, which keeps what it writes to stderr.

        Args:
            folder: made where it is not there.
            words: what is typed.
            variables: of its environment.
            watch: what failpoints do there, see `tests.crash.nursery.Watch`.
            hurry: seconds for constants of the product's modules, by their full names.
        """
        folder.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        errors = folder / "stderr"
        with errors.open("ab") as file:
            order = {
                "words": [str(word) for word in words],
                "folder": str(folder),
                "environment": {
                    "PATH": os.environ["PATH"],
                    "HOME": str(folder),
                    "LC_ALL": "C.UTF-8",
                    **(variables or {}),
                },
                "watch": watch,
                "hurry": hurry or {},
            }
            pid = self.order(order, writing, file.fileno())["pid"]
        os.close(writing)
        process = Process(self, pid, reading, errors)
        self._living.add(process)
        return process

    def forget(self, process: "Process") -> None:
        self._living.discard(process)

    async def run(self, folder: Path, words, variables=None) -> Ended:
        """Run ``scelle WORDS`` to its end."""
        process = self.start(folder, words, variables)
        stdout = await process.rest()
        return Ended(process.wait(), stdout, process.errors.read_text())

    async def serve(self, folder: Path, words, variables=None, watch=None, hurry=None) -> "Process":
        """Start a server on a free port and wait until it listens."""
        given = ["serve", "--port", "0", "--json", *words]
        process = self.start(folder, given, variables, watch, hurry)
        try:
            await process.listen()
        except BaseException:
            process.kill()
            raise
        return process


class Process:
    """One process; whatever it prints arrives here, and so does its end."""

    def __init__(self, nursery: Nursery, pid: int, stdout: int, errors: Path) -> None:
        self.pid = pid
        self.errors = errors
        self.announced: dict[str, str] = {}
        self.code: int | None = None
        self._nursery = nursery
        self._stdout = stdout
        self._reader: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None

    @property
    def url(self) -> str:
        return self.announced["url"]

    async def _open(self) -> asyncio.StreamReader:
        if self._reader is None:
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader()
            self._transport, _ = await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._stdout, "rb", buffering=0)
            )
            self._reader = reader
        return self._reader

    async def listen(self) -> None:
        reader = await self._open()
        async with asyncio.timeout(PATIENCE):
            line = await reader.readline()
        assert line, self.errors.read_text()
        self.announced = json.loads(line)

    async def rest(self) -> str:
        """Wait for its end, and return what it printed until then."""
        reader = await self._open()
        async with asyncio.timeout(PATIENCE):
            printed = await reader.read()
        return printed.decode()

    async def death(self) -> int:
        """Wait until it is gone, and return how: what killed it as a negative number."""
        await self.rest()
        return self.wait()

    def wait(self) -> int:
        if self.code is None:
            self.code = self._nursery.order({"wait": self.pid})["code"]
            self._nursery.forget(self)
            if self._transport is not None:
                self._transport.close()
            else:
                os.close(self._stdout)
        return self.code

    def tell(self, number: signal.Signals) -> None:
        if self.code is None:
            self._nursery.order({"kill": self.pid, "signal": int(number)})

    def kill(self) -> None:
        """End it at once, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            self.tell(signal.SIGKILL)
        self.wait()

    async def stop(self) -> int:
        """End it as an operator would."""
        self.tell(signal.SIGTERM)
        return await self.death()
