"""What was on record of a stream before its recorder started, and what is missing since."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Draft, Gap, Layer, Precedence, encode_gap

__all__ = ["Recorded", "gap_bundle"]

_APART_US = 1_000_000
_LONGEST_PIECE_US = 120_000_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stream is on record until `until_us` (UTC microseconds) in one layer at least; `behind`
    are the layers that end earlier than that, and when: what was under way when the agent was
    killed is lost with it. `away` says why nothing came after.
    """

    until_us: int
    behind: Mapping[Layer, int] = field(default_factory=dict)
    away: str = "agent: not running"

    @classmethod
    def of(cls, ends: Mapping[Layer, int], outage_us: int, away: str) -> "Recorded":
        """From the end of each layer's newest bundle, and of the newest outage of all layers."""
        until_us = max([outage_us, *ends.values()])
        behind = {}
        for layer in (Layer.PROXY, Layer.ORIGINAL):
            end_us = max(ends[layer], outage_us) if layer in ends else until_us
            # A layer further behind than any piece is long was not made at all lately.
            if _APART_US < until_us - end_us < _LONGEST_PIECE_US:
                behind[layer] = end_us
        return cls(until_us, behind, away)

    def missing(self, device: str, stream: str) -> list[Gap]:
        """The gaps of the layers that ended early."""
        reason = f"{self.away}, and what was under way was lost"
        return [
            Gap(device, stream, end_us, self.until_us, reason, layer.value)
            for layer, end_us in self.behind.items()
        ]


def gap_bundle(gap: Gap, recorded_us: int) -> tuple[Draft, bytes]:
    """`gap` as a bundle, for a sink."""
    draft = Draft(
        device=gap.device,
        stream=gap.stream,
        layer=Layer.REPORT,
        precedence=Precedence.PRIORITY,
        start_us=gap.start_us,
        end_us=gap.end_us,
        recorded_us=recorded_us,
        media_type=GAP_MEDIA_TYPE,
    )
    return draft, encode_gap(gap)
