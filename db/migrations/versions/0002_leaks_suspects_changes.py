"""What a cycle found out about its images; labels and splits that are settled once for ever."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    add_fingerprints()
    op.add_column("image", sa.Column("split", sa.SmallInteger))
    op.add_column("cycle", sa.Column("change_counts", sa.JSON))
    op.add_column("cycle", sa.Column("mended", sa.Integer, nullable=False, server_default="0"))
    create_changes()
    create_leaks()
    create_suspects()
    create_label_decisions()


def add_fingerprints() -> None:
    # This table is a cache of the scan. No old row has a fingerprint, which only the image itself can give,
    # so all rows go, and the next scan reads each file again.
    op.execute(sa.delete(sa.table("file")))
    op.add_column("file", sa.Column("fingerprint", sa.LargeBinary))


def create_changes() -> None:
    op.create_table(
        "cycle_change",
        *place_in_cycle(),
        sa.Column("kind", sa.String(16), nullable=False),
        reference("image_id", "image.id"),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("split", sa.SmallInteger, nullable=False),
        sa.Column("before", sa.String),
        sqlite_with_rowid=False,
    )


def create_leaks() -> None:
    op.create_table(
        "cycle_leak",
        *place_in_cycle(),
        reference("train_image_id", "image.id"),
        sa.Column("train_path", sa.LargeBinary, nullable=False),
        sa.Column("train_label", sa.String, nullable=False),
        reference("test_image_id", "image.id"),
        sa.Column("test_path", sa.LargeBinary, nullable=False),
        sa.Column("test_label", sa.String, nullable=False),
        sa.Column("distance", sa.Integer, nullable=False),
        sa.Column("transform", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )


def create_suspects() -> None:
    op.create_table(
        "cycle_suspect",
        *place_in_cycle(),
        reference("image_id", "image.id"),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("suggested", sa.String, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )


def create_label_decisions() -> None:
    op.create_table(
        "label_decision",
        reference("image_id", "image.id", primary_key=True),
        sa.Column("label", sa.String),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
    )


def place_in_cycle() -> "tuple[sa.Column[int], sa.Column[int]]":
    position = sa.Column("position", sa.Integer, primary_key=True, autoincrement=False)
    return reference("cycle_id", "cycle.id", primary_key=True), position


def reference(name: str, target: str, *, primary_key: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, sa.ForeignKey(target), nullable=False, primary_key=primary_key)
