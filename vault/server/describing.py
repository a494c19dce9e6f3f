"""The description of the interface, printed once."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from vault.api.routes import ROUTES
from vault.server import openapi, page


class Description(NamedTuple):
    """OpenAPI document and page, UTF-8."""

    openapi: bytes
    page: bytes


def server_version() -> str:
    """Return the version of what is installed."""
    try:
        return version("scelle")
    except PackageNotFoundError:
        return "0"


@cache
def describe() -> Description:
    """Return the description of the route table."""
    document = openapi.document(ROUTES, version=server_version())
    return Description(
        json.dumps(document, ensure_ascii=False, indent=1).encode(), page.render(document).encode()
    )
