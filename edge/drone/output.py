"""Files that commands write: whole or not at all, and none is overwritten by accident."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from fieldlink.codecs.fault import ConfigError

__all__ = ["Force", "check_out", "write_out"]

Force = Annotated[bool, typer.Option("--force", help="Overwrite the file that is there.")]


def check_out(path: Path, force: bool) -> None:
    """See that `path` may be written, before anything long is done for it.

    Raises:
        ConfigError: it is there already, or its folder is not there or not to be written.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already; choose another name, or --force 文件已存在")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file in it 是文件夹，请写文件名")
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent}: there is no such folder; make it first 文件夹不存在")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{path.parent} may not be written by this user; choose another 无写权限")


def write_out(path: Path, pieces: Iterable[str | bytes], force: bool) -> int:
    """Write `pieces` to `path`; how many bytes.

    Raises:
        ConfigError: it is there already, or cannot be written.
    """
    check_out(path, force)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            for piece in pieces:
                file.write(piece.encode() if isinstance(piece, str) else piece)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        part.rename(path)
    except OSError as error:
        why = error.strerror or error
        raise ConfigError(f"{path} cannot be written: {why}; see its disk 无法写入") from error
    finally:
        part.unlink(missing_ok=True)
    return size
