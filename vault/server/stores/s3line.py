"""The line to an S3 service: the one home of ``urllib3``."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from vault.server.ports import StoreUnavailableError
from vault.server.stores.s3answers import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = BaseHTTPResponse
LineError = HTTPError
"""What a line raises, beside `OSError`."""

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
"""How long the service may be silent, while it is sent to and while it answers."""

_LINES: Final = 32
_PIECE: Final = 256 * 1024


class UntrustedFileError(StoreUnavailableError):
    """No certificates can be read from the file that names whom to trust."""


class Place(NamedTuple):
    """Where the objects are, and who may reach them.

    Attributes:
        host: name and port of the service.
        secure: whether it is spoken to over TLS.
        bucket: its name.
        region: what requests are signed for.
        access_key: who asks; empty for a stranger.
        secret_key: with it.
        ca_file: a file of certificates to trust in the place of the system's.
        virtual_host: whether the bucket's name belongs into the host's; None: as the service is known for.
    """

    host: str
    secure: bool
    bucket: str
    region: str
    access_key: str
    secret_key: str
    ca_file: str | None = None
    virtual_host: bool | None = None

    def __repr__(self) -> str:
        return f"Place({self.bucket!r}, <redacted>)"


class Body:
    """Bytes of an object while they arrive.

    Attributes:
        left: how many are still to come.
        total: the length of the whole object.
    """

    def __init__(self, response: Answer, left: int, total: int) -> None:
        self._response = response
        self.left = left
        self.total = total

    def read(self, most: int) -> bytes:
        """Return the next bytes, at most so many; fewer than are left is a line that was cut.

        Raises:
            StoreUnavailableError.
        """
        wanted = min(most, self.left)
        data: bytes = self._receive(wanted)
        if len(data) != wanted:
            raise TransientError("the object store cut its answer short")
        self.left -= wanted
        return data

    def stop(self) -> None:
        """Let a read that another thread waits for end at once."""
        try:
            self._response.shutdown()
        except (HTTPError, OSError, ValueError, RuntimeError):
            return  # it ended by itself

    def close(self) -> None:
        """Give the connection back, or close it where more would come."""
        if self.left:
            self._response.close()
        self._response.release_conn()

    def _receive(self, wanted: int) -> bytes:
        try:
            received: bytes = self._response.read(wanted, decode_content=False)
        except (HTTPError, OSError):
            raise TransientError("the object store broke off") from None
        return received


class _PatientConnection(HTTPConnection):
    """Sends in pieces: the time-out of a socket counts for all that one call sends."""

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(ANSWER_SECONDS)

    def send(self, data: Any) -> None:
        _send_pieces(super().send, data)


class _PatientSecureConnection(HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(ANSWER_SECONDS)

    def send(self, data: Any) -> None:
        _send_pieces(super().send, data)


def _send_pieces(send: Callable[[Any], None], data: Any) -> None:
    view = memoryview(data)
    for start in range(0, len(view), _PIECE):
        send(view[start : start + _PIECE])


class _Connections(HTTPConnectionPool):
    ConnectionCls = _PatientConnection


class _SecureConnections(HTTPSConnectionPool):
    ConnectionCls = _PatientSecureConnection


def open_line(place: Place) -> PoolManager:
    """Return a pool of lines to the place, which tries nothing again and follows nowhere.

    Raises:
        UntrustedFileError: the file of certificates cannot be used.
    """
    more: dict[str, Any] = {}
    if place.secure:
        try:
            more["ssl_context"] = ssl.create_default_context(cafile=place.ca_file)
        except OSError:
            raise UntrustedFileError("the file of certificates to trust cannot be used") from None
    pool = PoolManager(
        timeout=Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS), retries=False, maxsize=_LINES, **more
    )
    pool.pool_classes_by_scheme = {"http": _Connections, "https": _SecureConnections}
    return pool
