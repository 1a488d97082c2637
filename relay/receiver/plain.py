"""A kit's report made fit for pages and terminals: the codec saw to the types, this to the text."""

from collections.abc import Mapping
from typing import Any

__all__ = ["plain"]

_MAX_TEXT_CHARS = 500


def plain(report: Mapping[str, Any]) -> dict[str, Any]:
    """`report` with every text printable and bounded."""
    return {_text(key): _value(value) for key, value in report.items()}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_text(str(key)): _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:_MAX_TEXT_CHARS]
