"""The exercise's folder and configuration: what an operator would write, written for them."""

import json
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.durable import make_folder

__all__ = ["KIT", "Camera", "Stage", "source_cameras"]

KIT = "kit-1"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Camera:
    """A device of the exercise; `url` is None until its simulator has said where it is."""

    name: str
    kind: str
    url: str | None = None


def source_cameras(sources: Sequence[str]) -> list[Camera]:
    """A camera for each of `sources`: URLs as they are, files by their absolute path.

    Raises:
        ConfigError: a file is not there.
    """
    cameras = []
    for number, source in enumerate(sources, 1):
        path = Path(source)
        if "://" not in source and not path.exists():
            raise ConfigError(f"--source = {source!r}: there is no such file")
        url = source if "://" in source else str(path.resolve())
        cameras.append(Camera(f"source-{number}", "ball", url))
    return cameras


class Stage:
    """Files of one exercise below `folder`; the page listens on `page_port`, 0 for any free one."""

    def __init__(self, folder: Path, page_port: int, capture: str = "") -> None:
        self.folder = folder
        self._capture = capture
        self.centre_toml = folder / "relay.toml"
        self.kit_toml = folder / "edge.toml"
        self.kit_state = folder / "kit"
        self.page_port = page_port or _free_port()
        self.jt808_port = _free_port()
        self.mavlink_port = _free_port(socket.SOCK_DGRAM)
        make_folder(folder)
        self._write_centre()
        self.write_kit([])

    @property
    def kit_spool(self) -> Path:
        """Where the kit's spool is."""
        return self.kit_state / "spool"

    @property
    def control(self) -> Path:
        """The running kit's control socket."""
        return self.kit_state / "control.sock"

    @property
    def page_url(self) -> str:
        """Where the centre's page is."""
        return f"https://{_LOOPBACK}:{self.page_port}/"

    def _write_centre(self) -> None:
        lines = [
            f"state_dir = {_quoted(self.folder / 'centre')}",
            "[broker]",
            f'host = "{_LOOPBACK}"',
            "port = 0",
            "[web]",
            f'host = "{_LOOPBACK}"',
            f"port = {self.page_port}",
            f'addresses = ["{_LOOPBACK}", "localhost"]',
        ]
        self.centre_toml.write_text("\n".join(lines) + "\n")

    def write_kit(self, cameras: Iterable[Camera], attached: str = "") -> None:
        """Write the kit's configuration with `cameras` as its devices; `attached` is TOML of what
        else speaks to it."""
        lines = [f"state_dir = {_quoted(self.kit_state)}", "[spool]", 'keep_free = "200MB"']
        lines.append(self._capture)
        for camera in cameras:
            lines += [
                "[[device]]",
                f"name = {_quoted(camera.name)}",
                f"kind = {_quoted(camera.kind)}",
                f"url = {_quoted(camera.url or '')}",
            ]
        lines.append(attached)
        self.kit_toml.write_text("\n".join(lines) + "\n")


def _quoted(value: object) -> str:
    # A JSON string is a TOML basic string.
    return json.dumps(str(value), ensure_ascii=False)


def _free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
