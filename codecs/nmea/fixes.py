"""One fix out of the sentences of one instant.

A receiver says the same instant in several sentences: where and how fast (RMC), how high and by
how many satellites (GGA), how sure (GST). Those that carry the same time of day belong together;
those that carry none (GSA, GSV, VTG) belong to what came before them. A fix is complete when a
sentence of another instant comes, or when whoever reads the port says that it has gone quiet.
"""

import datetime
import math
from dataclasses import dataclass, field, replace

from .sentences import Gga, Gsa, Gst, Gsv, Rmc, Sentence, Txt, Vtg, Zda

__all__ = ["Fix", "Fixes"]

_DAY_US = 86_400_000_000
_EPOCH = datetime.date(1970, 1, 1)
_ZERO_DEG = 1e-6
_QUALITY = {"A": 1, "D": 2, "P": 3, "R": 4, "F": 5, "E": 6, "M": 7, "S": 8, "N": 0}
# 68 % horizontally for a dilution of one, in m, by quality: what good receivers reach.
_RANGE_ERROR_M = {1: 4.0, 2: 1.5, 3: 1.5, 4: 0.02, 5: 0.4}
_OTHER_ERROR_M = 20.0


@dataclass(frozen=True, slots=True)
class Fix:
    """What the receiver says of one instant, in degrees, m, m/s. Without a fix `lat` and `lon`
    are None. `time_us` is UTC, None unless a fix stands behind it and its date can be; `heard_us`
    is when the first of its sentences came, by the clock of whoever fed it.
    """

    heard_us: int
    time_us: int | None = None
    lat: float | None = None
    lon: float | None = None
    alt: float | None = None
    heading: float | None = None
    speed: float | None = None
    accuracy: float | None = None
    satellites: int | None = None
    in_view: int | None = None
    quality: int = 0
    zero: bool = False  # it gave 0/0, the place of a receiver without a fix

    @property
    def valid(self) -> bool:
        """Whether there is a position."""
        return self.lat is not None


@dataclass(slots=True)
class _Epoch:
    """The sentences of one instant so far."""

    heard_us: int
    time_us: int | None = None
    rmc: Rmc | None = None
    gga: Gga | None = None
    gst: Gst | None = None
    zda: Zda | None = None
    vtg: Vtg | None = None
    gsa: list[Gsa] = field(default_factory=list)


class Fixes:
    """Sentences in, fixes out. Dates before `earliest` are not believed: a receiver whose count
    of weeks has run over (every 19.6 years) gives such.
    """

    def __init__(self, earliest: datetime.date) -> None:
        self._earliest = earliest
        self._epoch: _Epoch | None = None
        self._last: tuple[datetime.date, int] | None = None  # date, and time of day
        self._in_view: dict[str, int] = {}
        self.text = ""
        """What the receiver last said in words."""
        self.unbelieved = 0
        """How many dates were not believed."""

    def add(self, sentence: Sentence, heard_us: int) -> Fix | None:
        """Take in `sentence`; the fix before it, when `sentence` begins another."""
        if isinstance(sentence, Txt):
            self.text = sentence.text
            return None
        if isinstance(sentence, Gsv):
            if sentence.in_view is not None:
                self._in_view[sentence.talker] = sentence.in_view
            return None
        done = None
        time_us = getattr(sentence, "time_us", None)
        epoch = self._epoch
        if epoch is None or (time_us is not None and epoch.time_us not in (None, time_us)):
            done, epoch = self.flush(), _Epoch(heard_us)
            self._epoch = epoch
        if time_us is not None:
            epoch.time_us = time_us
        _put(epoch, sentence)
        return done

    def flush(self) -> Fix | None:
        """The fix so far; nothing more of it will come."""
        epoch, self._epoch = self._epoch, None
        if epoch is None or (epoch.rmc is None and epoch.gga is None):
            return None
        return self._fix(epoch)

    def _fix(self, epoch: _Epoch) -> Fix:
        rmc, gga = epoch.rmc, epoch.gga
        lat, lon = next(
            ((s.lat, s.lon) for s in (gga, rmc) if s is not None and s.lat is not None),
            (None, None),
        )
        quality = _quality(rmc, gga)
        zero = lat is not None and lon is not None and abs(lat) + abs(lon) < _ZERO_DEG
        bare = Fix(
            heard_us=epoch.heard_us,
            satellites=_satellites(epoch),
            in_view=sum(self._in_view.values()) if self._in_view else None,
            zero=zero,
        )
        if not quality or lat is None or zero:
            return bare
        speed, heading = _motion(epoch)
        return replace(
            bare,
            time_us=self._utc_us(epoch),
            lat=lat,
            lon=lon,
            alt=gga.alt if gga is not None else None,
            heading=None if heading is None else heading % 360,
            speed=speed,
            accuracy=_accuracy(epoch, quality),
            quality=quality,
        )

    def _utc_us(self, epoch: _Epoch) -> int | None:
        if epoch.time_us is None:
            return None
        date = next((s.date for s in (epoch.rmc, epoch.zda) if s and s.date), None)
        if date is None and self._last is not None:
            date, before_us = self._last
            if epoch.time_us < before_us - _DAY_US // 2:
                date += datetime.timedelta(days=1)
        if date is None:
            return None
        if date < self._earliest:
            self.unbelieved += 1
            return None
        self._last = date, epoch.time_us
        return (date - _EPOCH).days * _DAY_US + epoch.time_us


def _put(epoch: _Epoch, sentence: Sentence) -> None:
    match sentence:
        case Rmc():
            epoch.rmc = _better(epoch.rmc, sentence)
        case Gga():
            epoch.gga = _better_gga(epoch.gga, sentence)
        case Gst():
            epoch.gst = sentence
        case Zda():
            epoch.zda = sentence
        case Vtg():
            epoch.vtg = sentence
        case Gsa() if len(epoch.gsa) < len(_QUALITY):
            epoch.gsa.append(sentence)


def _better(old: Rmc | None, new: Rmc) -> Rmc:
    # A receiver that also speaks for each constellation alone: all together knows best.
    worse = old is not None and old.valid >= new.valid and new.talker != "GN"
    return old if old is not None and worse else new


def _better_gga(old: Gga | None, new: Gga) -> Gga:
    if old is None or new.talker == "GN":
        return new
    known = (bool(old.quality), old.talker == "GN", old.satellites or 0)
    return new if (bool(new.quality), False, new.satellites or 0) > known else old


def _quality(rmc: Rmc | None, gga: Gga | None) -> int:
    """The quality of GGA, 0 when any sentence says that there is no fix."""
    if rmc is not None and (not rmc.valid or rmc.mode == "N"):
        return 0
    if gga is not None:
        return gga.quality
    return _QUALITY.get(rmc.mode, 1) if rmc is not None else 0


def _motion(epoch: _Epoch) -> tuple[float | None, float | None]:
    rmc, vtg = epoch.rmc, epoch.vtg
    speeds = [s.speed for s in (rmc, vtg) if s is not None and s.speed is not None]
    headings = [s.heading for s in (rmc, vtg) if s is not None and s.heading is not None]
    return next(iter(speeds), None), next(iter(headings), None)


def _satellites(epoch: _Epoch) -> int | None:
    if epoch.gga is not None and epoch.gga.satellites is not None:
        return epoch.gga.satellites
    return sum(one.used for one in epoch.gsa) if epoch.gsa else None


def _accuracy(epoch: _Epoch, quality: int) -> float | None:
    gst, gga = epoch.gst, epoch.gga
    if gst is not None and gst.lat_sd is not None and gst.lon_sd is not None:
        return math.hypot(gst.lat_sd, gst.lon_sd)
    hdops = [one.hdop for one in (gga, *epoch.gsa) if one is not None and one.hdop is not None]
    if not hdops or hdops[0] > 50:  # receivers write 99.99 for unknown
        return None
    return hdops[0] * _RANGE_ERROR_M.get(quality, _OTHER_ERROR_M)
