"""DJI aircraft by their remote controllers and docks. In a file: `[dji]`."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import Settings, Size, load_settings

__all__ = ["AppKeys", "DjiSettings", "UploadSettings", "load_keys"]

_KEYS_FILE = "dji-app.toml"
_MAX_KEYS_BYTES = 10_000


class UploadSettings(Settings):
    """Originals that controllers and docks bring to the kit. In a file: `[dji.uploads]`."""

    enabled: bool = Field(
        default=True, description="Whether the kit takes photos and videos in, as an S3 store."
    )
    port: int = Field(default=9000, ge=1, le=65535, description="The TCP port of that store.")
    provider: Literal["minio", "aws"] = Field(
        default="minio",
        description="What controllers are told that it is, for they differ in what they can.",
    )
    auto: Literal["none", "photos", "all"] = Field(
        default="photos",
        description="What Pilot 2 brings by itself: it stops live video while it fetches a video "
        "from the aircraft.",
    )
    largest: Size = Field(
        default=8_000_000_000,
        ge=1_000_000,
        description="The largest file that is taken in; DJI cuts videos at 4GB.",
    )
    room: Size = Field(
        default=16_000_000_000,
        ge=1_000_000,
        description="Most bytes of files that are not whole yet, beside the spool.",
    )


class DjiSettings(Settings):
    """The kit as the cloud of DJI Pilot 2 and Dock."""

    enabled: bool = Field(
        default=False,
        description="Whether DJI gateways are served; register them with fieldlink edge device "
        "add NAME --kind drone --dji SERIAL. Needs [device_api] with plain = true.",
    )
    address: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.-]{1,253}$",
        description="The kit's address as the controllers reach it; without it that of "
        "[device_api], or the kit's own.",
    )
    page_host: str = Field(
        default="0.0.0.0",  # noqa: S104  # controllers come from outside
        pattern=r"^[0-9A-Fa-f.:]{2,45}$",
        description="IP address that the page for Pilot 2 is served on.",
    )
    page_port: int = Field(
        default=8090, ge=1, le=65535, description="The TCP port of that page (HTTP)."
    )
    mqtt_port: int = Field(
        default=1884,
        ge=1,
        le=65535,
        description="The TCP port that controllers speak MQTT to, in 3.1.1 or 5, on the address of "
        "[device_api]. Not used with a broker by url, which they reach directly.",
    )
    keys: Path | None = Field(
        default=None,
        description="TOML file with app_id, app_key and app_license of a DJI developer account; "
        "without it dji-app.toml in $CREDENTIALS_DIRECTORY or in the state folder.",
    )
    cameras: int = Field(
        default=1, ge=0, le=4, description="Cameras of each gateway that go live, 0 to 4."
    )
    quality: int = Field(
        default=2,
        ge=0,
        le=4,
        description="Of live video: 0 as the controller likes, 1 960x540 at 0.5 Mbit/s, 2 and 3 "
        "1280x720 at 1 and 1.5, 4 1920x1080 at 3.",
    )
    live: Literal["rtmp", "whip"] = Field(
        default="rtmp",
        description="How live video comes: rtmp, with a TCP port for each stream; or whip, all "
        "by the port of [whip] (docks know it; of controllers only new ones do).",
    )
    rtmp_port: int = Field(
        default=1935,
        ge=1024,
        le=65000,
        description="The first TCP port that video is taken in on; each stream has its own.",
    )
    streams: int = Field(
        default=4, ge=1, le=16, description="At most so many streams at once, 1 to 16."
    )
    clock_host: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.-]{1,253}$",
        description="The NTP server that docks are told; without it the kit's address.",
    )
    uploads: UploadSettings = Field(
        default=UploadSettings(), description="Originals that controllers and docks bring."
    )

    def page_url(self, host: str, name: str) -> str:
        """What is typed into Pilot 2."""
        return f"http://{self.address or host}:{self.page_port}/?name={name}"


class AppKeys(Settings):
    """What a DJI developer account gives for an app; Pilot 2 asks for it before anything else."""

    app_id: SecretStr
    app_key: SecretStr
    app_license: SecretStr

    def plain(self) -> dict[str, str]:
        """The secrets themselves."""
        return {
            "app_id": self.app_id.get_secret_value(),
            "app_key": self.app_key.get_secret_value(),
            "app_license": self.app_license.get_secret_value(),
        }


def load_keys(settings: DjiSettings, state_dir: Path) -> AppKeys | None:
    """The keys, None if there is no file of them. A file of the same name among the credentials of
    the service goes first.

    Raises:
        ConfigError: the file cannot be read or is not that.
    """
    found = settings.keys or _usual(state_dir)
    try:
        with found.open("rb") as file:
            text = file.read(_MAX_KEYS_BYTES).decode("utf-8")
    except FileNotFoundError as error:
        if settings.keys is None:
            return None
        raise ConfigError(f"{found}: there is no such file; see keys in [dji]") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{found}: cannot be read as text") from error
    try:
        return load_settings(AppKeys, text, str(found))
    except ConfigError:  # its lines quote what was written
        raise ConfigError(
            f"{found}: write app_id, app_key and app_license, each a text, and nothing else"
        ) from None


def _usual(state_dir: Path) -> Path:
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if given and (Path(given) / _KEYS_FILE).is_file():
        return Path(given) / _KEYS_FILE
    return state_dir / _KEYS_FILE
