"""Orders to kits, plans from kits, and what the window view reads quickly."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """From version 0001: two tables, a few columns, two indexes; no row is touched."""
    for column in (
        sa.Column("plan", sa.JSON()),
        sa.Column("plan_us", sa.BigInteger()),
        sa.Column("heard_on", sa.JSON()),
    ):
        op.add_column("kits", column)
    op.add_column("bundles", sa.Column("thin", sa.Integer()))
    asked = ["kit", "device", "stream", "layer", "start_us", "end_us"]
    op.create_index("bundles_asked", "bundles", asked)
    op.create_index("bundles_custody", "bundles", ["custody_us", "kit", "size"])
    _wants()
    op.create_table(
        "orders",
        sa.Column("kit", sa.String(32), primary_key=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
    )


def _wants() -> None:
    op.create_table(
        "wants",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("ident", sa.LargeBinary(8), nullable=False),
        sa.Column("purpose", sa.Integer(), nullable=False),
        sa.Column("kit", sa.String(32), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("layer", sa.String(16), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("note", sa.String(256), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_us", sa.BigInteger()),
        sa.Column("fulfilled_us", sa.BigInteger()),
        sa.Column("position", sa.BigInteger(), nullable=False),
    )
    op.create_index("wants_ident", "wants", ["ident"], unique=True)
    op.create_index("wants_kit", "wants", ["kit", "position"])
