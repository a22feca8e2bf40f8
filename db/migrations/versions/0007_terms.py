"""Which holder of a lock is the latest, so that one that was replaced cannot write any more."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "term",
        sa.Column("lock", sa.String(16), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process_start", sa.String(64), nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("has_ended", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
