"""What all groups of calls share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.api.routes import BY_NAME

if TYPE_CHECKING:
    from client.remote.transport import Transport
    from vault.api.route import Route


class Calls:
    """Methods named like the routes that they call; ``Service`` joins the groups.

    Every method raises `ServiceProblem` where the service refuses and `TransportProblem` where it does not
    answer; both say so themselves. Ids, key ids and seal ids are lower-case hexadecimal, as in the interface.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @staticmethod
    def _route(name: str) -> Route:
        return BY_NAME[name]
