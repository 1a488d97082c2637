"""What is wrong with a message, in one sentence that names the key and says what to write."""

from typing import Any

from pydantic import ValidationError

from fieldlink.codecs.fault import CodecError

__all__ = ["field_fault", "shown"]

_NUMBER = "write a number, or null when it is not known"
_WHOLE = "write a whole number from 0 to 1152921504606846975"
_BY_KEY = {
    "time": 'write seconds since 1970, or text like "2026-05-12T06:28:00Z"',
    "id": "write at most 64 characters, or a whole number",
    "datum": 'write "wgs84" or "gcj02"',
    "decimals": "write a whole number from 0 to 9",
    "unit": 'write at most 16 characters, like "mm"',
    **dict.fromkeys(("seq", "boot", "time_ms", "time_us"), _WHOLE),
}
_BY_KIND = {
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "less_than_equal": "write a number from -1e12 to 1e12",
    "greater_than_equal": "write a number from -1e12 to 1e12",
    "bool_type": "write true or false",
    "string_type": "write text",
    "string_too_long": "write fewer characters",
    "string_too_short": "write something",
    "dict_type": 'write a map, like {"rain": {"v": 3.2, "unit": "mm"}}',
    "list_type": 'write a list, like [{"name": "rain", "v": 3.2, "unit": "mm"}]',
    "model_type": "write a map",
    "too_long": "write at most 64",
    "too_short": "write at least one",
}


def field_fault(error: ValidationError, prefix: str) -> CodecError:
    """The first thing that `error` finds wrong in the message at `prefix` ("", "[3].")."""
    fault = error.errors(include_url=False, include_context=False)[0]
    steps = fault["loc"]
    if steps and steps[0] in ("time", "id"):
        steps = steps[:1]  # what follows is what a union tried, and no key
    key = prefix + ".".join(map(_named, steps))
    last = str(steps[-1]) if steps else ""
    if fault["type"] == "missing":
        return CodecError("field", f"{key[:120]}: missing; it has to be there")
    rule = _BY_KEY.get(last) or _BY_KIND.get(fault["type"]) or str(fault["msg"]).lower()
    return CodecError("field", f"{key[:120]} = {shown(fault['input'])}: {rule}")


def _named(step: int | str) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(step)[:40])


def shown(value: Any) -> str:
    """`value` for a message about it; never long, never more than one line."""
    if isinstance(value, dict | list | tuple):
        return "{...}" if isinstance(value, dict) else "[...]"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**70:
        return "a huge number"  # to print one takes time that grows with its square
    text = repr(value[:60] if isinstance(value, str | bytes) else value)[:64]
    return "".join(c if c.isprintable() else "?" for c in text)
