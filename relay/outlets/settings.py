"""Settings of what the centre tells other systems."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer

from fieldlink.codecs.settings import Duration, Settings
from fieldlink.codecs.telemetry import AlarmKind

__all__ = ["MqttOutSettings", "WebhookSettings", "read_secret", "split_url"]

_HTTP = re.compile(r"https?://[^\s/@?#]+(?:[/?][^\s#]*)?")
_MQTT = re.compile(r"(mqtts?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?/?")
_TOPIC = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
_MAX_SECRET_BYTES = 4096


def _http(url: str) -> str:
    from httpx import (
        URL,
        InvalidURL,
    )  # here, because commands that read settings have no use for it

    rule = "write https://host/path, without a name or a password in it"
    if not _HTTP.fullmatch(url):
        raise ValueError(rule)
    try:
        port = URL(url).port
    except InvalidURL as error:
        raise ValueError(f"{rule} ({error})") from error
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{rule}; {port} is no port")
    return url


def split_url(text: str) -> tuple[bool, str, int]:
    """Whether TLS, host and port of "mqtts://host[:port]" or "mqtt://host[:port]".

    Raises:
        ValueError: it is not such a URL.
    """
    match = _MQTT.fullmatch(text)
    secure = match is not None and match[1] == "mqtts"
    port = int(match[3] or (8883 if secure else 1883)) if match else 0
    if match is None or not 0 < port < 65536:
        raise ValueError("write mqtts://host:port, or mqtt://host:port on a network of your own")
    return secure, match[2].strip("[]"), port


def _mqtt(url: str) -> str:
    split_url(url)
    return url


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text) or len(text) > 64:
        raise ValueError("write a topic of letters, digits, _ . - and /, at most 64 characters")
    return text


def read_secret(path: Path) -> bytes:
    """The secret in a file, without the end of its line.

    Raises:
        OSError: it cannot be read.
        ValueError: it is empty or too long.
    """
    with path.open("rb") as file:
        secret = file.read(_MAX_SECRET_BYTES + 1).strip()
    if not 8 <= len(secret) <= _MAX_SECRET_BYTES:
        raise ValueError("it holds no secret of 8 to 4,096 bytes")
    return secret


File = Annotated[Path, PlainSerializer(str)]


class WebhookSettings(Settings):
    """Somebody who is told of alarms. In a file: `[[webhook]]`."""

    name: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9_-]{0,22}[a-z0-9])?$",
        description="Its name: 1 to 24 of a-z, 0-9, _ and -. A new name begins with new alarms.",
    )
    url: Annotated[str, AfterValidator(_http)] = Field(
        description="Where each change of an alarm is sent, by POST: https://host/path."
    )
    secret_file: File | None = Field(
        default=None,
        description="File with the secret that messages are signed with (Standard Webhooks); "
        "without it they are not signed.",
    )
    ca_file: File | None = Field(
        default=None,
        description="File with the CA that signed its certificate; without it the system's.",
    )
    kinds: tuple[AlarmKind, ...] = Field(
        default=(), description="Only alarms of these kinds; without it all."
    )
    exercise: bool = Field(
        default=False, description="Whether alarms of an exercise are sent as well."
    )


class MqttOutSettings(Settings):
    """A broker of somebody else that updates go to. In a file: `[mqtt_out]`."""

    url: Annotated[str, AfterValidator(_mqtt)] | None = Field(
        default=None,
        description="The broker, mqtts://host:port or mqtt://host:port. Without it nothing is "
        "published.",
    )
    topic: Annotated[str, AfterValidator(_topic)] = Field(
        default="fieldlink", description="What every topic begins with."
    )
    user: str = Field(default="", max_length=128, description="Name to log in with.")
    password_file: File | None = Field(
        default=None, description="File with the password that belongs to it."
    )
    ca_file: File | None = Field(
        default=None,
        description="File with the CA that signed its certificate; without it the system's.",
    )
    every: Duration = Field(
        default=1.0,
        ge=0.2,
        le=60,
        description="At most one message a device in so long, 200ms to 1min.",
    )
