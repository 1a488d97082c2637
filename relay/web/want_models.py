"""The shapes of requests to kits. Times are UTC microseconds."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fieldlink.relay.web.models import View

__all__ = ["MarkNew", "WantChange", "WantNew", "WantView", "WantsPage"]

_NAME = r"^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$"
_MOST_US = 2**63 - 1
_MOST_S = 86_400


class WantNew(BaseModel):
    """A span to ask for."""

    model_config = ConfigDict(extra="forbid")
    kit: str = Field(pattern=_NAME)
    device: str = Field(pattern=_NAME)
    stream: str = Field(default="video", pattern=_NAME)
    layer: Literal["still", "proxy", "original"] = "original"
    from_us: int = Field(ge=0, le=_MOST_US)
    to_us: int = Field(ge=0, le=_MOST_US)


class MarkNew(BaseModel):
    """A moment to bookmark: of a stream, of a device, of a kit, or of all kits; now unless
    `at_us` says otherwise.
    """

    model_config = ConfigDict(extra="forbid")
    kit: str | None = Field(default=None, pattern=_NAME)
    device: str | None = Field(default=None, pattern=_NAME)
    stream: str | None = Field(default=None, pattern=_NAME)
    at_us: int | None = Field(default=None, ge=0, le=_MOST_US)
    before_s: float = Field(default=30, ge=0, le=_MOST_S)
    after_s: float = Field(default=30, ge=0, le=_MOST_S)
    note: str = Field(default="", max_length=256)


class WantChange(BaseModel):
    """A change of order: before everything else that its kit was asked for."""

    model_config = ConfigDict(extra="forbid")
    first: Literal[True]


class WantView(View):
    """What was asked of a kit; `share` (0 to 1) of it has come or is in a gap on record.

    An empty `device`, `stream` or `layer` stands for any.
    """

    id: str
    purpose: Literal["send", "keep"]
    state: Literal["open", "fulfilled", "cancelled"]
    name: str
    kit: str
    device: str
    stream: str
    layer: str
    from_us: int
    to_us: int
    who: str
    note: str
    created_us: int
    cancelled_us: int | None
    fulfilled_us: int | None
    asked_us: int
    held_us: int
    missing_us: int
    share: float


class WantsPage(View):
    """What kits are asked for, each kit's most urgent first."""

    now_us: int
    wants: list[WantView]
