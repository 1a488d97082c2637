"""This machine's own addresses, for certificates and join codes when none are configured."""

import ipaddress
import socket

import psutil

__all__ = ["own_addresses"]

_MOST = 14


def own_addresses() -> list[str]:
    """Addresses under which others reach this machine, the likeliest first; loopback last."""
    found = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6) and _usable(entry.address)
    ]
    likely = _default_route_address()
    first = [likely] if likely else []
    others = sorted(set(found) - set(first), key=lambda text: (":" in text, text))
    return [*[*first, *others][:_MOST], "127.0.0.1", "localhost"]


def _usable(text: str) -> bool:
    # A zone ("fe80::1%eth0") means something on this machine only.
    if "%" in text:
        return False
    address = ipaddress.ip_address(text)
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def _default_route_address() -> str | None:
    """The source address of packets to elsewhere; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return address if _usable(address) else None
