"""What the kit's configuration says of its clock: `[clock]`."""

from pydantic import Field

from fieldlink.codecs.settings import Settings

__all__ = ["ClockSettings"]


class ClockSettings(Settings):
    """The kit's clock: the system's, corrected only while what it is measured against says so."""

    centre: bool = Field(
        default=True, description="Whether the centre's clock counts; GNSS outranks it."
    )
    drift_ppm: float = Field(
        default=100.0,
        gt=0,
        le=10_000,
        description="How fast this machine's quartz may go wrong, in millionths: the known error"
        " grows by it until something measures again.",
    )
