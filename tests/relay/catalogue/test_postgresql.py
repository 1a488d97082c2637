"""What only a catalogue on a server can meet: it is away, refuses, restarts, or is newer."""

import threading
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from fieldlab.postgres import PostgresServer
from fieldlab.receiving import StillCentre, make_bundle
from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.rebuild import open_or_rebuild, rebuild
from fieldlink.relay.catalogue import Catalogue, CatalogueNewerError

_NOBODY = "postgresql://fieldlink:topsecret@127.0.0.1:1/fieldlink"


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(ArchiveError, match=r"127\.0\.0\.1.*check its server") as told:
        Catalogue.open(_NOBODY, now_us=1)
    assert "topsecret" not in str(told.value)


def test_a_wrong_password_is_refused_in_one_sentence(postgres: PostgresServer) -> None:
    where, _, rest = postgres.database().rpartition("@")
    with pytest.raises(ArchiveError, match=r"password authentication failed.*user and rights"):
        Catalogue.open(f"{where}x@{rest}", now_us=1)


def test_a_database_that_is_not_there_is_refused_in_one_sentence(postgres: PostgresServer) -> None:
    with pytest.raises(ArchiveError, match='"nowhere" does not exist'):
        Catalogue.open(postgres.url("nowhere"), now_us=1)


def test_connections_that_the_server_ended_are_opened_anew(postgres: PostgresServer) -> None:
    url = postgres.database()
    with Catalogue.open(url, now_us=1) as catalogue, Catalogue.open(url, now_us=1) as beside:
        with catalogue._read() as connection:
            mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with beside._write() as connection:  # and wait until it is gone, for at most 5 s
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({mine}, 5000)")
        assert [each.id for each in catalogue.incidents()] == ["standing"]


def test_a_catalogue_of_a_later_version_is_left_alone(postgres: PostgresServer) -> None:
    url = postgres.database()
    with Catalogue.open(url, now_us=1) as catalogue, catalogue._write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num='0099'")
    with pytest.raises(CatalogueNewerError, match="version 0099"):
        Catalogue.open(url, now_us=1)


def test_writers_wait_for_each_other(postgres: PostgresServer) -> None:
    # What is read before it is changed must stay as it was: a number counted up by eight threads.
    url = postgres.database()
    with Catalogue.open(url, now_us=1) as catalogue:
        with catalogue._write() as connection:
            connection.exec_driver_sql("CREATE TABLE n (n integer)")
            connection.exec_driver_sql("INSERT INTO n VALUES (0)")

        def count() -> None:
            for _ in range(5):
                with catalogue._write() as mine:
                    found = mine.exec_driver_sql("SELECT n FROM n").scalar()
                    assert found is not None
                    mine.exec_driver_sql(f"UPDATE n SET n = {found + 1}")  # noqa: S608

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with catalogue._read() as connection:
            assert connection.exec_driver_sql("SELECT n FROM n").scalar() == 20


def test_a_server_s_catalogue_is_not_made_again_in_place(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    archive = Archive.open(tmp_path / "archive")
    try:
        with pytest.raises(ArchiveError, match="new empty database"):
            rebuild(postgres.database(), archive, lambda: 1)
    finally:
        archive.close()


def test_the_password_is_found_where_postgresql_s_own_programs_find_it(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = make_url(postgres.database())
    file = tmp_path / "pgpass"
    other = f"# a comment\nelsewhere:*:*:*:wrong\n*:*:*:some\\:body:wrong\n{plain.host}:*:*:"
    file.write_text(f"{other}{plain.username}:{plain.password}\n")
    monkeypatch.setenv("PGPASSFILE", str(file))
    monkeypatch.delenv("PGPASSWORD", raising=False)
    url = f"postgresql://{plain.username}@{plain.host}:{plain.port}/{plain.database}"
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 0600"):
        Catalogue.open(url, now_us=1)
    file.chmod(0o600)
    Catalogue.open(url, now_us=1).close()
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(ArchiveError, match="password authentication failed"):
        Catalogue.open(url, now_us=1)


def test_a_new_empty_database_is_filled_from_the_archive(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    bundles = [make_bundle(bytes([run]) * 100, sequence=run) for run in range(4)]
    for bundle in bundles:  # each run has a ledger of its own
        centre = StillCentre(tmp_path)
        centre.send_rest(bundle)
        centre.close()
    archive = Archive.open(tmp_path / "archive")
    try:
        catalogue, findings = open_or_rebuild(postgres.database(), archive, lambda: 1)
        with catalogue:
            assert catalogue.held([bundle.id for bundle in bundles]) == {b.id for b in bundles}
        assert "4 bundles were in the archive" in findings[0]
    finally:
        archive.close()
