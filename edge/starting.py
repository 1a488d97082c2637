"""What an agent needs before it runs: the kit's name, clock and folder; and its first words."""

import time
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.identity import Identity
from fieldlink.systemd.durable import make_folder

__all__ = ["greeting", "kit_name", "make_state_dir", "wall_clock_us"]


def wall_clock_us() -> int:
    """The kit's clock: UTC microseconds."""
    return time.time_ns() // 1000


def kit_name(settings: EdgeSettings) -> str:
    """The kit's name: its identity's, or before it has joined the configured one.

    Raises:
        ConfigError: neither is there; or a joined kit is configured under another name.
    """
    try:
        joined = Identity.load(settings.identity_dir).kit
    except ConfigError as error:
        if settings.kit is None:
            raise ConfigError(f'{error}; or set kit = "name" to record before it joins') from error
        return settings.kit
    if settings.kit not in (None, joined):
        raise ConfigError(
            f"kit = '{settings.kit}': this kit joined as {joined}; remove the setting"
        )
    return joined


def make_state_dir(folder: Path) -> None:
    """Make the folder of the kit's state.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise ConfigError(
            f"state_dir = '{folder}': it cannot be made ({error.strerror}); see mount and owner, "
            "or set another"
        ) from error


def greeting(kit: str, devices: int) -> str:
    """What the agent says when everything runs."""
    if not devices:
        return f"{kit}: no device is configured; add a [[device]] with its url, then edge reload"
    return f"{kit}: recording {devices} device{'s' if devices > 1 else ''}"
