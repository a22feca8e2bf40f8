"""The history of the schema, for Alembic.

A new revision is a file `NNNN_what.py` in `versions`, where NNNN is its `revision`. To copy a table in batch
mode, pass `table_kwargs` with its `__table_args__` options (`sqlite_with_rowid`, `sqlite_autoincrement`),
which SQLite does not tell.
"""
