"""Aircraft that speak MAVLink. In a file: `[drone]`, `[[drone.endpoint]]`, `[[drone.vehicle]]`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.settings import Duration, Settings
from fieldlink.codecs.telemetry import KIT_DEVICE
from fieldlink.drone.router import RouterSettings

__all__ = ["DroneSettings", "VehicleSettings"]

_UNNAMED = re.compile(r"mav-[0-9]+")


def _device(text: str) -> str:
    if text == KIT_DEVICE:
        raise ValueError(f"{text} is the kit itself; choose another name")
    try:
        return check_name("vehicle", text)
    except CodecError as error:
        raise ValueError(error.detail) from error


class VehicleSettings(Settings):
    """The name of one aircraft. In a file: `[[drone.vehicle]]`."""

    sysid: int = Field(ge=1, le=255, description="Its system in MAVLink, 1 to 255.")
    name: Annotated[str, AfterValidator(_device)] = Field(
        description="The device that it is: 1 to 32 of a-z, 0-9, _ and -."
    )
    exercise: bool = Field(
        default=False, description="true: what it says is an exercise's, as a simulator's."
    )
    video: Literal["auto", "off"] | None = Field(
        default=None, description="auto or off for its video streams; without: as [drone] video."
    )
    gimbal_yaw: bool | None = Field(
        default=None,
        description="true: its gimbal turns to the sides by itself; false: the aircraft has to."
        " Without: as the aircraft says, and where it says nothing, looking to a side needs"
        " flight_commands.",
    )


class DroneSettings(RouterSettings):
    """The router's settings, and what becomes of what it hears."""

    every: Duration = Field(
        default=1.0,
        ge=0.2,
        le=60,
        description="How often position, flight, attitude and gimbal of an aircraft are taken; its"
        " battery at a fifth of that, its link at a tenth.",
    )
    battery: float = Field(
        default=25.0,
        ge=0,
        le=95,
        description="A battery below this, percent, is an alarm, over at 5 percent more.",
    )
    video: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: the video streams that aircraft's cameras name are recorded as devices"
        " of the aircraft's name; off: only when asked for (fieldlink drone video start).",
    )
    flight_commands: bool = Field(
        default=False,
        description="Whether commands that move an aircraft may be given at this kit: hold, return,"
        " land, and looking to a side where the gimbal cannot. Each is confirmed and written down.",
    )
    vehicle: tuple[VehicleSettings, ...] = Field(
        default=(),
        max_length=64,
        description="What aircraft are called; one that is not named is mav- and its system.",
    )

    @property
    def enabled(self) -> bool:
        """Whether there is anything to listen to."""
        return bool(self.endpoint)

    @model_validator(mode="after")
    def _vehicles_differ(self) -> "DroneSettings":
        for what in ("sysid", "name"):
            all_of = [getattr(one, what) for one in self.vehicle]
            twice = sorted({one for one in all_of if all_of.count(one) > 1})
            if twice:
                raise ValueError(f"two vehicles have the {what} {twice[0]}; give each its own")
        for one in self.vehicle:
            if _UNNAMED.fullmatch(one.name) and one.name != f"mav-{one.sysid}":
                raise ValueError(
                    f"{one.name} is what another aircraft is called that has no name;"
                    f" choose another for system {one.sysid}"
                )
        return self
