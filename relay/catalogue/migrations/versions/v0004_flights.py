"""Flights: what was recorded of them, and the pieces of the recordings."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From version 0003: two tables, which fill from the bundles; no row is touched."""
    _flights()
    op.create_index("gaps_device", "gaps", ["kit", "device", "stream", "start_us"])
    op.create_table(
        "flight_pieces",
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("flight", sa.String(48), primary_key=True),
        sa.Column("piece", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("bundle_id", sa.LargeBinary(32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
    )


def _flights() -> None:
    op.create_table(
        "flights",
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("flight", sa.String(48), primary_key=True),
        sa.Column("system", sa.Integer(), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.String(16), nullable=False),
        sa.Column("frames_here", sa.BigInteger(), nullable=False),
        sa.Column("bytes_here", sa.BigInteger(), nullable=False),
        sa.Column("pieces_here", sa.Integer(), nullable=False),
        sa.Column("frames_known", sa.BigInteger()),
        sa.Column("bytes_known", sa.BigInteger()),
        sa.Column("pieces_known", sa.Integer()),
        sa.Column("index_id", sa.LargeBinary(32)),
        sa.Column("index_hash", sa.LargeBinary(32)),
        sa.Column("index_end_us", sa.BigInteger()),
        sa.Column("conflicts", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.Column("gaps_more", sa.Integer(), nullable=False),
        sa.Column("video", sa.JSON(), nullable=False),
        sa.Column("max_height", sa.Float()),
        sa.Column("distance_m", sa.Float()),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("stale", sa.BigInteger(), nullable=False),
    )
    op.create_index("flights_started", "flights", ["start_us"])
    op.create_index("flights_device", "flights", ["kit", "device", "start_us"])
    op.create_index("flights_stale", "flights", ["stale"])
