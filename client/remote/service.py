"""A Scellé service: one method for each route of ``vault.api.routes``, and nothing else.

    async with connect("https://vault.example.org", token=token) as service:
        print(await service.get_me())

What goes beyond one route (signing in, opening a dossier, depositing, fetching what is verified) stands in
the modules beside this one, as functions that take a service.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from client.remote.calls.approvals import ApprovalCalls
from client.remote.calls.dossiers import DossierCalls
from client.remote.calls.erasure import ErasureCalls
from client.remote.calls.evidence import EvidenceCalls
from client.remote.calls.journal import JournalCalls
from client.remote.calls.people import PeopleCalls
from client.remote.calls.reencryption import ReencryptionCalls
from client.remote.calls.rotation import RotationCalls
from client.remote.calls.signin import SignInCalls
from client.remote.calls.successions import SuccessionCalls
from client.remote.calls.uploads import UploadCalls
from client.remote.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client.remote.retries import Retries


class Service(
    SignInCalls,
    PeopleCalls,
    ApprovalCalls,
    DossierCalls,
    ErasureCalls,
    RotationCalls,
    ReencryptionCalls,
    SuccessionCalls,
    EvidenceCalls,
    UploadCalls,
    JournalCalls,
):
    """All calls over one `Transport`."""

    def __repr__(self) -> str:
        return f"Service({self._transport!r})"

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return self._transport.address.url

    @property
    def origin(self) -> str:
        """Scheme, host and port that it is reached at: what every sign-in is signed for."""
        return self._transport.address.origin

    @property
    def signed_in(self) -> bool:
        """Whether a token or session goes with every request."""
        return self._transport.token is not None

    def use_token(self, token: str | None) -> None:
        """Send this token or session from now on, or none."""
        self._transport.token = token


@asynccontextmanager
async def connect(
    url: str, *, token: str | None = None, allow_http: bool = False, retries: Retries | None = None
) -> AsyncIterator[Service]:
    """Give the service at ``url``; nothing is sent before the first call.

    Args:
        url: such as ``https://vault.example.org``.
        token: a service token, or that of a session.
        allow_http: take ``http://`` to other machines than this one.
        retries: how often and how patiently requests are repeated where that is safe.

    Raises:
        UsageProblem: not such a URL, or one that would carry secrets in the clear.
    """
    async with Transport(url, token=token, allow_http=allow_http, retries=retries) as transport:
        yield Service(transport)
