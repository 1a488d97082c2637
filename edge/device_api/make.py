"""The device API's adapters, from the settings."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from fieldlink.edge.device_api.adapter import DeviceApi
from fieldlink.edge.device_api.broker import ForeignBroker, Meeting, OwnBroker, kept_ports
from fieldlink.edge.device_api.desk import DeviceDesk, open_ca
from fieldlink.edge.device_api.registry import Registry
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.telemetry.ports import Intake
from fieldlink.systemd.nats import Finding

__all__ = ["make_device_api"]


def make_device_api(settings: DeviceApiSettings, folder: Path, intake: Intake) -> list[DeviceApi]:
    """One adapter for each listener of the kit's own broker, or one for that by URL; none if it is
    off. `folder` is <state_dir>/device-api.
    """
    if not settings.enabled:
        return []
    registry = Registry(folder)
    desk = DeviceDesk(settings, registry)
    if settings.url is not None:
        makers = {"device-api": partial(_foreign, settings, registry)}
    else:
        makers = {}
        if settings.tls:
            makers["device-api"] = partial(_own, settings, registry, True)
        if settings.plain:
            name = "device-api-plain" if settings.tls else "device-api"
            makers[name] = partial(_own, settings, registry, False)
    return [
        DeviceApi(name, registry, intake, make, desk, settings) for name, make in makers.items()
    ]


def _foreign(
    settings: DeviceApiSettings, registry: Registry, _found: Callable[[Finding], None]
) -> Meeting:
    return ForeignBroker(settings, registry)


def _own(
    settings: DeviceApiSettings,
    registry: Registry,
    tls: bool,
    found: Callable[[Finding], None],
) -> Meeting:
    port = kept_ports(settings, registry.folder)[tls]
    ca = open_ca(settings, registry.folder) if tls else None
    return OwnBroker(settings, registry, port, ca, found)
