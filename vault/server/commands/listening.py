"""Listening sockets: bound before the server is built, because its name holds the port."""

from __future__ import annotations

import errno
import os
import socket
from gettext import gettext as _
from typing import Final

from vault.server.commands.style import ConflictProblem, HostProblem, SettingsProblem

_BACKLOG: Final = 128


def listen(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for every address that ``host`` stands for, all on one port.

    Args:
        host: name or address of this machine.
        port: 0 takes a free one.

    Raises:
        HostProblem: the port is in use, or the address is not this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise SettingsProblem(_("{host}: this is no address").format(host=host)) from None
    opened: list[socket.socket] = []
    absent: OSError | None = None
    try:
        for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
            try:
                one = socket.create_server((address[0], port, *address[2:]), family=family, backlog=_BACKLOG)
            except OSError as error:
                # "localhost" also stands for ::1, which not every machine has.
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                absent = error
            else:
                opened.append(one)
                port = one.getsockname()[1]
        if not opened and absent is not None:
            raise absent
    except OSError as error:
        for one in opened:
            one.close()
        raise _refused(error, host, port) from None
    return opened


def _refused(error: OSError, host: str, port: int) -> HostProblem:
    if error.errno == errno.EADDRINUSE:
        return ConflictProblem(
            _("port {port} of {host} is in use; choose another one, or --port 0 for a free one").format(
                port=port, host=host
            )
        )
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return HostProblem(
        _("cannot listen on {host}, port {port}: {reason}").format(host=host, port=port, reason=reason)
    )
