"""Settings of the device API."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from fieldlink.codecs.settings import Settings

__all__ = ["DeviceApiSettings", "split_device_url"]

_URL = re.compile(r"(mqtts?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?/?")


def split_device_url(text: str) -> tuple[bool, str, int]:
    """Whether TLS, host and port of "mqtt://host[:port]" or "mqtts://host[:port]".

    Raises:
        ValueError: it is not such a URL.
    """
    match = _URL.fullmatch(text)
    tls = match is not None and match[1] == "mqtts"
    port = int(match[3] or (8883 if tls else 1883)) if match else 0
    if match is None or not 0 < port < 65536:
        raise ValueError("write mqtt://host:port or mqtts://host:port")
    return tls, match[2].strip("[]"), port


def _checked_url(text: str) -> str:
    split_device_url(text)
    return text


class DeviceApiSettings(Settings):
    """The device API. In a file: `[device_api]`."""

    enabled: bool = Field(
        default=False, description="Whether devices around the kit may speak to it over MQTT."
    )
    host: str = Field(
        default="0.0.0.0",  # noqa: S104  # devices come from outside
        pattern=r"^[0-9A-Fa-f.:]{2,45}$",
        description="IP address the kit's own broker listens on; 0.0.0.0 is every IPv4 address.",
    )
    tls: bool = Field(default=True, description="Listen with TLS, on tls_port.")
    tls_port: int = Field(
        default=8883, ge=0, le=65535, description="Its TCP port; 0 takes a free one and keeps it."
    )
    plain: bool = Field(
        default=False,
        description="Listen without TLS as well, on port: passwords go in clear over the radio.",
    )
    port: int = Field(
        default=1883, ge=0, le=65535, description="Its TCP port; 0 takes a free one and keeps it."
    )
    address: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.:-]{1,253}$",
        description="Host name or IP address that devices are told; without it, the kit's own.",
    )
    url: Annotated[str, AfterValidator(_checked_url)] | None = Field(
        default=None,
        description="A broker that somebody else runs, mqtt://host:port or mqtts://host:port, "
        "with the kit's password file and access list (docs/devices.md).",
    )
    ca: Path | None = Field(
        default=None,
        description="PEM file of the CA that signed that broker's certificate; without it, those "
        "that the system trusts.",
    )
    max_connections: int = Field(
        default=512, ge=8, le=4096, description="Connections of devices at once, 8 to 4096."
    )

    @model_validator(mode="after")
    def _some_listener(self) -> Self:
        if self.enabled and self.url is None and not (self.tls or self.plain):
            raise ValueError("tls and plain are both off: turn one on, or set url")
        return self
