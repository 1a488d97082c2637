"""The catalogue's tables as this version of the program knows them (made by `migrations`)."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

METADATA = MetaData()
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
_US = BigInteger


def _name(column: str, *, key: bool = False) -> Column[str]:
    return Column(column, String(32), primary_key=key, nullable=False)


def _time(column: str, *, known: bool = False) -> Column[int]:
    return Column(column, _US(), nullable=not known)


INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    _time("start_us", known=True),
    _time("window_us"),
    _time("closed_us"),
)

KITS = Table(
    "kits",
    METADATA,
    _name("kit", key=True),
    _time("first_heard_us", known=True),
    _time("last_heard_us", known=True),
    Column("software", String(64)),
    Column("bearer", String(32)),
    Column("devices", JSON, nullable=False),
    Column("report", JSON),
    _time("report_us"),
    _time("clock_offset_us"),
    Column("plan", JSON),
    _time("plan_us"),
    Column("heard_on", JSON),
)

BUNDLES = Table(
    "bundles",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("bundle_id", LargeBinary(32), nullable=False),
    Column("incident", String(64), nullable=False),
    _name("kit"),
    Column("spool", LargeBinary(8), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    _name("device"),
    _name("stream"),
    Column("layer", String(16), nullable=False),
    _time("start_us", known=True),
    _time("end_us", known=True),
    Column("size", BigInteger, nullable=False),
    Column("manifest", LargeBinary(4096), nullable=False),
    Column("path", String(400), nullable=False),
    _time("captured_us", known=True),
    _time("first_sent_us"),
    _time("first_received_us"),
    _time("last_received_us"),
    _time("custody_us", known=True),
    Column("bearers", String(400), nullable=False),
    # How much a proxy was thinned to keep the window; None: not at all.
    Column("thin", Integer),
    Index("bundles_asked", "kit", "device", "stream", "layer", "start_us", "end_us"),
    Index("bundles_custody", "custody_us", "kit", "size"),
    Index("bundles_id", "bundle_id", unique=True),
    Index("bundles_path", "path", unique=True),
    Index("bundles_identity", "kit", "spool", "sequence"),
    Index("bundles_stream", "incident", "kit", "device", "stream", "layer", "start_us"),
)

# What a wall shows, kept up to date with every filing: counting a million rows each second is
# not possible.
SUMMARIES = Table(
    "summaries",
    METADATA,
    Column("incident", String(64), primary_key=True),
    _name("kit", key=True),
    _name("device", key=True),
    _name("stream", key=True),
    Column("layer", String(16), primary_key=True),
    Column("bundles", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    _time("first_start_us", known=True),
    _time("last_end_us", known=True),
    _time("first_custody_us", known=True),
    _time("last_custody_us", known=True),
    _time("latest_start_us", known=True),
    Column("latest_bundle", LargeBinary(32), nullable=False),
)

GAPS = Table(
    "gaps",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("bundle_id", LargeBinary(32), nullable=False),
    Column("incident", String(64), nullable=False),
    _name("kit"),
    _name("device"),
    _name("stream"),
    Column("layer", String(16), nullable=False),
    _time("start_us", known=True),
    _time("end_us", known=True),
    Column("reason", String(256), nullable=False),
    Index("gaps_bundle", "bundle_id", unique=True),
    Index("gaps_stream", "incident", "kit", "device", "stream", "start_us"),
    Index("gaps_device", "kit", "device", "stream", "start_us"),
)

# What people ask of kits: spans to be sent, and spans to be kept (bookmarks).
WANTS = Table(
    "wants",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("ident", LargeBinary(8), nullable=False),
    Column("purpose", Integer, nullable=False),
    _name("kit"),
    Column("device", String(32), nullable=False),
    Column("stream", String(32), nullable=False),
    Column("layer", String(16), nullable=False),
    _time("from_us", known=True),
    _time("to_us", known=True),
    Column("who", String(64), nullable=False),
    Column("note", String(256), nullable=False),
    _time("created_us", known=True),
    _time("cancelled_us"),
    _time("fulfilled_us"),
    Column("position", BigInteger, nullable=False),
    Index("wants_ident", "ident", unique=True),
    Index("wants_kit", "kit", "position"),
)

# The number of each kit's orders, and the hash of what they said.
ORDERS = Table(
    "orders",
    METADATA,
    _name("kit", key=True),
    Column("revision", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    _time("at_us", known=True),
    Column("kind", String(32), nullable=False),
    Column("kit", String(32)),
    Column("text", String(500), nullable=False),
    Column("count", BigInteger, nullable=False),
)

SERVICES = Table(
    "services",
    METADATA,
    Column("name", String(32), primary_key=True),
    _time("started_us", known=True),
    _time("beat_us", known=True),
    Column("report", JSON, nullable=False),
)

ADMISSIONS = Table(
    "admissions",
    METADATA,
    _name("kit", key=True),
    _time("admitted_us", known=True),
    Column("secret_hash", LargeBinary(64)),
    _time("expires_us"),
    _time("joined_us"),
    _time("revoked_us"),
    Column("cert_serial", String(64)),
)

REVOKED_CERTIFICATES = Table(
    "revoked_certificates",
    METADATA,
    Column("serial", String(64), primary_key=True),
    _name("kit"),
    _time("revoked_us", known=True),
)

USERS = Table(
    "users",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(256), nullable=False),
    _time("created_us", known=True),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token_hash", LargeBinary(64), primary_key=True),
    Column("name", String(64), nullable=False),
    _time("created_us", known=True),
    _time("revoked_us"),
)

# A series of samples: a device's stream since it began to count. Ids are given by the one task
# that writes them.
SERIES = Table(
    "series",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _name("kit"),
    _name("device"),
    _name("stream"),
    Column("epoch", BigInteger, nullable=False),
    _name("kind"),
    Column("measures", JSON, nullable=False),
    _time("arrived_us", known=True),
    Index("series_identity", "kit", "device", "stream", "epoch", unique=True),
)

# Samples of a series, packed; `level` says how often they were merged with others.
SAMPLE_BLOCKS = Table(
    "sample_blocks",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("series", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("first_sequence", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    _time("from_us", known=True),
    _time("to_us", known=True),
    Column("data", LargeBinary, nullable=False),
    Index("sample_blocks_series", "series", "from_us", "to_us"),
)

# The latest state of each device, packed.
LATEST = Table(
    "latest",
    METADATA,
    _name("kit", key=True),
    _name("device", key=True),
    Column("state", LargeBinary, nullable=False),
)

ALARMS = Table(
    "alarms",
    METADATA,
    _name("kit", key=True),
    Column("ident", LargeBinary(8), primary_key=True),
    _name("device"),
    _name("device_kind"),
    Column("kind", String(16), nullable=False),
    Column("precedence", Integer, nullable=False),
    # None: only its end has come yet.
    _time("raised_us"),
    _time("site_cleared_us"),
    _time("arrived_us", known=True),
    _time("cleared_us"),
    Column("cleared_by", String(64), nullable=False),
    _time("acknowledged_us"),
    Column("acknowledged_by", String(64), nullable=False),
    Column("note", String(256), nullable=False),
    Column("subject", String(48), nullable=False),
    Column("value", String(48), nullable=False),
    Column("bound", String(48), nullable=False),
    Column("unit", String(48), nullable=False),
    Column("text", String(256), nullable=False),
    Column("lat", BigInteger),
    Column("lon", BigInteger),
    Column("flags", BigInteger, nullable=False),
    # Grows with every change of any alarm: who shows them asks for what is new.
    Column("revision", BigInteger, nullable=False),
    Index("alarms_revision", "revision"),
    Index("alarms_arrived", "kit", "arrived_us"),
)

# How far a task that follows the bundles has come, by the number of the last one it has done.
CURSORS = Table(
    "cursors",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
