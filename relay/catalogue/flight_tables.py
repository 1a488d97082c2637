"""The tables of flights as this version of the program knows them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from fieldlink.relay.catalogue.tables import METADATA


def _name(column: str) -> Column[str]:
    return Column(column, String(32), primary_key=True, nullable=False)


def _time(column: str, *, known: bool = False) -> Column[int]:
    return Column(column, BigInteger, nullable=not known)


# Flights of aircraft, as the pieces of their recordings and their indexes say; what is measured
# of them is kept up to date by the task that follows the bundles.
FLIGHTS = Table(
    "flights",
    METADATA,
    _name("kit"),
    _name("device"),
    Column("flight", String(48), primary_key=True),
    Column("system", Integer, nullable=False),
    Column("armed", Boolean, nullable=False),
    _time("start_us", known=True),
    _time("end_us", known=True),
    Column("ended", String(16), nullable=False),
    Column("frames_here", BigInteger, nullable=False),
    Column("bytes_here", BigInteger, nullable=False),
    Column("pieces_here", Integer, nullable=False),
    Column("frames_known", BigInteger),
    Column("bytes_known", BigInteger),
    Column("pieces_known", Integer),
    # Of the bundle with its index, and that one's content.
    Column("index_id", LargeBinary(32)),
    Column("index_hash", LargeBinary(32)),
    _time("index_end_us"),
    # Pieces and indexes that say something else under a name that was taken.
    Column("conflicts", Integer, nullable=False),
    Column("gaps", JSON, nullable=False),
    Column("gaps_more", Integer, nullable=False),
    Column("video", JSON, nullable=False),
    Column("max_height", Float),
    Column("distance_m", Float),
    Column("exercise", Boolean, nullable=False),
    # Grows with what may change what is measured; 0: it is up to date.
    Column("stale", BigInteger, nullable=False),
    Index("flights_started", "start_us"),
    Index("flights_device", "kit", "device", "start_us"),
    Index("flights_stale", "stale"),
)

FLIGHT_PIECES = Table(
    "flight_pieces",
    METADATA,
    _name("kit"),
    _name("device"),
    Column("flight", String(48), primary_key=True),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("bundle_id", LargeBinary(32), nullable=False),
    Column("content_hash", LargeBinary(32), nullable=False),
    _time("start_us", known=True),
    _time("end_us", known=True),
    Column("frames", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)
