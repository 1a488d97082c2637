"""What an exercise showed of telemetry: who was heard, what arrived, how fast a call was. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["DeviceResult", "SosResult", "Tally", "TelemetryResult", "summarise_telemetry"]

_MUST_MOVE = ("soldier", "vehicle", "drone")
_CALLS = ("sos", "man_down")


@dataclass(frozen=True, slots=True)
class DeviceResult:
    """One device. `age_s` is how old its newest position was at the centre while it still spoke,
    `confirmed` how many samples the kit has told it that it has (None: it is asked and hears
    nothing), `arrived` its samples at the centre, `missing` those confirmed and not there. None
    before the end.
    """

    device: str
    kind: str
    lat: float | None
    lon: float | None
    age_s: float | None
    confirmed: int | None
    arrived: int | None
    missing: int | None


@dataclass(frozen=True, slots=True)
class SosResult:
    """The call for help: `after_s` from the button to the news that every open page gets."""

    device: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts at the end: of messages `confirmed` to each device and of samples `arrived` from it
    at the centre, each once, by stream; of samples `stored` by the kit.
    """

    confirmed: Mapping[str, Mapping[str, int]]
    stored: int
    arrived: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class TelemetryResult:
    """All of it. `stored` and `arrived` count samples on the kit's disk and in the centre's
    history; None before the end."""

    devices: tuple[DeviceResult, ...]
    sos: SosResult | None
    stored: int | None
    arrived: int | None

    @property
    def positions(self) -> int:
        """Of how many devices the centre knows where they are."""
        return sum(device.lat is not None for device in self.devices)

    @property
    def newest_age_s(self) -> float | None:
        """How old the newest position was while they spoke, of the one that was heard last."""
        ages = [one.age_s for one in self.devices if one.age_s is not None]
        return min(ages, default=None)

    @property
    def lost(self) -> int:
        """Samples that the kit had, by its own count or by what it told devices, and the centre
        has not."""
        told = sum(one.missing or 0 for one in self.devices)
        return max(told, (self.stored or 0) - (self.arrived or 0))

    @property
    def ok(self) -> bool:
        """Whether everybody was heard and seen, the call came, and each sample is there once."""
        return (
            self.sos is not None
            and self.positions == len(self.devices)
            and all(one.arrived for one in self.devices)
            and self.stored == self.arrived
            and self.lost == 0
        )

    def as_json(self) -> dict[str, Any]:
        """The object below "telemetry" of `--json`."""
        return {
            "ok": self.ok,
            "positions": self.positions,
            "newest_age_s": self.newest_age_s,
            "samples_stored": self.stored,
            "samples_arrived": self.arrived,
            "samples_lost": self.lost,
            "sos": None if self.sos is None else asdict(self.sos),
            "devices": [asdict(device) for device in self.devices],
        }


def summarise_telemetry(
    kinds: Mapping[str, str],
    latest: Mapping[str, Any],
    alarms: Iterable[Mapping[str, Any]],
    tally: Tally | None = None,
) -> TelemetryResult:
    """The result from what both ends say: `kinds` are the devices that have to come, `latest` the
    centre's latest state, `alarms` those that were told to pages, with `heard_us` when.
    """
    now_us = int(latest["now_us"])
    known = {row["device"]: row for row in latest["devices"]}
    devices = [
        _device(name, kind, known.get(name, {}).get("position") or {}, now_us, tally)
        for name, kind in kinds.items()
    ]
    sos = None
    for alarm in alarms:
        if alarm["kind"] == "sos" and alarm["device"] in kinds:
            after_s = (alarm["heard_us"] - alarm["raised_us"]) / 1e6
            sos = sos or SosResult(alarm["device"], round(max(0.0, after_s), 3))
    return TelemetryResult(
        devices=tuple(devices),
        sos=sos,
        stored=None if tally is None else tally.stored,
        arrived=None if tally is None else sum(sum(one.values()) for one in tally.arrived.values()),
    )


def _device(
    name: str, kind: str, position: Mapping[str, Any], now_us: int, tally: Tally | None
) -> DeviceResult:
    age_s = None
    if kind in _MUST_MOVE and position:  # a station says where it stands once an hour
        age_s = round(max(0, now_us - position["time_us"]) / 1e6, 2)
    told = None if tally is None else tally.confirmed.get(name)
    if told is not None:  # a call for help is an alarm and no sample
        told = {stream: count for stream, count in told.items() if stream not in _CALLS}
    came = {} if tally is None else tally.arrived.get(name, {})
    return DeviceResult(
        device=name,
        kind=kind,
        lat=position.get("lat"),
        lon=position.get("lon"),
        age_s=age_s,
        confirmed=None if told is None else sum(told.values()),
        arrived=None if tally is None else sum(came.values()),
        missing=None if tally is None else _missing(told or {}, came),
    )


def _missing(told: Mapping[str, int], came: Mapping[str, int]) -> int:
    return sum(max(0, count - came.get(stream, 0)) for stream, count in told.items())
