"""What an agent needs before it runs: the kit's name, clock and folder; and its first words."""

import time
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.identity import Identity
from fieldlink.systemd.durable import make_folder

__all__ = ["attached_counts", "greeting", "kit_name", "make_state_dir", "wall_clock_us"]


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


def attached_counts(settings: EdgeSettings) -> dict[str, int]:
    """What this kit hears beside cameras, by name, and how many of each."""
    found = {
        "sensor 传感器": len(settings.sensor),
        "device API 设备接口": int(settings.device_api.enabled),
        "JT/T 808": int(settings.jt808.enabled),
        "MAVLink": int(settings.drone.enabled),
        "DJI": int(settings.dji.enabled),
        "WHIP": int(settings.whip.enabled),
        "GNSS 卫星定位": int(bool(settings.gnss.url)),
        "TAK": int(settings.cot.enabled),
    }
    return {name: count for name, count in found.items() if count}


def greeting(kit: str, settings: EdgeSettings) -> str:
    """What the agent says when everything runs."""
    cameras, attached = len(settings.device), attached_counts(settings)
    if not cameras and not attached:
        return (
            f"{kit}: nothing is attached; add a [[device]] (a camera) or a [[sensor]], or turn on"
            " [device_api] or [jt808], then fieldlink edge reload 没有接入任何设备"
        )
    parts = []
    if cameras:
        parts.append(f"recording {cameras} device{'s' if cameras > 1 else ''} 路记录中")
    if attached:
        names = (f"{count} {name}" if count > 1 else name for name, count in attached.items())
        parts.append(f"listening to 接入 {', '.join(names)}")
    return f"{kit}: {'; '.join(parts)}"
