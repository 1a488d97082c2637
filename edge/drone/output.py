"""Files that commands write: whole or not at all, and none is overwritten by accident."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from fieldlink.codecs.fault import ConfigError

__all__ = ["Force", "write_out"]

Force = Annotated[bool, typer.Option("--force", help="Overwrite the file that is there.")]


def write_out(path: Path, pieces: Iterable[str | bytes], force: bool) -> int:
    """Write `pieces` to `path`; how many bytes.

    Raises:
        ConfigError: it is there already, or cannot be written.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already; choose another name, or --force")
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
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return size
