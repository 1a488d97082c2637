"""Sentences for a fix: what simulators and tests say."""

import datetime

from .fixes import Fix
from .framer import frame

__all__ = ["sentences_of"]

_MODES = {0: "N", 1: "A", 2: "D", 3: "P", 4: "R", 5: "F", 6: "E", 7: "M", 8: "S"}


def sentences_of(fix: Fix, time_us: int, talker: str = "GN") -> bytes:
    """GGA, GST (when the accuracy is known) and RMC that say `fix` at `time_us`, UTC."""
    at = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
        microseconds=time_us
    )
    clock = f"{at:%H%M%S}.{at.microsecond // 10_000:02d}"
    where = _place(fix)
    gga = [clock, *where, str(fix.quality), _text(fix.satellites, "02d"), "1.0"]
    gga += [_text(fix.alt, ".2f"), "M", "0.0", "M", "", ""]
    knots = None if fix.speed is None else fix.speed * 3600 / 1852
    status = "A" if fix.quality else "V"
    rmc = [clock, status, *where, _text(knots, ".4f"), _text(fix.heading, ".2f")]
    rmc += [f"{at:%d%m%y}", "", "", _MODES[fix.quality]]
    lines = [(talker + "GGA", gga)]
    if fix.accuracy is not None:
        sd = f"{fix.accuracy / 2**0.5:.3f}"
        lines.append((talker + "GST", [clock, "", "", "", "", sd, sd, ""]))
    lines.append((talker + "RMC", rmc))
    return b"".join(frame(",".join([name, *fields]).encode("ascii")) for name, fields in lines)


def _place(fix: Fix) -> list[str]:
    if fix.lat is None or fix.lon is None:
        return ["", "", "", ""]
    return [
        _degrees(fix.lat, 2),
        "N" if fix.lat >= 0 else "S",
        _degrees(fix.lon, 3),
        "E" if fix.lon >= 0 else "W",
    ]


def _degrees(degrees: float, digits: int) -> str:
    # Rounded once, in the smallest unit: 59.99999995 minutes must not be written as 60.
    whole, rest = divmod(round(abs(degrees) * 60 * 10**7), 60 * 10**7)
    return f"{whole:0{digits}d}{rest // 10**7:02d}.{rest % 10**7:07d}"


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
