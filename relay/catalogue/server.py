"""A catalogue on a PostgreSQL server: its URL for the driver, its password, what it says of faults.

A password does not stand in the settings. It is looked for where PostgreSQL's own programs look
(PostgreSQL 15, 34.15 and 34.16), because the driver does not: PGPASSWORD, then the file named by
PGPASSFILE or ~/.pgpass, which nobody else may read.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import URL

from fieldlink.codecs.fault import ConfigError

__all__ = ["is_servers_fault", "said_by_server", "server_url"]

_DRIVER = "postgresql+pg8000"
_PORT = 5432
_MAX_FILE_BYTES = 64_000
_FIELD = re.compile(r"((?:\\.|[^:\\])*)(?::|$)")


def server_url(url: URL, environment: Mapping[str, str] = os.environ) -> URL:
    """`url` with the driver that is a dependency if it names none, and with its password.

    Raises:
        ConfigError: the password file can be read by others.
    """
    if url.get_backend_name() != "postgresql":
        return url
    if "+" not in url.drivername:
        url = url.set(drivername=_DRIVER)
    if url.password is not None:
        return url
    password = environment.get("PGPASSWORD") or _from_file(url, environment)
    return url if password is None else url.set(password=password)


def _from_file(url: URL, environment: Mapping[str, str]) -> str | None:
    path = Path(environment.get("PGPASSFILE") or Path("~/.pgpass").expanduser())
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others can read this password file; run chmod 0600 {path}")
        text = path.read_text(encoding="utf-8")[:_MAX_FILE_BYTES]
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the password file cannot be read ({error})") from error
    wanted = (url.host or "localhost", str(url.port or _PORT), url.database or "", url.username)
    for line in text.splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in _FIELD.findall(line)[:5]]
        if line.startswith("#") or len(fields) < 5:
            continue
        if all(field in ("*", value) for field, value in zip(fields, wanted, strict=False)):
            return fields[4]
    return None


def said_by_server(error: BaseException | None) -> str:
    """What is wrong, in the server's words if it had any."""
    return _fields(error).get("M") or str(error)


def is_servers_fault(error: BaseException | None) -> bool:
    """Whether the server or the way to it is at fault, not what was asked of it.

    By the class of the SQLSTATE (PostgreSQL 15, appendix A): connection, authorisation, no such
    database, resources, an operator's intervention, the system itself; missing rights; read-only.
    """
    state = _fields(error).get("C", "")
    return state[:2] in {"08", "28", "3D", "53", "57", "58"} or state in {"42501", "25006"}


def _fields(error: BaseException | None) -> dict[str, str]:
    """The fields of the server's message, by their letters (PostgreSQL 15, 55.8)."""
    said = error.args[0] if error is not None and error.args else None
    return said if isinstance(said, dict) else {}
