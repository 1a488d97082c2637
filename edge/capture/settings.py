"""How much of a stream is made at recording time: sizes, rates and lengths of each layer."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from fieldlink.codecs.settings import Duration, Rate, Settings, Size

__all__ = ["CaptureSettings", "OriginalSettings", "ProxySettings", "StillSettings"]


class StillSettings(Settings):
    """Single pictures: one on connection, then one every so often."""

    enabled: bool = Field(default=True, description="Whether stills are made.")
    every: Duration = Field(
        default=10.0,
        ge=0.5,
        le=3600,
        description="Seconds from one still to the next, 500ms to 1h.",
    )
    size: Size = Field(
        default=12_000, ge=1_000, le=2_000_000, description="Largest still, 1kB to 2MB."
    )
    format: Literal["avif", "webp"] = Field(default="avif", description="avif or webp.")
    width: int = Field(
        default=640, ge=64, le=7680, description="Largest width in pixels; the aspect is kept."
    )
    quality: int = Field(
        default=40, ge=5, le=95, description="Quality to begin with, 5 to 95; lowered to fit size."
    )


class ProxySettings(Settings):
    """Thin video, in short pieces."""

    enabled: bool = Field(default=True, description="Whether a proxy is made.")
    codec: Literal["av1", "h264"] = Field(default="av1", description="av1 or h264.")
    width: int = Field(
        default=640, ge=64, le=1920, multiple_of=2, description="Largest width in pixels, even."
    )
    height: int = Field(
        default=360, ge=64, le=1080, multiple_of=2, description="Largest height in pixels, even."
    )
    fps: float = Field(default=10.0, ge=1, le=60, description="Pictures a second, 1 to 60.")
    rate: Rate = Field(
        default=100_000, ge=16_000, le=20_000_000, description="Bit rate of the video."
    )
    piece: Duration = Field(default=4.0, ge=1, le=60, description="Seconds in a piece, 1s to 1min.")
    audio_rate: Rate = Field(
        default=24_000, ge=0, le=256_000, description='Bit rate of the sound; "0bit/s": no sound.'
    )


class OriginalSettings(Settings):
    """What the device sent, copied bit by bit, in fragments that begin with a keyframe."""

    enabled: bool = Field(default=True, description="Whether originals are kept.")
    shortest: Duration = Field(
        default=2.0,
        ge=0.5,
        le=60,
        description="Seconds after which the next keyframe begins a new fragment.",
    )
    longest: Duration = Field(
        default=10.0,
        ge=1,
        le=120,
        description="Seconds after which any keyframe ends a fragment, clean cut or not.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.shortest >= self.longest:
            raise ValueError("shortest has to be less than longest")
        return self


class CaptureSettings(Settings):
    """What is made of every camera's pictures. In a file: `[capture]` and its sub-tables."""

    still: StillSettings = Field(default=StillSettings(), description="Single pictures.")
    proxy: ProxySettings = Field(default=ProxySettings(), description="Thin video.")
    original: OriginalSettings = Field(default=OriginalSettings(), description="Bit-exact copies.")
    window: Duration = Field(
        default=7200.0,
        ge=60,
        description="Stills and proxies are due this long after they were taken.",
    )

    def overridden_by(self, other: "CaptureSettings") -> "CaptureSettings":
        """These settings with whatever was set on purpose in `other`."""
        return CaptureSettings.model_construct(**_merged(self, other))


def _merged(base: Settings, other: Settings) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in type(base).model_fields:
        mine, theirs = getattr(base, name), getattr(other, name)
        if name not in other.model_fields_set:
            values[name] = mine
        elif isinstance(mine, Settings):
            values[name] = type(mine).model_construct(**_merged(mine, theirs))
        else:
            values[name] = theirs
    return values
