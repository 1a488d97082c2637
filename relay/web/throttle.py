"""How often one address may get a password wrong."""

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable

__all__ = ["LoginThrottle"]

_MAX_ADDRESSES = 4096


class LoginThrottle:
    """Allows `attempts` tries from one address in `window_s`; success forgives them.

    A try counts before the password is looked at, so that many at once count too. At most 4,096
    addresses are remembered, the stalest forgotten first; an IPv6 /64 is one address. Used on
    the event loop only.
    """

    def __init__(self, attempts: int, window_s: float, monotonic: Callable[[], float]) -> None:
        self._attempts = attempts
        self._window_s = window_s
        self._monotonic = monotonic
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until `address` may try again: 0.0 means now, and counts as a try."""
        key, now = _network(address), self._monotonic()
        tries = self._tries.setdefault(key, deque(maxlen=self._attempts))
        self._tries.move_to_end(key)
        while len(self._tries) > _MAX_ADDRESSES:
            self._tries.popitem(last=False)
        while tries and now - tries[0] >= self._window_s:
            tries.popleft()
        if len(tries) >= self._attempts:
            return self._window_s - (now - tries[0])
        tries.append(now)
        return 0.0

    def forgive(self, address: str) -> None:
        """Forget the tries of `address`: its password was right."""
        self._tries.pop(_network(address), None)


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
