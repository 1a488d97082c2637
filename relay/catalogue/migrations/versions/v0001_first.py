"""The first catalogue: incidents, kits, bundles with their journey, gaps, events, accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table of version 0001."""
    _incidents_and_kits()
    _bundles()
    _summaries()
    _gaps_and_events()
    _accounts()


def _incidents_and_kits() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("window_us", sa.BigInteger()),
        sa.Column("closed_us", sa.BigInteger()),
    )
    op.create_table(
        "kits",
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("first_heard_us", sa.BigInteger(), nullable=False),
        sa.Column("last_heard_us", sa.BigInteger(), nullable=False),
        sa.Column("software", sa.String(64)),
        sa.Column("bearer", sa.String(32)),
        sa.Column("devices", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON()),
        sa.Column("report_us", sa.BigInteger()),
        sa.Column("clock_offset_us", sa.BigInteger()),
    )


def _bundles() -> None:
    op.create_table(
        "bundles",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("bundle_id", sa.LargeBinary(32), nullable=False),
        sa.Column("incident", sa.String(64), nullable=False),
        sa.Column("kit", sa.String(32), nullable=False),
        sa.Column("spool", sa.LargeBinary(8), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("layer", sa.String(16), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(4096), nullable=False),
        sa.Column("path", sa.String(400), nullable=False),
        sa.Column("captured_us", sa.BigInteger(), nullable=False),
        sa.Column("first_sent_us", sa.BigInteger()),
        sa.Column("first_received_us", sa.BigInteger()),
        sa.Column("last_received_us", sa.BigInteger()),
        sa.Column("custody_us", sa.BigInteger(), nullable=False),
        sa.Column("bearers", sa.String(400), nullable=False),
    )
    op.create_index("bundles_id", "bundles", ["bundle_id"], unique=True)
    op.create_index("bundles_path", "bundles", ["path"], unique=True)
    op.create_index("bundles_identity", "bundles", ["kit", "spool", "sequence"])
    op.create_index(
        "bundles_stream", "bundles", ["incident", "kit", "device", "stream", "layer", "start_us"]
    )


def _summaries() -> None:
    op.create_table(
        "summaries",
        sa.Column("incident", sa.String(64), primary_key=True),
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("stream", sa.String(32), primary_key=True),
        sa.Column("layer", sa.String(16), primary_key=True),
        sa.Column("bundles", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.Column("first_start_us", sa.BigInteger(), nullable=False),
        sa.Column("last_end_us", sa.BigInteger(), nullable=False),
        sa.Column("first_custody_us", sa.BigInteger(), nullable=False),
        sa.Column("last_custody_us", sa.BigInteger(), nullable=False),
        sa.Column("latest_start_us", sa.BigInteger(), nullable=False),
        sa.Column("latest_bundle", sa.LargeBinary(32), nullable=False),
    )


def _gaps_and_events() -> None:
    op.create_table(
        "gaps",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("bundle_id", sa.LargeBinary(32), nullable=False),
        sa.Column("incident", sa.String(64), nullable=False),
        sa.Column("kit", sa.String(32), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("layer", sa.String(16), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(256), nullable=False),
    )
    op.create_index("gaps_bundle", "gaps", ["bundle_id"], unique=True)
    op.create_index("gaps_stream", "gaps", ["incident", "kit", "device", "stream", "start_us"])
    op.create_table(
        "events",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("kit", sa.String(32)),
        sa.Column("text", sa.String(500), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "services",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("beat_us", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
    )


def _accounts() -> None:
    op.create_table(
        "admissions",
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("admitted_us", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(64)),
        sa.Column("expires_us", sa.BigInteger()),
        sa.Column("joined_us", sa.BigInteger()),
        sa.Column("revoked_us", sa.BigInteger()),
        sa.Column("cert_serial", sa.String(64)),
    )
    op.create_table(
        "revoked_certificates",
        sa.Column("serial", sa.String(64), primary_key=True),
        sa.Column("kit", sa.String(32), nullable=False),
        sa.Column("revoked_us", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("token_hash", sa.LargeBinary(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("revoked_us", sa.BigInteger()),
    )
