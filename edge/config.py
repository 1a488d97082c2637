"""The kit's configuration: one TOML file, every value checked, every fault one line."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError, ConfigError
from fieldlink.codecs.settings import Settings, load_settings
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.clock.settings import ClockSettings
from fieldlink.edge.cot.settings import CotSettings
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.dji.settings import DjiSettings
from fieldlink.edge.drone.settings import DroneSettings
from fieldlink.edge.gnss.settings import GnssSettings
from fieldlink.edge.jt808.settings import Jt808Settings
from fieldlink.edge.sensors.settings import SensorSettings, check_sensors
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.url import is_whip
from fieldlink.edge.spool.settings import SpoolSettings
from fieldlink.edge.telemetry.settings import TelemetrySettings
from fieldlink.edge.whip.settings import WhipSettings

__all__ = ["DEFAULT_CONFIG", "EdgeSettings", "load_edge_settings"]

DEFAULT_CONFIG = Path("/etc/fieldlink/edge.toml")
_MAX_CONFIG_BYTES = 1_000_000
_MAX_BEARERS = 8


def _kit(text: str) -> str:
    try:
        return check_name("kit", text)
    except CodecError as error:
        raise ValueError(error.detail) from error


class EdgeSettings(Settings):
    """Everything that can be set on a kit."""

    kit: Annotated[str, AfterValidator(_kit)] | None = Field(
        default=None,
        description="The kit's name: 1 to 32 of a-z, 0-9, _ and -. Needed only on a kit that "
        "records before it has joined a centre; joining gives the name that counts.",
    )
    state_dir: Path = Field(
        default=Path("/var/lib/fieldlink-edge"),
        description="The folder of the kit's identity and spool; the agent makes it.",
    )
    spool: SpoolSettings = Field(
        default=SpoolSettings(), description="How much disk the spool may use."
    )
    capture: CaptureSettings = Field(
        default=CaptureSettings(), description="What is made of every camera's pictures."
    )
    device: tuple[DeviceSettings, ...] = Field(
        default=(), description="The devices attached to the kit."
    )
    jt808: Jt808Settings = Field(
        default=Jt808Settings(), description="Terminals that speak JT/T 808."
    )
    sensor: tuple[SensorSettings, ...] = Field(
        default=(),
        max_length=250,
        description="Stations that measure: rain, level, displacement, gas.",
    )
    device_api: DeviceApiSettings = Field(
        default=DeviceApiSettings(), description="How devices around the kit speak to it, by MQTT."
    )
    dji: DjiSettings = Field(
        default=DjiSettings(), description="DJI aircraft by their remote controllers and docks."
    )
    drone: DroneSettings = Field(
        default=DroneSettings(), description="Aircraft that speak MAVLink, and ground stations."
    )
    whip: WhipSettings = Field(
        default=WhipSettings(), description="Video that publishers push to the kit by WHIP."
    )
    gnss: GnssSettings = Field(
        default=GnssSettings(), description="The kit's own receiver: where it is, and what time."
    )
    cot: CotSettings = Field(
        default=CotSettings(), description="TAK programs near the kit: see them, be seen by them."
    )
    clock: ClockSettings = Field(
        default=ClockSettings(), description="What the kit's clock is measured against."
    )
    bearer: tuple[BearerSettings, ...] = Field(
        default=(BearerSettings(),),
        description="The ways to the centre, 1 to 8; they work at once.",
    )

    telemetry: TelemetrySettings = Field(
        default=TelemetrySettings(),
        description="What is done with positions, vitals and readings.",
    )

    @model_validator(mode="after")
    def _some_bearers(self) -> Self:
        if not 1 <= len(self.bearer) <= _MAX_BEARERS:
            raise ValueError(f"there are {len(self.bearer)} bearers; 1 to {_MAX_BEARERS} can be")
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for kind, items in (
            ("devices", self.device),
            ("bearers", self.bearer),
            ("sensors", self.sensor),
        ):
            names = [item.name for item in items]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {kind} have the name {twice[0]}; give each its own")
        return self

    @model_validator(mode="after")
    def _sensors_fit(self) -> Self:
        taken = {device.name for device in self.device} & {one.name for one in self.sensor}
        if taken:
            raise ValueError(f"a device and a sensor are called {min(taken)}; give each its own")
        check_sensors(self.sensor)
        return self

    @model_validator(mode="after")
    def _speakers_differ(self) -> Self:
        sensors = {one.name for one in self.sensor}
        terminals = {one.name for one in self.jt808.terminal if one.name}
        aircraft = {one.name for one in self.drone.vehicle}
        for what, twice in (
            ("a sensor and a JT/T 808 terminal", sensors & terminals),
            ("a sensor and an aircraft", sensors & aircraft),
            ("a JT/T 808 terminal and an aircraft", terminals & aircraft),
        ):
            if twice:
                raise ValueError(
                    f"{what} are called {min(twice)}; give each its own name, or their "
                    "measurements would be those of one device"
                )
        return self

    @property
    def speakers(self) -> dict[str, str]:
        """Who measures under a name that the file gives, with the table that names it."""
        terminals = {one.name: "[[jt808.terminal]]" for one in self.jt808.terminal if one.name}
        aircraft = {one.name: "[[drone.vehicle]]" for one in self.drone.vehicle}
        return {**terminals, **aircraft, **{one.name: "[[sensor]]" for one in self.sensor}}

    @model_validator(mode="after")
    def _dji_has_a_broker(self) -> Self:
        api = self.device_api
        if self.dji.enabled and not (api.enabled and (api.plain or api.url)):
            raise ValueError(
                "[dji] needs enabled = true and plain = true (or a url) in [device_api]: its "
                "controllers come to that broker"
            )
        return self

    @model_validator(mode="after")
    def _whip_listens(self) -> Self:
        pushed = [one.name for one in self.device if is_whip(one.url)]
        if pushed and not self.whip.enabled:
            raise ValueError(f"the device {pushed[0]} waits for WHIP; set enabled = true in [whip]")
        if (
            self.dji.enabled
            and self.dji.live == "whip"
            and not (self.whip.enabled and self.whip.plain)
        ):
            raise ValueError(
                '[dji] with live = "whip" needs enabled = true and plain = true in [whip]: its '
                "controllers know no CA of the kit"
            )
        return self

    @property
    def identity_dir(self) -> Path:
        """Where the identity is."""
        return self.state_dir / "identity"

    @property
    def spool_dir(self) -> Path:
        """Where the spool is."""
        return self.state_dir / "spool"

    @property
    def bearers_dir(self) -> Path:
        """Where the bearers keep what they used of their budgets."""
        return self.state_dir / "bearers"

    @property
    def device_api_dir(self) -> Path:
        """Where the devices that may speak to the kit are registered, and its broker's files."""
        return self.state_dir / "device-api"

    @property
    def whip_dir(self) -> Path:
        """Where the tokens of publishers are kept, as hashes."""
        return self.state_dir / "whip"

    @property
    def marks_path(self) -> Path:
        """Where bookmarks set on the kit are."""
        return self.state_dir / "marks.json"

    @property
    def control_path(self) -> Path:
        """Where the running agent listens for commands."""
        return self.state_dir / "control.sock"


def load_edge_settings(path: Path | None) -> EdgeSettings:
    """The settings in the file at `path`; without a path those in /etc/fieldlink/edge.toml, or
    the defaults if there is no such file.

    Raises:
        ConfigError: the file is missing or unreadable, or one line for each fault in it.
    """
    found = path or DEFAULT_CONFIG
    try:
        with found.open("rb") as file:
            raw = file.read(_MAX_CONFIG_BYTES + 1)
        text = raw.decode("utf-8")
    except FileNotFoundError as error:
        if path is None:
            return EdgeSettings()
        raise ConfigError(f"{found}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{found}: cannot be read as text: {error}") from error
    if len(raw) > _MAX_CONFIG_BYTES:
        raise ConfigError(f"{found}: over {_MAX_CONFIG_BYTES} bytes; this is no configuration")
    settings = load_settings(EdgeSettings, text, str(found))
    return settings.model_copy(update={"state_dir": _absolute(settings.state_dir, found)})


def _absolute(state_dir: Path, config: Path) -> Path:
    # A relative path in a file is relative to the file, whoever starts the agent from wherever.
    return state_dir if state_dir.is_absolute() else (config.parent / state_dir).resolve()
