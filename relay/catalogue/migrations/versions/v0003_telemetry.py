"""Telemetry: series and their samples, the latest state of devices, alarms, cursors."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """From version 0002: five tables; no row is touched."""
    _samples()
    _alarms()
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )


def _samples() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("kit", sa.String(32), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("arrived_us", sa.BigInteger(), nullable=False),
    )
    identity = ["kit", "device", "stream", "epoch"]
    op.create_index("series_identity", "series", identity, unique=True)
    op.create_table(
        "sample_blocks",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("series", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index("sample_blocks_series", "sample_blocks", ["series", "from_us", "to_us"])
    op.create_table(
        "latest",
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
    )


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("ident", sa.LargeBinary(8), primary_key=True),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("device_kind", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=False),
        sa.Column("raised_us", sa.BigInteger()),
        sa.Column("site_cleared_us", sa.BigInteger()),
        sa.Column("arrived_us", sa.BigInteger(), nullable=False),
        sa.Column("cleared_us", sa.BigInteger()),
        sa.Column("cleared_by", sa.String(64), nullable=False),
        sa.Column("acknowledged_us", sa.BigInteger()),
        sa.Column("acknowledged_by", sa.String(64), nullable=False),
        sa.Column("note", sa.String(256), nullable=False),
        sa.Column("subject", sa.String(48), nullable=False),
        sa.Column("value", sa.String(48), nullable=False),
        sa.Column("bound", sa.String(48), nullable=False),
        sa.Column("unit", sa.String(48), nullable=False),
        sa.Column("text", sa.String(256), nullable=False),
        sa.Column("lat", sa.BigInteger()),
        sa.Column("lon", sa.BigInteger()),
        sa.Column("flags", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
    )
    op.create_index("alarms_revision", "alarms", ["revision"])
    op.create_index("alarms_arrived", "alarms", ["kit", "arrived_us"])
