"""Commands beside a running agent: ask it, or look at what it left."""

import time
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import Duration, Settings, load_settings
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.identity import Identity
from fieldlink.edge.report import spool_report
from fieldlink.edge.spool import RetentionPolicy, SpoolView

__all__ = ["flat", "kit_status", "mark_fields", "tell_agent"]


def kit_status(settings: EdgeSettings) -> dict[str, Any]:
    """The running agent's status; of a kit whose agent does not run, what is on its disk.

    Raises:
        ConfigError: this user may not look.
        SpoolError: the spool cannot be read.
    """
    answer = ask_agent(settings.control_path, "status")
    if answer is not None and isinstance(answer.get("status"), dict):
        return dict(answer["status"])
    return {
        "running": False,
        "kit": _kit(settings),
        "devices": {},
        "bearers": [],
        "spool": _spool(settings),
        "findings": [],
    }


def _kit(settings: EdgeSettings) -> str | None:
    try:
        return Identity.load(settings.identity_dir).kit
    except ConfigError:
        return settings.kit  # not joined, which the status says


def _spool(settings: EdgeSettings) -> dict[str, Any] | None:
    if not (settings.spool_dir / "index.db").exists():
        return None
    view = SpoolView.open(settings.spool_dir)
    try:
        if not view.is_laid_out:
            return None
        return spool_report(view.totals(RetentionPolicy.from_settings(settings.spool)))
    finally:
        view.close()


def tell_agent(settings: EdgeSettings, command: str, **fields: Any) -> dict[str, Any]:
    """Have the running agent do `command` with `fields`; its answer.

    Raises:
        ConfigError: no agent runs, or this user may not tell it.
    """
    answer = ask_agent(settings.control_path, command, fields)
    if answer is None:
        raise ConfigError(
            f"{settings.control_path}: no agent runs here; start it with fieldlink edge run"
        )
    return answer


def mark_fields(device: str, note: str, before: str, after: str) -> dict[str, Any]:
    """What a bookmark of now is told by: from `before` ago to `after` ahead ("30s").

    Raises:
        ConfigError: that is no length of time.
    """

    class _Span(Settings):
        before: Duration = Field(ge=0, le=86_400)
        after: Duration = Field(ge=0, le=86_400)

    span = load_settings(_Span, f"before = {before!r}\nafter = {after!r}", "edge mark")
    now_us = time.time_ns() // 1000
    from_us, to_us = now_us - round(span.before * 1e6), now_us + round(span.after * 1e6)
    return {"device": device, "note": note, "from_us": from_us, "to_us": to_us}


def flat(values: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as lines of key and value."""
    if isinstance(values, dict):
        for name, value in values.items():
            yield from flat(value, f"{key}.{name}" if key else str(name))
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from flat(value, f"{key}[{number}]")
    else:
        yield key, str(values)
