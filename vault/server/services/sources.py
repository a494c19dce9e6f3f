"""Where a request comes from, also where a proxy of ours stands in between."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sources:
    """Believes in ``X-Forwarded-For`` what proxies of ours wrote into it, and nothing else."""

    def __init__(self, proxies: str) -> None:
        """Take the addresses and networks of the proxies, with commas between.

        Raises:
            ValueError: one is neither.
        """
        try:
            self._proxies = [ip_network(one.strip()) for one in proxies.split(",") if one.strip()]
        except ValueError:
            raise ValueError("this is not a list of addresses and networks") from None

    def of(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return the address that a request comes from.

        Each proxy adds the address that it was reached from at the end, so the list is read from there, as
        far as those who wrote it are known.

        Args:
            peer: address of whoever is connected.
            forwarded: values of the header, in order.
        """
        told = [entry.strip() for value in forwarded for entry in value.split(",")]
        source = peer
        while told and self._is_ours(source):
            try:
                source = str(ip_address(told.pop()))
            except ValueError:
                break
        return source

    def _is_ours(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)
