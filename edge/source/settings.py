"""What the kit's configuration says of a device."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainSerializer

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.settings import Duration, Settings
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.source.url import check_url, mask_url

__all__ = ["DeviceKind", "DeviceSettings"]


class DeviceKind(StrEnum):
    """What a device is, in the field's words."""

    SOLDIER = "soldier"
    DRONE = "drone"
    BALL = "ball"
    SATELLITE = "satellite"
    MESH = "mesh"
    SENSOR = "sensor"


def _name(text: str) -> str:
    try:
        return check_name("device", text)
    except CodecError as error:
        raise ValueError(error.detail) from error


def _carrier(text: str) -> str:
    return _name(text) if text else ""


class DeviceSettings(Settings):
    """One device attached to the kit. In a file: a `[[device]]` table."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="The device's name: 1 to 32 of a-z, 0-9, _ and -."
    )
    kind: DeviceKind = Field(
        default=DeviceKind.BALL,
        description="What it is: soldier, drone, ball, satellite, mesh or sensor.",
    )
    url: Annotated[str, AfterValidator(check_url), PlainSerializer(mask_url)] = Field(
        repr=False,
        description="Where its pictures come from: rtsp://, rtsps://, rtmp://, http(s)://, udp://, "
        "tcp://, rtp://, /dev/videoN or the path of a file. rtmp://0.0.0.0:1935/live/name?listen=1 "
        "waits for somebody who pushes to it; whip: waits for a publisher by WHIP, see [whip].",
    )
    carrier: Annotated[str, AfterValidator(_carrier)] = Field(
        default="",
        description="The device that carries this camera, whose position and attitude its stills "
        'get: the name of an aircraft, a vehicle or a person, or "kit" for a camera that stands '
        "where the kit's satellite receiver is. Empty: the device of its own name, if that says "
        "where it is.",
    )
    hfov: float | None = Field(
        default=None,
        ge=1,
        le=170,
        description="The field of view of its lens from left to right, in degrees, 1 to 170, if it "
        "does not zoom; what the camera's gimbal says goes first. None: not known.",
    )
    loop: bool = Field(
        default=True,
        description="For a file: true plays it over and over in real time, as a camera; false "
        "plays it once, then the source ends for good.",
    )
    transport: Literal["tcp", "udp"] = Field(
        default="tcp", description="How RTSP carries media: tcp or udp."
    )
    open_timeout: Duration = Field(
        default=10.0,
        gt=0,
        le=120,
        description="Seconds to wait for a connection before it counts as failed, up to 2min.",
    )
    stall_timeout: Duration = Field(
        default=5.0,
        gt=0,
        le=120,
        description="Seconds without a packet after which the source counts as down, up to 2min.",
    )
    capture: CaptureSettings | None = Field(
        default=None,
        description="Capture settings of this device alone; what is not set here is as for all.",
    )

    def effective_capture(self, general: CaptureSettings) -> CaptureSettings:
        """`general` with what this device sets differently."""
        return general if self.capture is None else general.overridden_by(self.capture)
