"""Why a line to an S3 service is not secure, told apart by what an operator can do about it."""

from __future__ import annotations

import socket
import ssl
from enum import StrEnum
from typing import Final

from vault.server.ports import StoreUnavailableError

# <openssl/x509_vfy.h>
_CLOCK: Final = frozenset({9, 10})  # not yet valid, has expired
_NAME: Final = frozenset({62, 64})  # of the host, of the address

_SECONDS: Final = 5.0


class Distrust(StrEnum):
    """What is wrong, by the sentence that a log shows."""

    AUTHORITY = "the object store's certificate is not trusted"
    NAME = "the object store's certificate is for another host"
    TIME = "the object store's certificate has expired, or is not valid yet"
    NO_TLS = "the object store does not speak TLS at this port"


class DistrustedError(StoreUnavailableError):
    """Nothing was said over this line, and trying again does not help.

    Attributes:
        reason: what is wrong.
    """

    def __init__(self, reason: Distrust) -> None:
        super().__init__(reason.value)
        self.reason = reason


def distrust(error: BaseException) -> Distrust | None:
    """Return what is wrong with the TLS of a line that failed so, None where that is not why it failed."""
    found: object = error
    while isinstance(found, BaseException) and not isinstance(found, ssl.SSLError):
        # The library wraps what it was told, once or twice.
        found = found.args[-1] if found.args else None
    if isinstance(found, ssl.SSLCertVerificationError):
        if found.verify_code in _NAME:
            return Distrust.NAME
        return Distrust.TIME if found.verify_code in _CLOCK else Distrust.AUTHORITY
    if isinstance(found, ssl.SSLError) and found.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return Distrust.NO_TLS
    return None


def speaks_tls(host: str, port: int) -> bool:
    """Tell whether TLS is spoken at a port, to explain why HTTP is not understood there; this blocks."""
    context = ssl.create_default_context()
    try:
        with socket.create_connection((host, port), _SECONDS) as line:
            context.wrap_socket(line, server_hostname=host).close()
    except ssl.SSLCertVerificationError:
        return True
    except (OSError, ValueError):
        return False
    return True
