"""What people do with the registered devices: the same beside a running agent and without one."""

import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.asked import answered, text_of
from fieldlink.edge.device_api.access import agent_secret, write_mosquitto_files
from fieldlink.edge.device_api.broker import kept_ports
from fieldlink.edge.device_api.certificate import DeviceCa
from fieldlink.edge.device_api.credentials import Credentials, pin_text
from fieldlink.edge.device_api.registry import Registry
from fieldlink.edge.device_api.settings import DeviceApiSettings, split_device_url

__all__ = ["DeviceDesk", "kit_addresses", "open_ca"]

_Answer = dict[str, Any]


def kit_addresses() -> list[str]:
    """This machine's IP addresses that others may reach it by, IPv4 first."""
    found = [
        (address.family != socket.AF_INET, address.address.partition("%")[0])
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in (socket.AF_INET, socket.AF_INET6)
    ]
    useless = ("127.", "::1", "fe80:", "169.254.")
    return [address for _, address in sorted(found) if not address.startswith(useless)]


def open_ca(settings: DeviceApiSettings, folder: Path) -> DeviceCa:
    """The kit's device CA, with a certificate for the addresses that it has now.

    Raises:
        ConfigError: a file is damaged.
        OSError: one cannot be written.
    """
    told = [settings.address] if settings.address else []
    now_us = time.time_ns() // 1000
    return DeviceCa.open(folder, now_us=now_us, addresses=[*told, *kit_addresses()])


class DeviceDesk:
    """Adds, removes and lists devices. Each method raises ConfigError or OSError."""

    def __init__(self, settings: DeviceApiSettings, registry: Registry) -> None:
        self._settings, self._registry = settings, registry

    @property
    def commands(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[_Answer]]]:
        """For the control socket: the same names as the methods, with "device-" before them."""
        found = {"add": self.add, "remove": self.remove, "list": self.list}
        return {f"device-{name}": partial(answered, method) for name, method in found.items()}

    def add(self, asked: Mapping[str, Any]) -> _Answer:
        """Register the device `name` of `kind`, or give it a new password."""
        name, kind = text_of(asked, "name"), text_of(asked, "kind")
        dji = text_of(asked, "dji") if asked.get("dji") else None
        self._registry.refresh()
        known = name in self._registry.devices
        port, tls, ca = self._listener(plain=dji is not None)
        password = self._registry.add(name, kind, dji)
        self._tell_foreign()
        made = Credentials(
            host=str(asked.get("host") or self._host()),
            port=port,
            tls=tls,
            name=name,
            password=password,
        )
        said = f"{name} has a new password" if known else f"{name} is registered"
        ca_text = ca.ca.read_text(encoding="ascii") if ca else None
        return {"ok": True, "said": said, "device": {**made.as_json(), "kind": kind, "ca": ca_text}}

    def remove(self, asked: Mapping[str, Any]) -> _Answer:
        """Put the device `name` out; its connections are cut."""
        name = text_of(asked, "name")
        self._registry.remove(name)
        self._tell_foreign()
        return {"ok": True, "said": f"{name} is removed"}

    def list(self, _asked: Mapping[str, Any]) -> _Answer:
        """Every registered device."""
        self._registry.refresh()
        devices = [
            {
                "name": device.name,
                "kind": device.kind,
                "added_us": device.added_us,
                **({"dji": device.dji} if device.dji else {}),
            }
            for device in sorted(self._registry.devices.values(), key=lambda one: one.name)
        ]
        return {"ok": True, "enabled": self._settings.enabled, "devices": devices}

    def _listener(self, *, plain: bool) -> tuple[int, str | None, DeviceCa | None]:
        """Port, how TLS is known, and the kit's CA, for a device's credentials; `plain`: without
        TLS, for one that cannot know the kit's own CA.
        """
        settings, folder = self._settings, self._registry.folder
        if settings.url is not None:
            tls, _, port = split_device_url(settings.url)
            return port, "ca" if tls else None, None
        ports = kept_ports(settings, folder)
        if plain and False not in ports:
            raise ConfigError(
                "DJI Pilot 2 does not know the kit's CA: set plain = true in [device_api] "
                "大疆遥控器只能用明文端口：请设 plain = true"
            )
        if True in ports and not plain:
            ca = open_ca(settings, folder)
            return ports[True], pin_text(ca.pin), ca
        return ports.get(False, settings.port), None, None

    def _host(self) -> str:
        settings = self._settings
        if settings.address is not None:
            return settings.address
        if settings.url is not None:
            return split_device_url(settings.url)[1]
        if settings.host not in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
            return settings.host
        return next(iter(kit_addresses()), "127.0.0.1")

    def _tell_foreign(self) -> None:
        if self._settings.url is not None:
            folder = self._registry.folder
            devices = self._registry.devices.values()
            write_mosquitto_files(folder, devices, agent_secret(folder))
