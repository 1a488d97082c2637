"""A catalogue of version 0001 with something in it, opened by this version."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from fieldlab.receiving import T0_US, make_bundle
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.telemetry import (
    BATTERY,
    KIT_DEVICE,
    SHEAF_MEDIA_TYPE,
    SHEAF_STREAM,
    Block,
    Sample,
    encode_sheaf,
)
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.names import bundle_path
from fieldlink.relay.archive.rebuild import rebuild
from fieldlink.relay.catalogue import STANDING, Catalogue, sqlite_url
from fieldlink.relay.catalogue.migrations.versions import v0001_first
from fieldlink.relay.catalogue.tables import METADATA
from fieldlink.relay.feed import Feed
from fieldlink.relay.telemetry.history import Query
from fieldlink.relay.telemetry.service import Telemetry

_MIGRATIONS = Path(v0001_first.__file__).parents[1]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A catalogue as version 0001 left it: a bundle, its summary, a kit, an incident."""
    path = tmp_path / "catalogue.sqlite"
    _made(path, "0001")
    bundle = make_bundle(b"x" * 10, layer=Layer.STILL)
    m = bundle.manifest
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("INSERT INTO incidents VALUES (?,?,?,?,?)", ("fire", "Fire", 5, 60, None))
        kit = ("kit-a", 1, T0_US, "0.1", "lan", '{"ball-1": "ball"}', '{"gaps": 1}', T0_US, 3)
        raw.execute("INSERT INTO kits VALUES (?,?,?,?,?,?,?,?,?)", kit)
        filed = (1, bundle.id, STANDING, m.kit, m.spool, m.sequence, m.device, m.stream)
        span = (m.layer.value, m.start_us, m.end_us, m.size, bundle.encoded, "a/b", m.recorded_us)
        row = (*filed, *span, None, None, None, m.recorded_us + 5, "lan")
        _insert(raw, "bundles", row)
        key = (STANDING, m.kit, m.device, m.stream, m.layer.value, 1, m.size, 1_000_000)
        times = (m.start_us, m.end_us, 1, 1, m.start_us, bundle.id)
        _insert(raw, "summaries", (*key, *times))
        raw.commit()
    return path


def _made(path: Path, version: str) -> None:
    """Make the tables of a version."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = sa.create_engine(sqlite_url(path))
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


def _insert(raw: sqlite3.Connection, table: str, row: tuple[object, ...]) -> None:
    marks = ",".join("?" * len(row))
    raw.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608  # a test's own words


def test_everything_of_version_0001_is_there_and_the_tables_are_this_versions(old: Path) -> None:
    with Catalogue.open(old, now_us=T0_US) as catalogue:
        [filed] = catalogue.bundles()
        kit = catalogue.kit("kit-a")
        spans = list(catalogue.spans_after(STANDING, 0))
        assert catalogue.wants() == []
        incidents = [incident.id for incident in catalogue.incidents()]
    assert filed.manifest.layer is Layer.STILL
    assert kit is not None
    assert (kit.report, kit.plan, kit.plan_us, kit.heard_on) == ({"gaps": 1}, None, None, None)
    assert [(span.number, span.layer, span.thin) for span in spans] == [(1, "still", None)]
    assert incidents == ["fire", STANDING]
    engine = sa.create_engine(sqlite_url(old))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_a_catalogue_of_version_0001_is_made_again_with_what_it_knew(
    old: Path, tmp_path: Path
) -> None:
    archive = Archive.open(tmp_path / "archive")
    made, findings = rebuild(sqlite_url(old), archive, lambda: T0_US)
    kit = made.kit("kit-a")
    assert kit is not None
    assert (kit.devices, kit.plan) == ({"ball-1": "ball"}, None)
    assert not [text for text in findings if "could not be saved" in text]
    made.close()
    archive.close()


def test_telemetry_that_a_centre_of_version_0002_filed_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    _made(path, "0002")
    sample = Sample(T0_US, 7, (500, 3700, None, 250, 0))
    content = encode_sheaf([Block("pump-1", "sensor", BATTERY, 1, (sample,))])
    fields: dict[str, Any] = {"layer": Layer.REPORT, "media_type": SHEAF_MEDIA_TYPE}
    bundle = make_bundle(content, device=KIT_DEVICE, stream=SHEAF_STREAM, **fields)
    m = bundle.manifest
    where = bundle_path(m, STANDING)
    (tmp_path / "archive" / where).parent.mkdir(parents=True)
    (tmp_path / "archive" / where).write_bytes(content)
    with closing(sqlite3.connect(path)) as raw:
        filed = (1, bundle.id, STANDING, m.kit, m.spool, m.sequence, m.device, m.stream)
        span = (m.layer.value, m.start_us, m.end_us, m.size, bundle.encoded, where, m.recorded_us)
        _insert(raw, "bundles", (*filed, *span, None, None, None, T0_US + 5, "lan", None))
        raw.commit()
    with Catalogue.open(path, now_us=T0_US) as catalogue:
        archive = Archive.open(tmp_path / "archive", write=False)
        telemetry = Telemetry(catalogue, archive, Feed(), clock=lambda: T0_US)
        telemetry.settle()
        query = Query("kit-a", "pump-1", "battery", 0, 2**62, columns=("level",))
        assert telemetry.history.find(query, T0_US).rows == [[T0_US, 1, 7, 0, 50.0]]
