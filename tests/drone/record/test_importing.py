"""Flights that were recorded elsewhere, real ones too where there are any."""

import contextlib
from itertools import islice
from pathlib import Path

import pytest

from fieldlab.aircraft import flight
from fieldlab.flightlogs import UTC_US, dataflash, recording, ulog
from fieldlink.codecs.bundle import Draft, Layer
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import Framer, tlog_record
from fieldlink.drone.connection.logs import read_log
from fieldlink.drone.record import flight_track, import_log, join, systems, verify
from fieldlink.drone.vehicle import Fleet, Measured


def _imported(path: Path) -> tuple[list[tuple[Draft, bytes]], str]:
    bundles: list[tuple[Draft, bytes]] = []
    done = import_log(path, "m300-1", lambda *one: bundles.append(one), lambda: UTC_US)
    tlogs = [one for one in bundles if one[0].layer is Layer.ORIGINAL]
    assert done.pieces == len(tlogs)
    assert done.frames == sum(verify(content).records for _, content in tlogs)
    return bundles, done.damage


def test_a_ground_stations_log_comes_in_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "flight.tlog"
    data = b"".join(tlog_record(raw, UTC_US + at_us) for at_us, raw in flight(130))
    path.write_bytes(data)
    bundles, damage = _imported(path)
    assert damage == ""
    assert [draft.meta["closed"] for draft, _ in bundles] == ["full", "full", "imported"]
    whole = join(content for _, content in bundles)
    # What came before the first heartbeat is nobody's.
    assert data.endswith(whole)
    assert len(data) - len(whole) < 200


def test_a_damaged_log_gives_what_is_before_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "flight.tlog"
    data = b"".join(tlog_record(raw, UTC_US + at_us) for at_us, raw in flight(20))
    path.write_bytes(data[:5000] + b"\0" * 9 + data[5000:])
    bundles, damage = _imported(path)
    assert bundles
    assert damage.startswith("damaged:")
    path.write_bytes(b"no log at all")
    with pytest.raises(SourceError):
        _imported(path)


@pytest.mark.parametrize("kind", [".bin", ".ulg"])
def test_an_autopilots_own_log_is_a_flight(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"flight{kind}"
    path.write_bytes({".bin": dataflash, ".ulg": ulog}[kind]())
    bundles, _ = _imported(path)
    flights = [draft for draft, _ in bundles if draft.layer is Layer.REPORT]
    assert [draft.meta["ended"] for draft in flights] == ["imported"]
    whole = join(c for draft, c in bundles if draft.layer is Layer.ORIGINAL)
    [system] = systems(whole)
    assert list(flight_track(whole, "m300-1", system).fixes)


@pytest.mark.parametrize("name", ["ardupilot-test.BIN", "px4-sample_log_small.ulg"])
def test_a_real_log_makes_samples_of_every_kind(name: str) -> None:
    path = recording(name)
    fleet = Fleet()
    counts: dict[str, int] = {}
    with contextlib.suppress(SourceError):  # one of them is cut off
        for logged in islice(read_log(path), 20_000):
            for frame in Framer("log").datagram(logged.raw, logged.at_us):
                for said in fleet.take(frame, logged.at_us):
                    if isinstance(said, Measured):
                        stream = said.schema.stream
                        counts[stream] = counts.get(stream, 0) + 1
    assert counts["flight"]
    assert counts["attitude"]
    [vehicle] = fleet.vehicles.values()
    assert vehicle.state.mode
