"""The databases that a catalogue can be in: a file of its own, and a PostgreSQL server's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fieldlab.fleet import Shelf
from fieldlab.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


def _file(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue("tmp_path")
    return folder / "state" / "catalogue.sqlite"


def _server(request: pytest.FixtureRequest) -> str:
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture(params=[_file, _server], ids=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> Path | str:
    """Where a new catalogue goes, each kind of database in turn."""
    place: Callable[[pytest.FixtureRequest], Path | str] = request.param
    return place(request)


@pytest.fixture
def shelf(tmp_path: Path, where: Path | str) -> Iterator[Shelf]:
    """A centre's store."""
    opened = Shelf(tmp_path, where=where, now_us=1_790_000_000_000_000)
    yield opened
    opened.close()
