"""Commands beside a running agent: ask it, or look at what it left."""

from collections.abc import Iterator
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.identity import Identity
from fieldlink.edge.report import spool_report
from fieldlink.edge.spool import RetentionPolicy, SpoolView

__all__ = ["flat", "kit_status", "tell_agent"]


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
