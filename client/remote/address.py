"""Where a service is: which URLs are taken, and which would carry secrets in the clear.

Light on purpose: the profile reads addresses too, and must not import aiohttp.
"""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from client.errors import N_, UsageProblem

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_TEMPLATES: Final = "/v1/templates/"


class Address(NamedTuple):
    """A service's URL, without a slash at its end.

    Attributes:
        url: scheme, host, port and the path below which the service lies, if any.
        origin: the same without a path: what the service signs its sign-ins for.
        loopback: whether it is this very machine.
    """

    url: str
    origin: str
    loopback: bool


def read_address(text: str, *, allow_http: bool = False) -> Address:
    """Return the address that ``text`` stands for.

    Args:
        text: such as ``https://vault.example.org`` or ``http://127.0.0.1:8080``.
        allow_http: take ``http://`` to other machines too, where something else protects the line.

    Raises:
        UsageProblem: not such a URL, or one that would send tokens and link codes in the clear.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _not_a_url(text) from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise _not_a_url(text)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageProblem(
            N_("{url}: a service's URL carries no user name, password, query or fragment"),
            # What was typed there may be a password.
            url=f"{parts.scheme}://{host}",
        )
    loopback = _is_loopback(host)
    if parts.scheme == "http" and not loopback and not allow_http:
        raise UsageProblem(
            N_(
                "{url}: without TLS anybody on the way could read and change what is sent; "
                "use https://, or set SCELLE_ALLOW_HTTP=1 where something else protects the line"
            ),
            url=text,
        )
    place = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        place += f":{port}"
    origin = f"{parts.scheme}://{place}"
    return Address(origin + parts.path.rstrip("/"), origin, loopback)


def read_link(text: str, *, allow_http: bool = False) -> tuple[Address, str]:
    """Return the service's address and the code in a template's link.

    Raises:
        UsageProblem: not such a link.
    """
    base, found, code = text.strip().partition(_TEMPLATES)
    if not found or not code or not code.replace("-", "").replace("_", "").isalnum() or not code.isascii():
        raise UsageProblem(
            N_("this is not a template's link; it looks like https://vault.example.org/v1/templates/…")
        )
    return read_address(base, allow_http=allow_http), code


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _not_a_url(text: str) -> UsageProblem:
    return UsageProblem(N_("{url}: not a service's URL; it looks like https://vault.example.org"), url=text)
