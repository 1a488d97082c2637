"""What the sessions need of whoever runs them: a place for what they learn, and one for video."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fieldlink.codecs.dji import Role, Upload, VideoId
from fieldlink.codecs.telemetry import AlarmKind, Flag, Schema

__all__ = ["Files", "LiveNeeds", "Media", "Said", "Sink", "Station"]


@dataclass(frozen=True, slots=True)
class Station:
    """Who speaks: an aircraft, a remote controller or a dock, by way of `gateway`."""

    sn: str
    role: Role
    gateway: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An alarm that begins or ends; `subject` tells those of one kind apart."""

    kind: AlarmKind
    active: bool
    subject: str
    text: str = ""
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class LiveNeeds:
    """Which videos are wanted: at most `cameras` of each gateway, in `quality` (0 to 4)."""

    cameras: int = 1
    quality: int = 2


class Sink(Protocol):
    """Takes what is learnt; returns at once."""

    def sample(
        self,
        station: Station,
        schema: Schema,
        values: Mapping[str, float | int | str | None],
        device_us: int | None,
        flags: Flag,
    ) -> None:
        """Values in the schema's units; `device_us` by the station's own clock, None: unknown."""

    def notice(self, station: Station, said: Said) -> None:
        """Something needs attention, or no longer does."""

    def going(self, station: Station) -> Sequence[str]:
        """The codes of what is wrong with `station` by notices that were not ended, also by those
        before this end was started anew.
        """

    def refuse(self, gateway: str, reason: str) -> None:
        """Count something malformed against `gateway`; a short word, a colon, the detail."""


class Media(Protocol):
    """Takes video in."""

    def open(self, gateway: str, video: VideoId) -> str | None:
        """Be ready for `video` of `gateway`; the URL to push it to, None: there is no room."""

    def close(self, video: VideoId) -> None:
        """It does not come any more."""

    def came(self, video: VideoId) -> bool:
        """Whether its pictures are arriving now. Nothing else proves that it is live."""


class Files(Protocol):
    """Takes originals in: photos and videos that gateways bring to a store of its own."""

    def storage(self, gateway: str) -> Mapping[str, Any] | None:
        """Where `gateway` is to bring its files, and with which credentials: the output of
        storage_config_get; None: nowhere now."""

    def brought(self, gateway: str, upload: Upload, done: Callable[[bool], None]) -> None:
        """`gateway` says that it brought a file. `done` is told later whether it is stored, and
        what was said of it with it; it is not told while that cannot be known."""

    def zone_s(self) -> int:
        """How far east of UTC the clocks are here, in seconds."""
