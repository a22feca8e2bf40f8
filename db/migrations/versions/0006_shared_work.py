"""Work that several processes share: jobs, their chunks, and the workers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_jobs()
    create_chunks()
    create_workers()


def create_jobs() -> None:
    op.create_table(
        "shared_job",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("lease_seconds", sa.Float, nullable=False),
        sa.Column("alive_until", INSTANT, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )


def create_chunks() -> None:
    op.create_table(
        "chunk",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "job_id",
            sa.Integer,
            sa.ForeignKey("shared_job.id", name="fk_chunk_job_id_shared_job"),
            nullable=False,
        ),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("result", sa.LargeBinary),
        sa.Column("error", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chunk_job_id_state", "chunk", ["job_id", "state"])


def create_workers() -> None:
    op.create_table(
        "worker",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process_start", sa.String(64), nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("alive_until", INSTANT, nullable=False),
        sa.Column("chunks_done", sa.Integer, nullable=False),
        sa.Column("doing", sa.String(16)),
        sa.Column("said", sa.Text),
        sqlite_autoincrement=True,
    )
