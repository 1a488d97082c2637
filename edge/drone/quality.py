"""How thick the video of an aircraft is recorded, in words that people use."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fieldlink.drone.commanding import CommandError
from fieldlink.edge.capture.settings import CaptureSettings

__all__ = ["FIELDS", "PRESETS", "capture_of", "capture_report"]

FIELDS = {
    "width": ("proxy", "width"),
    "height": ("proxy", "height"),
    "fps": ("proxy", "fps"),
    "rate": ("proxy", "rate"),
    "still_every": ("still", "every"),
    "still_size": ("still", "size"),
    "still_width": ("still", "width"),
}
"""What may be asked for, and the setting that it is."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "thin": {
        "width": 320, "height": 180, "fps": 5, "rate": "48kbit/s",
        "still_every": "30s", "still_size": "6kB", "still_width": 320,
    },
    "clear": {
        "width": 1280, "height": 720, "fps": 15, "rate": "800kbit/s",
        "still_every": "5s", "still_size": "60kB", "still_width": 1280,
    },
}  # fmt: skip
"""thin: for a link that carries next to nothing; clear: to recognise things on it."""


def capture_of(asked: Mapping[str, Any]) -> CaptureSettings | None:
    """The settings that are asked for; None: as configured.

    Raises:
        CommandError: "refused", with the value that cannot be.
    """
    preset = asked.get("preset")
    if preset is not None and preset not in PRESETS and preset != "configured":
        raise CommandError("refused", f"use one of {', '.join(PRESETS)}, configured")
    wanted = {**PRESETS.get(str(preset), {})}
    wanted |= {name: asked[name] for name in FIELDS if asked.get(name) is not None}
    if not wanted:
        if preset == "configured":
            return None
        raise CommandError("refused", "say what: thin, clear, configured, or one value 请指定画质")
    values: dict[str, dict[str, Any]] = {}
    for name, value in wanted.items():
        layer, field = FIELDS[name]
        values.setdefault(layer, {})[field] = value
    try:
        return CaptureSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = next(
            (n for n, (layer, field) in FIELDS.items() if (layer, field) == first["loc"][:2]), ""
        )
        raise CommandError("refused", f"{where}: {first['msg']}") from error


def capture_report(capture: CaptureSettings) -> dict[str, Any]:
    """What a device is recorded with now, of what may be asked for."""
    shown = capture.model_dump()
    return {name: shown[layer][field] for name, (layer, field) in FIELDS.items()}
