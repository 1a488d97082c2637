"""The device commands' work: by the running agent, so that it takes effect at once, or without."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.device_api.desk import DeviceDesk
from fieldlink.edge.device_api.registry import Registry
from fieldlink.systemd.durable import make_folder, write_durably

__all__ = ["add_device", "ask_desk", "device_lines", "write_picture"]


def ask_desk(settings: EdgeSettings, what: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the device desk answers to `what` (add, remove, list).

    Raises:
        ConfigError: it cannot be done, or this user may not.
    """
    answer = ask_agent(settings.control_path, f"device-{what}", fields)
    # A device API that is off, or an agent of before, has no such command.
    if answer is None or "there is no such command" in str(answer.get("said")):
        return _do(settings, what, fields)
    if not answer.get("ok"):
        raise ConfigError(str(answer.get("said")))
    return answer


def _do(settings: EdgeSettings, what: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    folder = settings.device_api_dir
    desk = DeviceDesk(settings.device_api, Registry(folder))
    try:
        if what != "list":
            make_folder(folder)
        found: dict[str, Any] = getattr(desk, what)(fields)
        if what != "list":
            _give_to_owner(settings.state_dir, folder)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder}: {error.strerror}; run as the kit's own user or as root"
        ) from error
    return found


def _give_to_owner(state_dir: Path, folder: Path) -> None:
    """Have what root made belong to whom the agent runs as: the owner of `state_dir`."""
    if os.geteuid() == 0:
        owner = state_dir.stat()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def add_device(
    settings: EdgeSettings, name: str, kind: str, host: str, dji: str = ""
) -> tuple[dict[str, Any], str]:
    """Register a device: its credentials as plain values, and a sentence.

    Raises:
        ConfigError: it cannot be done, or this user may not.
    """
    if table := settings.speakers.get(name):
        raise ConfigError(
            f"{name} is in {table} already, and what two devices measure would be mixed; choose "
            "another name 名称已被占用，请换一个"
        )
    asked = {"name": name, "kind": kind, "host": host} | ({"dji": dji} if dji else {})
    found = ask_desk(settings, "add", asked)
    said = str(found["said"])
    if not settings.device_api.enabled:
        said += "; set enabled = true in [device_api], else nothing listens 请启用 [device_api]"
    if dji and not settings.dji.enabled:
        said += "; set enabled = true in [dji], else nobody answers it 请启用 [dji]"
    return dict(found["device"]), said


def device_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The registered devices for people."""
    if not found["enabled"]:
        yield "the device API is off: set enabled = true in [device_api] 设备接口未启用"
    if not found["devices"]:
        yield "no device is registered; fieldlink edge device add NAME 尚无设备"
    for device in found["devices"]:
        yield f"{device['name']:<32}  {device['kind']:<10} {device.get('dji', '')}".rstrip()


def write_picture(path: Path, picture: bytes) -> None:
    """Write the QR code; whoever reads it can pass for the device, so only its owner may.

    Raises:
        ConfigError: it cannot be written there.
    """
    try:
        write_durably(path, picture)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name another file") from error
