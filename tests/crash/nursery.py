"""Forks servers: one process that has imported everything, so that a start costs no import.

What it forks runs the command as somebody typed it, in an environment that is given in full. Nothing but the
order, which a test wrote, arms a failpoint or shortens a time-out; the product reads no such thing.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosqlite  # noqa: F401 - loaded before a server forks, as all of these
import asyncpg  # noqa: F401
import sqlalchemy.dialects.postgresql.asyncpg
import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401

import client.cli.online.login
import client.cli.online.rotate
import client.cli.root  # noqa: F401
import vault.server.commands.running  # noqa: F401
from client.cli.main import main
from client.cli.plugins import load_plugin
from vault.server.failpoints import Failpoint, arm
from vault.server.migrations.upgrade import expected_revision

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ORDER = 65_536


class Watch:
    """What a failpoint does in a process that was told to mind it, once the trigger file is there.

    Attributes:
        trigger: nothing happens before this file exists: starting passes failpoints too.
        kill_at: the name where the process dies at once, as by SIGKILL from outside; empty: none.
        note_in: the file where every name is written that is passed.
    """

    def __init__(self, trigger: str, kill_at: str, note_in: str) -> None:
        self.trigger = trigger
        self.kill_at = kill_at
        self.note_in = note_in

    def __call__(self, point: Failpoint) -> None:
        if not Path(self.trigger).exists():
            return
        if point.name == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.note_in:
            with Path(self.note_in).open("a") as file:
                file.write(point.name + "\n")


def _live(order: dict[str, Any], descriptors: list[int]) -> None:
    """Become the process that was ordered; never return."""
    code = 70
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in enumerate([nothing, *descriptors]):
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Those that there were know what was there before.
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        sys.stderr = os.fdopen(2, "w", buffering=1)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        if order["watch"]:
            arm(Watch(**order["watch"]))
        for name, value in order["hurry"].items():
            module, _, constant = name.rpartition(".")
            setattr(import_module(module), constant, value)
        sys.argv = ["scelle", *order["words"]]
        code = main()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - it must not return into the nursery's own loop
        traceback.print_exc()
    finally:
        os._exit(code)


def _receive(line: socket.socket) -> tuple[bytes, list[int]]:
    space = socket.CMSG_LEN(2 * array.array("i").itemsize)
    data, ancillary, _, _ = line.recvmsg(MAX_ORDER, space)
    descriptors = array.array("i")
    for _, _, item in ancillary:
        descriptors.frombytes(item)
    return data, list(descriptors)


def _tend(line: socket.socket, fork: Callable[[dict[str, Any], list[int]], int]) -> None:
    """Answer orders until the other side is gone, then end what still lives."""
    living: dict[int, bool] = {}
    while True:
        data, descriptors = _receive(line)
        if not data:
            break
        order = json.loads(data)
        if "kill" in order:
            # Not waited for yet, so the number is still its own.
            os.kill(order["kill"], order["signal"])
            answer: dict[str, int] = {}
        elif "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            living.pop(order["wait"])
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            pid = fork(order, descriptors)
            living[pid] = True
            answer = {"pid": pid}
            for descriptor in descriptors:
                os.close(descriptor)
        line.sendall(json.dumps(answer).encode())
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _main() -> None:
    # Everything of an order but its meaning is loaded now.
    expected_revision()
    load_plugin("serve")
    line = socket.socket(fileno=int(sys.argv[1]))

    def fork(order: dict[str, Any], descriptors: list[int]) -> int:
        pid = os.fork()
        if not pid:
            line.close()
            _live(order, descriptors)
        return pid

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _tend(line, fork)


if __name__ == "__main__":
    _main()
