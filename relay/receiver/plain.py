"""A kit's report as values that JSON and a page can hold."""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["plain"]

_MAX_TEXT_CHARS = 500


def plain(report: Mapping[str, Any]) -> dict[str, Any]:
    """`report` with bytes as hexadecimal, numbers that are none as None, text printable."""
    return {_text(key): _value(value) for key, value in report.items()}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_text(str(key)): _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, bytes):
        return value[: _MAX_TEXT_CHARS // 2].hex()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:_MAX_TEXT_CHARS]
