"""A terminal's parameters (JT/T 808-2019 table 12): the ones that say how it reports."""

from typing import NamedTuple

from fieldlink.codecs.fault import CodecError

from .bcd import text_of, to_gbk
from .messages import Parameter

__all__ = ["PARAMETERS", "read_parameter", "write_parameter"]


class ParameterForm(NamedTuple):
    """A parameter's name, with its unit, and its size in bytes; 0: a text."""

    name: str
    size: int


PARAMETERS = {
    0x0001: ParameterForm("heartbeat_s", 4),
    0x0002: ParameterForm("tcp_answer_s", 4),
    0x0003: ParameterForm("tcp_repeats", 4),
    0x0004: ParameterForm("udp_answer_s", 4),
    0x0005: ParameterForm("udp_repeats", 4),
    0x0013: ParameterForm("server", 0),
    0x0017: ParameterForm("backup_server", 0),
    0x0018: ParameterForm("tcp_port", 4),
    0x0019: ParameterForm("udp_port", 4),
    0x0020: ParameterForm("report_by", 4),  # 0 time, 1 distance, 2 both
    0x0021: ParameterForm("report_when", 4),  # 0 by ignition, 1 by login and ignition
    0x0022: ParameterForm("report_logged_out_s", 4),
    0x0027: ParameterForm("report_asleep_s", 4),
    0x0028: ParameterForm("report_emergency_s", 4),
    0x0029: ParameterForm("report_s", 4),
    0x002C: ParameterForm("report_m", 4),
    0x002D: ParameterForm("report_logged_out_m", 4),
    0x002E: ParameterForm("report_asleep_m", 4),
    0x002F: ParameterForm("report_emergency_m", 4),
    0x0030: ParameterForm("report_turn_deg", 4),
    0x0050: ParameterForm("alarms_masked", 4),
    0x0055: ParameterForm("speed_limit_kmh", 4),
    0x0056: ParameterForm("overspeed_s", 4),
    0x0080: ParameterForm("odometer_100m", 4),
    0x0081: ParameterForm("province", 2),
    0x0082: ParameterForm("city", 2),
    0x0083: ParameterForm("plate", 0),
    0x0084: ParameterForm("plate_colour", 1),
}


def read_parameter(parameter: Parameter) -> int | str | None:
    """What it says; None: it is not known here, or has not the size that it should."""
    form = PARAMETERS.get(parameter.ident)
    if form is None:
        return None
    if form.size == 0:
        return text_of(parameter.data)
    fits = len(parameter.data) == form.size
    return int.from_bytes(parameter.data, "big") if fits else None


def write_parameter(ident: int, value: int | str) -> Parameter:
    """The parameter `ident` that says `value`.

    Raises:
        CodecError: there is no such one here, or it cannot say that.
    """
    form = PARAMETERS.get(ident)
    try:
        if form is not None and isinstance(value, str) and form.size == 0:
            return Parameter(ident, to_gbk(value))
        if form is not None and isinstance(value, int) and form.size > 0:
            return Parameter(ident, value.to_bytes(form.size, "big"))
    except OverflowError as error:
        raise CodecError("field", f"parameter 0x{ident:04x} cannot be {value}") from error
    raise CodecError("field", f"parameter 0x{ident:04x} cannot be {value!r}")
