"""Who had an aircraft fly somewhere, or wanted to: a line for each command and each answer, on the
disk before the command goes. <state_dir>/flight-commands.jsonl, and the one before it.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.durable import give_to_folders_owner, sync_folder

__all__ = ["read_journal", "write_journal"]

_NAME = "flight-commands.jsonl"
_MAX_BYTES = 1_000_000


def write_journal(state_dir: Path, record: Mapping[str, Any]) -> None:
    """Add `record`; it is on the disk when this returns.

    Raises:
        ConfigError: it cannot be written, so nothing may be commanded.
    """
    path = state_dir / _NAME
    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    try:
        if path.exists() and path.stat().st_size + len(line) > _MAX_BYTES:
            path.replace(path.with_suffix(".old.jsonl"))
        new = not path.exists()
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            whole = line if _ends_whole(path) else b"\n" + line
            if os.write(number, whole) != len(whole):  # the disk took a part
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(number)
            if new:
                give_to_folders_owner(path)
                sync_folder(state_dir)
        finally:
            os.close(number)
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}; what cannot be recorded is not commanded, so run as the"
            " kit's own user or as root 无法记录则不执行"
        ) from error


def _ends_whole(path: Path) -> bool:
    """Whether its last line is whole: a power cut may have left half of one."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        return file.read(1) in (b"", b"\n")


def read_journal(state_dir: Path) -> Iterator[dict[str, Any]]:
    """What is recorded, the oldest first; lines that a power cut left half are left out.

    Raises:
        ConfigError: it cannot be read.
    """
    path = state_dir / _NAME
    for file in (path.with_suffix(".old.jsonl"), path):
        try:
            lines = file.read_bytes().splitlines() if file.exists() else []
        except OSError as error:
            raise ConfigError(f"{file}: {error.strerror}") from error
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record
