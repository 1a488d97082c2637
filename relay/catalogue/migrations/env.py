"""Alembic's entry: runs the migrations on the connection that `schema` hands over."""

from alembic import context

from fieldlink.relay.catalogue.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
