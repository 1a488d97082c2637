"""What aircraft need of whoever records video."""

from collections.abc import Sequence
from typing import Protocol

from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.shot import Shot
from fieldlink.edge.dji.receivers import Cameras

__all__ = ["Media"]


class Media(Cameras, Protocol):
    """Cameras that come and go, and what may be asked of those that are recorded
    (`fieldlink.edge.devices`).
    """

    @property
    def configured(self) -> Sequence[str]:
        """The names of the configuration's own."""

    def adjust(self, name: str, capture: CaptureSettings | None) -> CaptureSettings | None:
        """Record one as `capture` says; what it is recorded with then, None: it is not."""

    async def shot(self, name: str, patience_s: float) -> Shot | None:
        """The next good picture in full size."""
