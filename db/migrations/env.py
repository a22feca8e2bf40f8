"""Alembic runs this file; the connection, with its transaction, comes from `db.migrate`."""

from alembic import context

from db import chunk_tables, data_tables, tables, work_tables  # noqa: F401 - these fill the metadata
from db.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite can change a table only by copying it
)
context.run_migrations()
