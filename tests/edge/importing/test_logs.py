"""Flights' logs into the record: whole, twice, undated, and broken at every kind of place."""

import random
from pathlib import Path

import pytest

from fieldlab.aircraft import flight
from fieldlab.flightlogs import UTC_US, dataflash, recording, ulog
from fieldlab.imports import Landing
from fieldlink.codecs.bundle import IMPORTED
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import tlog_record
from fieldlink.codecs.telemetry import Flag
from fieldlink.drone.record import verify


def _tlog(seconds: float = 8, sysid: int = 1) -> bytes:
    armed = _armed(sysid)
    return b"".join(
        tlog_record(armed if raw[7:10] == b"\0\0\0" else raw, UTC_US + at_us)
        for at_us, raw in flight(seconds, sysid=sysid)
    )


def _armed(sysid: int) -> bytes:
    """A heartbeat of an armed copter."""
    from fieldlab.aircraft import peer

    maker = peer(sysid)
    return bytes(maker.heartbeat_encode(2, 3, 81 | 128, 4, 4).pack(maker))


LOGS = {".tlog": _tlog, ".bin": dataflash, ".ulg": ulog}


@pytest.mark.parametrize("kind", LOGS)
def test_a_log_is_a_flight_with_samples_and_the_file_itself(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{kind}"
    path.write_bytes(LOGS[kind]())
    landing = Landing(tmp_path)
    result = landing.take(path)
    assert (result.devices, result.damage, result.known) == (["m300-1"], "", False)
    [index] = landing.flights()
    assert (index.device, index.ended, index.armed) == ("m300-1", "imported", True)
    assert index.ident == result.flights[0]
    pieces = [(m, c) for m, c in landing.pieces() if m.meta["flight"] == index.ident]
    assert {one.number for one in index.pieces} == {m.meta["piece"] for m, _ in pieces}
    assert sum(verify(content).records for _, content in pieces) == index.frames.total()
    stored = landing.bundles()
    assert {m.meta[IMPORTED] for m, _ in stored} == {result.sha256[:8]}
    place = landing.stream("position")[-1]
    assert abs((place.values[0] or 0) / 1e7 - 30.1234) < 0.01  # type: ignore[operator]
    assert place.flags & Flag.BACKFILL
    assert UTC_US <= place.time_us < UTC_US + 10_000_000
    assert landing.stream("flight")
    kept = [content for _, content in landing.files()]
    assert kept == ([] if kind == ".tlog" else [path.read_bytes()])


def test_the_same_file_is_said_and_stored_once_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(dataflash())
    (tmp_path / "b.bin").write_bytes(dataflash())
    landing = Landing(tmp_path)
    first = landing.take(tmp_path / "a.bin")
    before = len(landing.bundles())
    again = landing.take(tmp_path / "b.bin", vehicle="m300-2")
    assert (again.known, again.devices, again.flights) == (True, ["m300-1"], first.flights)
    assert len(landing.bundles()) == before
    assert not landing.take(tmp_path / "b.bin", again=True).known


def test_what_a_kill_had_stored_is_the_same_when_it_is_imported_again(tmp_path: Path) -> None:
    path = tmp_path / "a.ulg"
    path.write_bytes(ulog())
    landing = Landing(tmp_path, forget=True)
    landing.take(path)
    samples, pieces = landing.samples(), landing.pieces()
    landing.take(path)
    assert landing.samples() == samples  # by device, stream, epoch and number
    told = {(m.meta["flight"], m.meta["piece"], m.content_hash) for m, _ in landing.pieces()}
    assert told == {(m.meta["flight"], m.meta["piece"], m.content_hash) for m, _ in pieces}
    assert len({one.ident for one in landing.flights()}) == 1
    landing.take(path, vehicle="m300-2")
    assert len({one.ident for one in landing.flights()}) == 2


def test_a_log_without_a_date_waits_for_somebody_who_says_when_it_began(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(dataflash().replace(b"GPS", b"GPX"))
    landing = Landing(tmp_path)
    with pytest.raises(SourceError, match="--began") as refused:
        landing.take(path)
    assert refused.value.reason == "undated"
    assert not landing.bundles()
    result = landing.take(path, began_us=UTC_US - 60_000_000)
    assert result.first_us == UTC_US - 60_000_000


def _places(size: int) -> list[int]:
    rng = random.Random(size)
    return [size - 1, size // 2, *(rng.randrange(size // 4, size) for _ in range(3))]


def _hurt(path: Path, data: bytes, landing: Landing) -> str:
    """What is said of a file; nothing may be stored that is not sound."""
    path.write_bytes(data)
    try:
        result = landing.take(path)
    except SourceError as error:
        return str(error)
    for _, content in landing.pieces():
        assert verify(content).whole
    if result.damage or path.suffix != ".tlog":  # a whole one is in its pieces
        assert data in [content for _, content in landing.files()]
    return result.damage


@pytest.mark.parametrize("kind", LOGS)
def test_a_log_that_is_cut_or_broken_gives_what_is_before_and_says_where(
    kind: str, tmp_path: Path
) -> None:
    whole = LOGS[kind](8)
    landing = Landing(tmp_path)
    for place in _places(len(whole)):
        said = _hurt(tmp_path / f"cut-{place}{kind}", whole[:place], landing)
        # A cut between two records is no damage that anybody could see.
        assert not said or f"cut-{place}{kind}: it ends " in said
    for place in _places(len(whole))[1:]:
        noise = whole[:place] + bytes(64) + b"\xa5" * 64 + whole[place + 128 :]
        said = _hurt(tmp_path / f"bad-{place}{kind}", noise, landing)
        assert "byte" in said
        at = int("".join(c if c.isdigit() else " " for c in said.rpartition("byte")[2]).split()[0])
        assert place - 400 < at <= place + 128


@pytest.mark.parametrize("name", ["ardupilot-test.BIN", "px4-sample_log_small.ulg"])
def test_a_real_log_is_imported_whole_cut_and_broken(name: str, tmp_path: Path) -> None:
    data = recording(name).read_bytes()
    landing = Landing(tmp_path)
    ending = Path(name).suffix
    _hurt(tmp_path / f"whole{ending}", data, landing)
    assert landing.pieces()
    assert landing.stream("attitude")
    for place in _places(len(data))[:3]:
        assert _hurt(tmp_path / f"cut-{place}{ending}", data[:place], landing)
    middle = len(data) // 2
    broken = data[:middle] + b"\xa5" * 300 + data[middle + 300 :]
    assert "byte" in _hurt(tmp_path / f"bad{ending}", broken, landing)


def test_frames_of_a_time_that_cannot_be_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    raw = _armed(1)
    path.write_bytes(_tlog(4) + tlog_record(raw, UTC_US * 2) + tlog_record(raw, 5))
    landing = Landing(tmp_path)
    result = landing.take(path)
    assert "2 frames have a time that cannot be" in result.damage
    assert result.last_us is not None
    assert result.last_us < UTC_US + 5_000_000


def test_a_hole_in_a_log_is_a_gap_and_ten_minutes_are_another_flight(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    later = b"".join(
        tlog_record(_armed(1), UTC_US + at_s * 1_000_000) for at_s in (0, 1, 2, 60, 61, 900, 901)
    )
    path.write_bytes(later)
    landing = Landing(tmp_path)
    landing.take(path)
    first, second = sorted(landing.flights(), key=lambda one: one.start_us)
    [gap] = first.gaps
    assert (gap.start_us, gap.end_us) == (UTC_US + 2_000_000, UTC_US + 60_000_000)
    assert gap.reason.startswith("log:")
    assert not second.gaps
    assert second.start_us == UTC_US + 900_000_000
    assert landing.gaps == [("m300-1", "mavlink", gap.start_us, gap.end_us, gap.reason)]


def test_every_aircraft_of_a_log_is_recorded_under_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    records = [
        (UTC_US + at_us, raw)
        for sysid in (3, 4)
        for at_us, raw in flight(3, sysid=sysid, seed=sysid)
    ]
    path.write_bytes(b"".join(tlog_record(raw, at_us) for at_us, raw in sorted(records)))
    landing = Landing(tmp_path)
    result = landing.take(path)
    assert len(result.devices) == 2
    assert result.devices[0] == "m300-1"
    assert result.devices[1] in ("mav-3", "mav-4")
    assert {device for device, stream, _ in landing.samples() if stream == "position"} == {
        *result.devices
    }
    assert landing.take(path, vehicle="", again=True).devices in (
        ["mav-3", "mav-4"],
        ["mav-4", "mav-3"],
    )
