"""What an adapter delivers: the tracks of a device, then its packets in order of arrival."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeAlias

__all__ = [
    "Adapter",
    "Capabilities",
    "Deliver",
    "Ended",
    "Metadata",
    "Opened",
    "Packet",
    "Stopped",
    "TrackInfo",
]

TrackKind: TypeAlias = Literal["video", "audio"]


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One track as the device describes it.

    `template` is a libav stream in a container of its own, safe to copy into an output after
    the device has gone; None if MP4 cannot hold the codec. `extradata` configures a decoder.
    """

    kind: TrackKind
    codec: str
    extradata: bytes | None
    time_base: Fraction
    width: int = 0
    height: int = 0
    fps: float | None = None
    sample_rate: int = 0
    layout: str = ""
    template: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded frame. `pts` and `dts` are ticks of the track's time base; `utc_us` is the
    kit's clock for `pts`; `discontinuity` says that the device's clock jumped before it, `missing`
    how many pictures were lost in the second or more before it.
    """

    kind: TrackKind
    data: bytes
    pts: int
    dts: int
    duration: int
    keyframe: bool
    corrupt: bool
    utc_us: int
    discontinuity: bool = False
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Metadata:
    """What came beside pictures and sound, of data stream number `stream`: KLV of aircraft, or who
    knows what. `utc_us` is the kit's clock for it: by its time stamp if it has a true one, which
    then is `device_us` on the clock of the pictures' time stamps.
    """

    stream: int
    data: bytes
    utc_us: int
    device_us: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The device answered; these are its tracks."""

    video: TrackInfo | None
    audio: TrackInfo | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The recording was played once, as asked; there will be no more."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can deliver and do."""

    video: bool
    audio: bool
    seekable: bool = False
    ptz: bool = False


Deliver: TypeAlias = Callable[[Opened | Packet | Metadata | Ended], None]
Stopped: TypeAlias = Callable[[], bool]


class Adapter(Protocol):
    """A device. It owns no retry: the supervisor does."""

    def run(self, deliver: Deliver, stopped: Stopped) -> None:
        """Open the device and deliver until `stopped()`, the end, or a failure.

        Raises:
            SourceError: the device does not answer, or stopped delivering.
        """

    def describe(self) -> str:
        """What this is, for people, without secrets."""

    def capabilities(self) -> Capabilities:
        """What it can deliver."""
