"""Folders that have not changed are recognised by one digest; a cycle remembers all its data by one."""

import os

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    folders = op.create_table(
        "folder",
        sa.Column("root", sa.LargeBinary, primary_key=True),
        sa.Column("path", sa.LargeBinary, primary_key=True),
        sa.Column("digest", sa.String(64)),
        sqlite_with_rowid=False,
    )
    op.add_column("cycle", sa.Column("data_digest", sa.String(64)))
    files = sa.table("file", sa.column("root", sa.LargeBinary), sa.column("path", sa.LargeBinary))
    rows = op.get_bind().execute(sa.select(files.c.root, files.c.path))
    known = {(bytes(root), os.path.dirname(bytes(path))) for root, path in rows}
    op.bulk_insert(folders, [{"root": root, "path": path, "digest": None} for root, path in sorted(known)])
