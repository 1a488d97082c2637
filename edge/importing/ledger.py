"""Which files were imported, by their content: <state_dir>/imports.jsonl, a line for each."""

import json
import os
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError

__all__ = ["find_import", "note_import"]

_NAME = "imports.jsonl"
_MAX_BYTES = 16_000_000


def find_import(state_dir: Path, digest: str) -> dict[str, Any] | None:
    """What was noted last of the file of that SHA-256; None: it was never imported here.

    Raises:
        ConfigError: the list cannot be read.
    """
    path = state_dir / _NAME
    found: dict[str, Any] | None = None
    try:
        with path.open("rb") as lines:
            for line in lines:
                if digest.encode() not in line:
                    continue
                try:
                    record = json.loads(line)
                except ValueError:
                    continue  # a power cut left it half
                if isinstance(record, dict) and record.get("sha256") == digest:
                    found = record
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return found


def note_import(state_dir: Path, record: dict[str, Any]) -> None:
    """Add `record`; it is on the disk when this returns.

    Raises:
        ConfigError: it cannot be written.
    """
    path = state_dir / _NAME
    line = b"\n" + json.dumps(record, ensure_ascii=False).encode() + b"\n"
    try:
        if path.exists() and path.stat().st_size > _MAX_BYTES:
            path.replace(path.with_suffix(".old.jsonl"))
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            os.write(number, line)
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; what was imported is not noted") from error
