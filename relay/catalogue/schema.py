"""Opening the catalogue's database: pragmas, version, migration, and what to say when it fails."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.catalogue.server import is_servers_fault, said_by_server, server_url

HEAD = "0004"
_KNOWN = ("0001", "0002", "0003", HEAD)
_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT_MS = 10_000
_WRITERS = 0x4669656C  # names the advisory lock that writers hold: "Fiel"


class CatalogueCorruptError(ArchiveError):
    """The catalogue's file is damaged; it can be rebuilt from the archive."""


class CatalogueNewerError(ArchiveError):
    """The catalogue was written by a later version of the program."""


def sqlite_url(path: Path) -> str:
    """The URL of an embedded catalogue in `path`."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def sqlite_path(url: str) -> Path | None:
    """The file behind `url`; None when it is not an SQLite file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def open_engine(url: str, *, check: bool = False) -> Engine:
    """An engine on the catalogue at `url`, migrated to this version.

    With `check` an embedded catalogue is read through for damage first.

    Raises:
        CatalogueNewerError: a later version of the program wrote it; nothing was touched.
        CatalogueCorruptError: it is damaged.
        ArchiveError: it cannot be reached or opened.
    """
    try:
        path = sqlite_path(url)
        fresh = path is not None and _create_file(path)
        engine = _engine(url)
    except ImportError as error:
        raise ArchiveError(
            f"the catalogue's URL cannot be used ({error}); for PostgreSQL run "
            "pip install 'fieldlink[postgresql]'"
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise ArchiveError(
            f"the catalogue's URL cannot be used ({error}); write sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from error
    except OSError as error:
        raise ArchiveError(
            f"the catalogue {path} cannot be made ({error.strerror}); give its folder to this user"
        ) from error
    try:
        with explained(url):
            _prepare(engine, url, check=check and not fresh)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn the database's errors into the catalogue's.

    Raises:
        CatalogueCorruptError, ArchiveError: what the database said, and what to do.
    """
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        yield
    except (DBAPIError, sqlite3.DatabaseError) as error:
        # The driver's own errors come from its connection, before SQLAlchemy wraps it.
        said = said_by_server(error.orig if isinstance(error, DBAPIError) else error)
        if "malformed" in said or "not a database" in said:
            raise CatalogueCorruptError(
                f"the catalogue {shown} is damaged ({said}); "
                "run `fieldlink relay catalogue rebuild` to make it again from the archive"
            ) from error
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        weather = OperationalError | InterfaceError | sqlite3.OperationalError
        if lost or isinstance(error, weather) or is_servers_fault(getattr(error, "orig", None)):
            raise ArchiveError(
                f"the catalogue {shown} does not work ({said}); check its {_what(url)}"
            ) from error
        raise


def _what(url: str) -> str:
    return "disk and its rights" if sqlite_path(url) is not None else "server, user and rights"


def _create_file(path: Path) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def _engine(url: str) -> Engine:
    engine = sa.create_engine(server_url(make_url(url)), pool_pre_ping=sqlite_path(url) is None)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _on_begin_postgresql)
    return engine


def _on_begin_postgresql(connection: Connection) -> None:
    # One writer at a time, as with SQLite: what is read before it is changed stays as it was.
    # The commit waits for the disk whatever the server's default is.
    if connection.get_execution_options().get("fieldlink_writes", False):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _on_connect(connection: object, _record: object) -> None:
    # The driver's own transactions begin at the first write, too late to be atomic with a read.
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("fieldlink_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare(engine: Engine, url: str, *, check: bool) -> None:
    version = _version(engine)
    if version is not None and version not in _KNOWN:
        raise CatalogueNewerError(
            f"the catalogue is of version {version} and this program knows {HEAD}; "
            "update fieldlink, nothing was touched"
        )
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, url, check=check)
    if version != HEAD:
        _migrate(engine)


def _prepare_sqlite(engine: Engine, url: str, *, check: bool) -> None:
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        found = cursor.execute("PRAGMA quick_check(1)").fetchone()[0] if check else "ok"
        cursor.close()
    finally:
        connection.close()
    if found != "ok":
        raise CatalogueCorruptError(
            f"the catalogue {url} is damaged ({str(found)[:120]}); "
            "run `fieldlink relay catalogue rebuild` to make it again from the archive"
        )


def _version(engine: Engine) -> str | None:
    table = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32)))
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(sa.select(table.c.version_num))


def _migrate(engine: Engine) -> None:
    from alembic import command  # here, because it takes a third of a second to import
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    writing = engine.connect().execution_options(fieldlink_writes=True)
    with writing as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
