"""An event loop whose UDP sockets have ports of a range, so that a firewall can be told them.

The ICE library takes any free port; which one is for the loop to say.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

__all__ = ["PortLoop"]


class PortLoop(asyncio.SelectorEventLoop):
    """`ports` are tried in any order for sockets that ask for no port of their own."""

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__()
        self._ports = ports

    async def create_datagram_endpoint(  # type: ignore[override]
        self, protocol_factory: Any, local_addr: Any = None, **options: Any
    ) -> Any:
        """As asyncio's.

        Raises:
            OSError: none of the ports is free.
        """
        if not self._ports or local_addr is None or local_addr[1] != 0:
            return await super().create_datagram_endpoint(protocol_factory, local_addr, **options)
        last: OSError | None = None
        for port in random.sample(self._ports, len(self._ports)):
            place = (local_addr[0], port)
            try:
                return await super().create_datagram_endpoint(protocol_factory, place, **options)
            except OSError as error:
                last = error
        raise OSError(f"no UDP port of whip.udp_ports is free on {local_addr[0]}") from last
