"""What a daemon needs to know: who is at work, how each look ended, what was resumed or pruned."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_activity()
    create_looks()
    op.add_column("cycle", sa.Column("resumes", sa.Integer, nullable=False, server_default="0"))
    op.add_column("run", sa.Column("model_pruned_at", INSTANT))


def create_activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process_start", sa.String(64), nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("stage_started_at", INSTANT, nullable=False),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.Column("progress_at", INSTANT, nullable=False),
        pointer("activity", "cycle"),
        pointer("activity", "run"),
    )


def create_looks() -> None:
    op.create_table(
        "look",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        pointer("look", "cycle"),
    )


def pointer(table: str, target: str) -> "sa.Column[int]":
    constraint = f"fk_{table}_{target}_id_{target}"
    return sa.Column(f"{target}_id", sa.Integer, sa.ForeignKey(f"{target}.id", name=constraint))
