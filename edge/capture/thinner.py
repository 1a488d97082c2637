"""A bound on what is made at recording time, set by whoever knows what the link carries."""

from dataclasses import dataclass
from typing import Final

from fieldlink.edge.capture.settings import CaptureSettings

__all__ = ["UNTHINNED", "Thinner"]


@dataclass(frozen=True, slots=True)
class Thinner:
    """The thickest that proxies and stills may be; originals are not touched.

    Rates in bit/s, sizes in pixels and bytes, times in seconds. Whatever is configured thinner
    stays so. Pieces grow at low rates, for each begins with a keyframe.
    """

    proxy: bool = True
    rate_bps: int = 1 << 40
    audio_bps: int = 1 << 40
    width: int = 1 << 20
    height: int = 1 << 20
    fps: float = 1e6
    piece_s: float = 0.0
    still_every_s: float = 0.0
    still_bytes: int = 1 << 40

    def applied(self, capture: CaptureSettings) -> CaptureSettings:
        """`capture` within these bounds."""
        if self == UNTHINNED:
            return capture
        proxy, still = capture.proxy, capture.still
        thin_proxy = proxy.model_copy(
            update={
                "enabled": proxy.enabled and self.proxy,
                "rate": min(proxy.rate, self.rate_bps),
                "audio_rate": min(proxy.audio_rate, self.audio_bps),
                "width": min(proxy.width, self.width),
                "height": min(proxy.height, self.height),
                "fps": min(proxy.fps, self.fps),
                "piece": max(proxy.piece, self.piece_s),
            }
        )
        thin_still = still.model_copy(
            update={
                "every": max(still.every, self.still_every_s),
                "size": min(still.size, self.still_bytes),
            }
        )
        return capture.model_copy(update={"proxy": thin_proxy, "still": thin_still})


UNTHINNED: Final = Thinner()
"""No bound at all."""
