"""An alarm as programs and pages read it: plain values."""

from typing import Any

from fieldlink.codecs.telemetry import Flag
from fieldlink.relay.catalogue import StoredAlarm

__all__ = ["alarm_row"]

_DEGREE = 1e7


def alarm_row(alarm: StoredAlarm) -> dict[str, Any]:
    """`alarm` with times in UTC microseconds and its place in degrees; null is unknown.

    `cleared_by` is who cleared it at the centre; the kit's name when it ended on site.
    """
    a = alarm
    on_site = a.cleared_us is not None and not a.cleared_by
    return {
        "id": a.ident.hex(),
        "kit": a.kit,
        "device": a.device,
        "device_kind": a.device_kind,
        "kind": a.kind,
        "precedence": a.precedence.name,
        "state": a.state,
        # Only its end has come yet: it was raised before that.
        "raised_us": a.raised_us if a.raised_us is not None else a.site_cleared_us,
        "raise_known": a.raised_us is not None,
        "arrived_us": a.arrived_us,
        "cleared_us": a.cleared_us,
        "cleared_by": a.kit if on_site else a.cleared_by or None,
        "cleared_on_site": on_site,
        "site_cleared_us": a.site_cleared_us,
        "acknowledged_us": a.acknowledged_us,
        "acknowledged_by": a.acknowledged_by or None,
        "note": a.note,
        "subject": a.subject,
        "value": a.value,
        "limit": a.bound,
        "unit": a.unit,
        "text": a.text,
        "lat": None if a.lat is None else a.lat / _DEGREE,
        "lon": None if a.lon is None else a.lon / _DEGREE,
        "exercise": bool(a.flags & Flag.EXERCISE),
    }
