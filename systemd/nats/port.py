"""A TCP port that was chosen once and is kept, because others remember it."""

import socket
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.durable import write_durably

__all__ = ["free_port", "kept_port"]


def kept_port(path: Path, host: str) -> int:
    """A free port of `host`, the same one at every start: the file `path` remembers it.

    Raises:
        ConfigError: the file is damaged.
        OSError: it cannot be written.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        port = free_port(host)
        write_durably(path, f"{port}\n".encode())
        return port
    if not text.strip().isdecimal() or not 0 < int(text) < 65536:
        raise ConfigError(f"{path}: damaged; write the broker's port into it, or remove it")
    return int(text)


def free_port(host: str) -> int:
    """A TCP port that nobody listens on at `host`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
