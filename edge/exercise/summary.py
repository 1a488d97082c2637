"""What an exercise showed: per stream what arrived, and whether anything was lost. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fieldlink.edge.exercise.telemetry import TelemetryResult

__all__ = ["VIDEO", "StreamResult", "Summary", "summarise"]

VIDEO = "video"


@dataclass(frozen=True, slots=True)
class StreamResult:
    """One stream at the end. Seconds are of recorded time; `first_picture_s` counts from the
    incident's start to the first still in the centre's custody, None if none came."""

    device: str
    stream: str
    first_picture_s: float | None
    stills: int
    proxy_s: float
    original_s: float
    in_custody_bundles: int
    pending_bundles: int
    gaps: int

    @property
    def whole(self) -> bool:
        """Whether the stream reached the centre without a piece missing."""
        return (
            (self.first_picture_s is not None or self.stream != VIDEO)  # a flight has none
            and self.original_s > 0
            and self.pending_bundles == 0
            and self.gaps == 0
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """The exercise's result; `lost_bundles` were confirmed by the spool and are nowhere."""

    streams: tuple[StreamResult, ...]
    lost_bundles: int
    telemetry: TelemetryResult | None = None

    @property
    def ok(self) -> bool:
        """Whether every stream and every device reached the centre whole and nothing is lost."""
        return (
            bool(self.streams)
            and not self.lost_bundles
            and all(stream.whole for stream in self.streams)
            and (self.telemetry is None or self.telemetry.ok)
        )

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "ok": self.ok,
            "streams": [asdict(stream) for stream in self.streams],
            "lost_bundles": self.lost_bundles,
            "telemetry": None if self.telemetry is None else self.telemetry.as_json(),
        }


def summarise(
    devices: Iterable[str],
    centre: Iterable[Mapping[str, Any]],
    kit: Iterable[Mapping[str, Any]],
    archived: frozenset[str],
    telemetry: TelemetryResult | None = None,
) -> Summary:
    """The summary from what both ends say.

    `devices` are the cameras, `centre` the streams of the centre's summary, `kit` the rows of the
    kit's spool (`id`, `device`, `stream`, `layer`, `state`), `archived` the ids that the centre
    verified on its disk. A camera that has no stream anywhere is shown with nothing, so that its
    absence counts.
    """
    rows = list(kit)
    cameras = list(devices)
    filmed = {(row["device"], row["stream"]) for row in rows if row["layer"] != "report"}
    told = {(row["device"], row["stream"]): row for row in centre}
    streams = {key: told.get(key, {}) for key in filmed}
    # Telemetry and alarms are no streams of pictures; a camera's gaps are.
    streams |= {key: row for key, row in told.items() if key[0] in cameras}
    named = {device for device, _ in streams}
    for device in cameras:
        if device not in named:
            streams[device, "video"] = {}
    results = [
        _result(device, stream, said, rows) for (device, stream), said in sorted(streams.items())
    ]
    lost = [row for row in rows if row["state"] == "custody" and row["id"] not in archived]
    return Summary(tuple(results), len(lost), telemetry)


def _result(
    device: str, stream: str, said: Mapping[str, Any], rows: list[Mapping[str, Any]]
) -> StreamResult:
    mine = [row for row in rows if (row["device"], row["stream"]) == (device, stream)]
    first = said.get("first_picture_s")
    return StreamResult(
        device=device,
        stream=stream,
        first_picture_s=None if first is None else round(float(first), 2),
        stills=int(said.get("stills", 0)),
        proxy_s=round(float(said.get("proxy_s", 0.0)), 2),
        original_s=round(float(said.get("original_s", 0.0)), 2),
        in_custody_bundles=int(said.get("in_custody_bundles", 0)),
        pending_bundles=sum(row["state"] == "pending" for row in mine),
        gaps=int(said.get("gaps", 0)),
    )
