"""The centre's configuration: one TOML file, docs/relay.sample.toml says everything about it."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import Settings, load_settings
from fieldlink.relay.broker.settings import BrokerSettings
from fieldlink.relay.outlets.settings import MqttOutSettings, WebhookSettings
from fieldlink.relay.pki.settings import PkiSettings
from fieldlink.relay.receiver.settings import ReceiverSettings
from fieldlink.relay.web.map_settings import MapSettings
from fieldlink.relay.web.settings import WebSettings

__all__ = ["DEFAULT_CONFIG", "RelaySettings", "load_relay_settings"]

DEFAULT_CONFIG = Path("/etc/fieldlink/relay.toml")
_MAX_WEBHOOKS = 16
_WITH_PASSWORD = re.compile(r"^[^:]+://[^/@]*:[^/@]*@")


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("write an absolute path, beginning with /")
    return path


def _without_password(url: str) -> str:
    if _WITH_PASSWORD.match(url):
        raise ValueError(
            "a password does not belong in the file; use ~/.pgpass, PGPASSFILE or PGPASSWORD"
        )
    if "://" not in url:
        raise ValueError("write a database's URL, like postgresql://user@host/fieldlink")
    return url


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("use printable characters only")
    return text


Folder = Annotated[Path, AfterValidator(_absolute), PlainSerializer(str)]


class RelaySettings(Settings):
    """The whole file."""

    state_dir: Folder = Field(
        default=Path("/var/lib/fieldlink-relay"),
        description="Folder for everything the centre keeps: its CA, its catalogue and, unless "
        "set otherwise, its archive.",
    )
    name: Annotated[str, AfterValidator(_printable)] = Field(
        default="centre",
        min_length=1,
        max_length=64,
        description="The centre's name as kits and pages show it, 1 to 64 characters.",
    )
    archive_dir: Folder | None = Field(
        default=None,
        description="Folder of the archive, the same disk for all of it. Without it: archive in "
        "state_dir.",
    )
    catalogue_url: Annotated[str, AfterValidator(_without_password)] | None = Field(
        default=None,
        description="URL of the catalogue's database, like postgresql://user@host/fieldlink; its "
        "password comes from PGPASSFILE. Without a URL: catalogue.sqlite in state_dir.",
    )
    broker: BrokerSettings = Field(default=BrokerSettings(), description="The broker.")
    receiver: ReceiverSettings = Field(default=ReceiverSettings(), description="The receiver.")
    pki: PkiSettings = Field(default=PkiSettings(), description="The certificates.")
    web: WebSettings = Field(default=WebSettings(), description="The HTTP API and the page.")
    map: MapSettings = Field(
        default=MapSettings(), description="What lies below the devices on the page's map."
    )

    webhook: tuple[WebhookSettings, ...] = Field(
        default=(), description="Who is told of alarms, at most 16."
    )
    mqtt_out: MqttOutSettings = Field(
        default=MqttOutSettings(), description="Updates over MQTT for another system."
    )

    @model_validator(mode="after")
    def _webhooks_differ(self) -> Self:
        names = [each.name for each in self.webhook]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two webhooks have the name {twice[0]}; give each its own")
        if len(names) > _MAX_WEBHOOKS:
            raise ValueError(f"there are {len(names)} webhooks; at most {_MAX_WEBHOOKS} can be")
        return self

    @property
    def archive_root(self) -> Path:
        """The archive's folder."""
        return self.archive_dir or self.state_dir / "archive"

    @property
    def catalogue_path(self) -> Path:
        """The embedded catalogue's file."""
        return self.state_dir / "catalogue.sqlite"


def load_relay_settings(path: Path | None) -> RelaySettings:
    """The settings in `path`; without one those in /etc/fieldlink/relay.toml, or the defaults.

    Raises:
        ConfigError: one line for each fault, "file: key = value: rule".
    """
    if path is None:
        if not DEFAULT_CONFIG.exists():
            return RelaySettings()
        path = DEFAULT_CONFIG
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not TOML: it is not UTF-8 text") from error
    return load_settings(RelaySettings, text, str(path))
