"""What every part of the catalogue stands on: one engine, read and write transactions."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection, Engine

from fieldlink.relay.catalogue.schema import explained


class Part:
    """A group of the catalogue's methods. Thread-safe: each call has a transaction of its own."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self._url = url

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with explained(self._url), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with (
            explained(self._url),
            self._engine.connect().execution_options(fieldlink_writes=True) as connection,
            connection.begin(),
        ):
            yield connection
