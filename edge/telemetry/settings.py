"""How the kit handles what devices measure. In a file: `[telemetry]`."""

from pydantic import Field

from fieldlink.codecs.settings import Duration, Settings

__all__ = ["RuleSettings", "TelemetrySettings"]


class RuleSettings(Settings):
    """When the kit raises an alarm by itself, whatever the device says; 0 turns a limit off."""

    battery: float = Field(
        default=20.0, ge=0, le=100, description="A battery below this, percent, is low."
    )
    air: float = Field(
        default=60.0, ge=0, le=500, description="Breathing air below this pressure, bar, is low."
    )
    heart_rate_low: float = Field(
        default=40.0, ge=0, le=300, description="A pulse below this, per minute, is an alarm."
    )
    heart_rate_high: float = Field(
        default=190.0, ge=0, le=300, description="A pulse above this, per minute, is an alarm."
    )
    spo2_low: float = Field(
        default=88.0, ge=0, le=100, description="Oxygen in the blood below this, percent."
    )
    temperature_high: float = Field(
        default=39.5, ge=0, le=60, description="Body temperature above this, Celsius."
    )
    vitals_for: Duration = Field(
        default=10.0, ge=0, le=600, description="Vitals alarm once a limit is passed for so long."
    )
    still: Duration = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="Who has not moved for so long is down; half of it if the device says lying.",
    )
    silence: Duration = Field(
        default=120.0,
        ge=0,
        le=86_400,
        description="A device that spoke and then does not for so long is silent; one that"
        " speaks seldom has six of its usual intervals.",
    )


class TelemetrySettings(Settings):
    """Positions, vitals and readings: how often they are bound together, and when they alarm."""

    tick: Duration = Field(
        default=1.0, ge=0.1, le=60, description="How often what is new is stored and sent."
    )
    alarm: RuleSettings = Field(
        default=RuleSettings(), description="When the kit raises an alarm by itself."
    )
