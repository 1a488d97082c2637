"""NMEA 0183: lines, sentences, fixes. Vectors: recorded from receivers ([V]) or computed ([C])."""

import datetime

import pynmea2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.nmea import (
    MAX_LINE_BYTES,
    Fix,
    Fixes,
    Framer,
    Gga,
    Gsa,
    Gst,
    Gsv,
    Line,
    Refused,
    Rmc,
    Txt,
    Zda,
    frame,
    read,
    sentences_of,
)

BUILT = datetime.date(2026, 1, 1)
VECTORS = [
    b"$GNRMC,070723.00,A,2309.30979,N,11330.00659,E,0.08,,070324,,,A,V*29",
    b"$GNZDA,070728.00,07,03,2024,00,00*72",
    b"$GNGGA,092725.00,3414.12345,N,10856.54321,E,4,12,0.8,412.5,M,-28.3,M,1.0,0001*77",
    b"$BDGGA,092725.00,3414.12345,N,10856.54321,E,1,08,1.2,412.5,M,-28.3,M,,*53",
    b"$GBGGA,092725.00,3414.12345,N,10856.54321,E,1,08,1.2,412.5,M,-28.3,M,,*50",
    b"$GBGSV,2,1,06,01,45,138,38,02,30,230,35,03,55,190,41,06,62,010,44,1*79",
    b"$GNGSA,A,3,01,02,03,06,,,,,,,,,1.9,1.2,1.4,4*3C",
    b"$GNGST,092725.00,1.2,0.8,0.6,45.0,0.7,0.6,1.5*7B",
    b"$GNTXT,01,01,01,ANTENNA OPEN*3B",
]
# Messages of Beidou's other service on the same port; their checksums are right.
BEIDOU = [
    b"$BDTXR,1,0242286,2,,A4B2E2CAD4*4F",
    b"$BDTXR,1,4207733,1,2337,90000000000065C1FAF4B2E2CAD4*3F",
]


def lines(data: bytes) -> list[Line | Refused]:
    return Framer().feed(data)


def one(line: bytes) -> Line:
    (event,) = lines(line + b"\r\n")
    assert isinstance(event, Line)
    return event


def fixes(data: bytes, earliest: datetime.date = BUILT) -> list[Fix]:
    joined = Fixes(earliest)
    found = []
    for event in lines(data):
        assert isinstance(event, Line), event
        sentence = read(event)
        if sentence is not None and (fix := joined.add(sentence, 5)) is not None:
            found.append(fix)
    if (fix := joined.flush()) is not None:
        found.append(fix)
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector[1:6].decode())
def test_each_vector_is_read_and_written_as_it_was(vector: bytes) -> None:
    line = one(vector)
    assert read(line) is not None
    assert frame(line.body) == vector + b"\r\n"
    assert pynmea2.parse(vector.decode(), check=True).render() == vector.decode()


def test_the_vectors_say_what_they_say() -> None:
    rmc, zda, gga, _, _, gsv, gsa, gst, txt = (read(one(vector)) for vector in VECTORS)
    assert isinstance(rmc, Rmc)
    assert rmc.valid, "A receiver's V for navigation at sea is not its status"
    assert rmc.date == datetime.date(2024, 3, 7)
    assert rmc.lat == pytest.approx(23 + 9.30979 / 60)
    assert rmc.speed == pytest.approx(0.08 * 1852 / 3600)
    assert zda == Zda("GN", (7 * 3600 + 7 * 60 + 28) * 1_000_000, datetime.date(2024, 3, 7))
    assert isinstance(gga, Gga)
    assert (gga.quality, gga.satellites, gga.alt, gga.hdop) == (4, 12, 412.5, 0.8)
    assert gga.lon == pytest.approx(108 + 56.54321 / 60)
    assert gsv == Gsv("GB", 6)
    assert gsa == Gsa("GN", 3, 4, 1.2)
    assert gst == Gst("GN", 34_045_000_000, 0.7, 0.6)
    assert txt == Txt("GN", "ANTENNA OPEN")


@pytest.mark.parametrize("vector", BEIDOU)
def test_beidou_messages_between_do_no_harm(vector: bytes) -> None:
    assert read(one(vector)) is None
    assert len(fixes(VECTORS[2] + b"\r\n" + vector + b"\r\n" + VECTORS[7] + b"\r\n")) == 1


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector[1:6].decode())
def test_one_wrong_bit_is_refused(vector: bytes) -> None:
    for at in (7, len(vector) - 1, len(vector) - 4):
        wrong = bytearray(vector)
        wrong[at] ^= 0x01
        (event,) = lines(bytes(wrong) + b"\r\n")
        assert isinstance(event, Refused)
        assert event.reason == "checksum"


def test_capitals_do_not_matter() -> None:
    body = VECTORS[2][1:-3].lower()
    event = one(frame(body).strip())
    assert event.ident == "GNGGA"
    found = read(event)
    assert isinstance(found, Gga)
    assert found.lat is not None
    assert found.lat > 0
    assert isinstance(one(VECTORS[6][:-2] + b"3c"), Line)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"$GNRMC,070723.00,A\r\n", "no-checksum"),
        (b"$GNRMC,0707$GNZDA,070728.00,07,03,2024,00,00*72\r\n", "cut-off"),
        (b"$*00\r\n", "address"),
        (b"$GNRMC*1\r\n", "checksum"),
        (b"$GNRMC*+5\r\n", "checksum"),
        (b"$" + b"A" * MAX_LINE_BYTES + b"\r\n", "too-long"),
    ],
)
def test_what_is_no_line_is_said_with_its_reason(data: bytes, reason: str) -> None:
    events = lines(data + VECTORS[0] + b"\r\n")
    assert isinstance(events[0], Refused)
    assert events[0].reason == reason
    assert events[-1] == one(VECTORS[0]), "what comes after is read"


@given(st.data())
def test_any_chunking_gives_the_same(data: st.DataObject) -> None:
    noise = st.one_of(st.sampled_from([*VECTORS, *BEIDOU, b"$", b"\r\n", b"\xb5b\x01$*"]))
    raw = b"\r\n".join(data.draw(st.lists(st.one_of(noise, st.binary(max_size=20)), max_size=12)))
    whole = lines(raw)
    framer, events, at = Framer(), list[Line | Refused](), 0
    while at < len(raw):
        step = data.draw(st.integers(1, 40))
        events += framer.feed(raw[at : at + step])
        at += step
    assert events == whole


@given(st.lists(st.binary(max_size=9000), max_size=4))
def test_garbage_never_raises_nor_piles_up(pieces: list[bytes]) -> None:
    framer = Framer()
    for piece in pieces:
        for event in framer.feed(piece):
            if isinstance(event, Line):
                read(event)
        assert len(framer._held) <= MAX_LINE_BYTES


@given(
    st.sampled_from(["RMC", "GGA", "GSA", "GSV", "GST", "ZDA", "VTG", "TXT"]),
    st.lists(
        st.one_of(
            st.sampled_from(["nan", "inf", "-1", "1e999", "A", "V", "N", "é", "9" * 400, ""]),
            st.text(max_size=12),
        ),
        max_size=20,
    ),
)
def test_hostile_fields_are_one_error(kind: str, fields: list[str]) -> None:
    body = f"GN{kind},{','.join(fields)}".encode()
    for event in lines(frame(body)):
        if isinstance(event, Line):
            try:
                sentence = read(event)
            except CodecError:
                continue
            if sentence is not None:
                Fixes(BUILT).add(sentence, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"GNGGA,092725.00,3460.12345,N,10856.54321,E,4,12,0.8,412.5,M,,M,,",
        b"GNGGA,092725.00,9114.12345,N,10856.54321,E,4,12,0.8,412.5,M,,M,,",
        b"GNGGA,092725.00,3414.12345,X,10856.54321,E,4,12,0.8,412.5,M,,M,,",
        b"GNGGA,256060.00,3414.12345,N,10856.54321,E,4,12,0.8,412.5,M,,M,,",
        b"GNGGA,092725.00,3414.12345,N,10856.54321,E,4,12,nan,412.5,M,,M,,",
        b"GNZDA,070728.00,31,02,2024,00,00",
        b"GNRMC,070723.00,A,2309.30979,N,11330.00659,E,inf,,070324,,,A",
    ],
)
def test_a_field_out_of_bounds_is_refused(body: bytes) -> None:
    with pytest.raises(CodecError):
        read(one(frame(body).strip()))


# --- fixes -------------------------------------------------------------------------------------


def test_the_sentences_of_one_instant_are_one_fix() -> None:
    data = (
        b"$GNGGA,092725.00,3414.12345,N,10856.54321,E,4,12,0.8,412.5,M,-28.3,M,1.0,0001*77\r\n"
        b"$GNGSA,A,3,01,02,03,06,,,,,,,,,1.9,1.2,1.4,4*3C\r\n"
        b"$GNGST,092725.00,1.2,0.8,0.6,45.0,0.7,0.6,1.5*7B\r\n"
    ) + frame(b"GNRMC,092725.00,A,3414.12345,N,10856.54321,E,10.0,360.0,280526,,,R")
    (fix,) = fixes(data)
    assert fix.time_us == 1_779_960_445_000_000  # 2026-05-28 09:27:25
    assert fix.lat == pytest.approx(34 + 14.12345 / 60)
    assert fix.accuracy == pytest.approx((0.7**2 + 0.6**2) ** 0.5)
    assert (fix.quality, fix.satellites, fix.alt, fix.heading) == (4, 12, 412.5, 0.0)
    assert fix.speed == pytest.approx(5.144, abs=0.001)


def test_a_fix_ends_where_another_instant_begins() -> None:
    at_us = 1_780_000_000_000_000
    fix = Fix(0, lat=34.0, lon=108.0, quality=1, satellites=9)
    data = b"".join(sentences_of(fix, at_us + n * 200_000) for n in range(5))
    assert [one.time_us for one in fixes(data)] == [at_us + n * 200_000 for n in range(5)]


def test_status_v_is_no_fix_whatever_else_is_said() -> None:
    gga = b"GNGGA,092725.00,3414.12345,N,10856.54321,E,1,08,1.2,412.5,M,,M,,"
    rmc = b"GNRMC,092725.00,V,3414.12345,N,10856.54321,E,,,280526,,,N"
    (fix,) = fixes(frame(gga) + frame(rmc))
    assert not fix.valid
    assert (fix.quality, fix.time_us, fix.satellites) == (0, None, 8)
    (fix,) = fixes(frame(rmc))
    assert not fix.valid


def test_quality_0_is_no_fix() -> None:
    gga = b"GNGGA,092725.00,3414.12345,N,10856.54321,E,0,03,9.9,412.5,M,,M,,"
    (fix,) = fixes(frame(gga))
    assert not fix.valid


def test_0_0_is_no_fix_and_said_to_be() -> None:
    gga = b"GNGGA,092725.00,0000.00000,N,00000.00000,E,1,08,1.2,0.0,M,,M,,"
    (fix,) = fixes(frame(gga))
    assert not fix.valid
    assert fix.zero


def test_a_date_of_a_past_week_count_is_not_believed() -> None:
    """GPS counts 1,024 weeks: an old receiver says 2006 in 2026."""
    joined = Fixes(BUILT)
    rmc = read(one(frame(b"GNRMC,092725.00,A,3414.1,N,10856.5,E,,,121006,,,A").strip()))
    assert rmc is not None
    joined.add(rmc, 0)
    fix = joined.flush()
    assert fix is not None
    assert fix.valid, "where it is has nothing to do with when"
    assert fix.time_us is None
    assert joined.unbelieved == 1


def test_a_date_is_kept_over_midnight() -> None:
    rmc = b"GNRMC,235959.00,A,3414.1,N,10856.5,E,,,280526,,,A"
    gga = b"GNGGA,000000.00,3414.1,N,10856.5,E,1,08,1.2,412.5,M,,M,,"
    before, after = fixes(frame(rmc) + frame(gga))
    assert before.time_us is not None
    assert after.time_us == before.time_us + 1_000_000


def test_of_several_talkers_the_one_that_knows_most_counts() -> None:
    body = b"GGA,092725.00,3414.12345,N,10856.54321,E,1,%02d,1.2,412.5,M,,M,,"
    data = frame(b"GP" + body % 7) + frame(b"GN" + body % 19) + frame(b"BD" + body % 12)
    (fix,) = fixes(data)
    assert fix.satellites == 19


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.integers(1_780_000_000, 1_900_000_000),
    st.sampled_from([1, 2, 3, 4, 5, 6]),
)
def test_what_is_composed_is_read(lat: float, lon: float, at_s: int, quality: int) -> None:
    fix = Fix(5, at_s * 10**6, lat, lon, 512.25, 90.0, 1.25, 1.5, 14, quality=quality, in_view=None)
    (got,) = fixes(sentences_of(fix, at_s * 10**6))
    if abs(lat) + abs(lon) < 1e-5:
        return
    assert got.time_us == fix.time_us
    assert got.lat == pytest.approx(lat, abs=2e-9)
    assert got.lon == pytest.approx(lon, abs=2e-9)
    assert (got.alt, got.heading, got.quality, got.satellites) == (512.25, 90.0, quality, 14)
    assert got.speed == pytest.approx(1.25, abs=1e-4)
    assert got.accuracy == pytest.approx(1.5, abs=0.002)
