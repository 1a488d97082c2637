"""How much detail the links allow: all of it, or a thin sheaf now and all of it later. Pure.

Sheaves of now that wait say that the links do not carry all of it; what they carry says how much
they would. When nothing waits, they carry it, whatever was measured: a link that idles shows
nothing of what it could. With no link at all, or before one was measured, nothing changes: then
there is nobody to be thin for.
"""

from dataclasses import dataclass

from fieldlink.codecs.telemetry import Detail

__all__ = ["EVERY_S", "Ladder", "Offer", "needed_bps"]

EVERY_S = {Detail.SECONDS_5: 5.0, Detail.CHANGE: 5.0, Detail.LAST: 30.0}
"""How often a thin sheaf goes."""

_HEAD_BYTES = 400  # manifest, frames and answers of a bundle
_ROW_BYTES = 14  # of one sample of one series among others in a sheaf
_CHANGING = 0.4  # the share of series that is expected to change
_MOST, _LITTLE = 0.6, 0.35
_DOWN_S, _UP_S = 4.0, 30.0
_CLOGGED_S, _FLOWS_S = 6.0, 3.0


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to carry, and with what. `link_bps` is what all open bearers are expected to
    carry, None: unknown. `full_bps` is all that is measured, in sheaves every tick; `series` how
    many streams speak; `waits_s` for how long the oldest full sheaf of now waits.
    """

    link_bps: float | None
    full_bps: float
    series: int
    waits_s: float = 0.0


def needed_bps(detail: Detail, offer: Offer) -> float:
    """What sending at `detail` takes, bits a second."""
    if detail is Detail.FULL:
        return offer.full_bps
    rows = offer.series * (_CHANGING if detail is Detail.CHANGE else 1.0)
    return 8 * (_HEAD_BYTES + _ROW_BYTES * rows) / EVERY_S[detail]


class Ladder:
    """Where it stands. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self.detail = Detail.FULL
        self._worse_s: float | None = None
        self._better_s: float | None = None

    def look(self, offer: Offer, now_s: float) -> Detail:
        """The detail from now on."""
        if not offer.link_bps:
            self._worse_s = self._better_s = None
            return self.detail
        wanted = max(self._fitting(offer, offer.link_bps, _MOST), Detail.SECONDS_5)
        plenty = self._fitting(offer, offer.link_bps, _LITTLE) < self.detail
        if offer.waits_s > _CLOGGED_S and wanted > self.detail:
            self._better_s = None
            self._worse_s = now_s if self._worse_s is None else self._worse_s
            if now_s - self._worse_s >= _DOWN_S:
                self.detail, self._worse_s = wanted, None
            return self.detail
        self._worse_s = None
        if self.detail and (offer.waits_s < _FLOWS_S or (plenty and offer.waits_s < _CLOGGED_S)):
            self._better_s = now_s if self._better_s is None else self._better_s
            if now_s - self._better_s >= _UP_S:  # a step at a time
                self.detail, self._better_s = Detail(self.detail - 1), None
        else:
            self._better_s = None
        return self.detail

    @staticmethod
    def _fitting(offer: Offer, link_bps: float, share: float) -> Detail:
        """The most that takes no more than `share` of the link."""
        for detail in Detail:
            if needed_bps(detail, offer) <= share * link_bps:
                return detail
        return Detail.LAST
