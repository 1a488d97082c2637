"""A PostgreSQL server of a test's own: a cluster in a folder, on a loopback port, with a password.

PostgreSQL refuses to run as root, so root hands it to the user that its package made.
"""

import os
import pwd
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from fieldlab.peers import missing

__all__ = ["PostgresServer", "postgres_server"]

_USER = "fieldlink"
_QUICK = "-c shared_buffers=32MB -c max_connections=40 -c synchronous_commit=on -c fsync=off"


class PostgresServer:
    """A running server; `database()` makes a new empty database and gives its URL."""

    def __init__(self, port: int, password: str) -> None:
        self._port, self._password = port, password
        self._made = 0

    def url(self, database: str = "postgres") -> str:
        """The URL of `database`, as an operator writes it."""
        return f"postgresql://{_USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def database(self) -> str:
        """The URL of a new database."""
        self._made += 1
        name = f"fieldlink_{self._made}"
        url = self.url().replace("postgresql:", "postgresql+pg8000:")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        engine.dispose()
        return self.url(name)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that lives as long as the context. The test ends if PostgreSQL is not installed."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="fieldlab-pg-") as made:
        folder = Path(made)
        password = secrets.token_urlsafe(12)
        (folder / "password").write_text(password)
        owner = _owner()
        if owner is not None:
            for path in (folder, folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]

        def run(program: str, *argv: str) -> None:
            subprocess.run(
                [str(programs / program), *argv],
                check=True,
                cwd=folder,
                user=None if owner is None else owner.pw_uid,
                group=None if owner is None else owner.pw_gid,
                extra_groups=None if owner is None else [],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        data, log = str(folder / "data"), str(folder / "log")
        secret = ("--auth=scram-sha-256", "--pwfile=password")
        run("initdb", "-D", data, "-U", _USER, *secret, "--encoding=UTF8", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k {folder} {_QUICK}"
        run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield PostgresServer(port, password)
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _programs() -> Path:
    # Debian keeps the server's programs off the PATH, one folder for each version.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("PostgreSQL is not installed (make test installs it as root on Debian and Ubuntu)")
    return found[-1].parent


def _owner() -> pwd.struct_passwd | None:
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None
