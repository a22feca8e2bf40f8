"""Alembic runs this file; the connection, with its transaction, comes from `db.migrate`."""

from alembic import context

from db.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite can change a table only by copying it
)
context.run_migrations()
