"""What a verdict rests on: margins, findings, heat maps, how promotions came about, when images arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("cycle", sa.Column("margin", sa.Float))
    add_pointer("cycle", "compared_id", "run")
    op.add_column("run", sa.Column("findings", sa.JSON))
    op.add_column("promotion", sa.Column("source", sa.String(16), nullable=False, server_default="cycle"))
    create_heat_maps()
    add_pointer("image", "first_snapshot_id", "snapshot")
    fill_first_snapshots()


def add_pointer(table: str, column: str, target: str) -> None:
    # Alembic would copy the whole table on SQLite, which does take a reference with a new column.
    constraint = f"fk_{table}_{column}_{target}"
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT {constraint} REFERENCES {target} (id)"
    )


def create_heat_maps() -> None:
    op.create_table(
        "heat_map",
        reference("run_id", "run.id"),
        reference("image_id", "image.id"),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("values", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def fill_first_snapshots() -> None:
    # One pass over the largest table, which has no index by image.
    op.execute(
        "UPDATE image SET first_snapshot_id = uses.first FROM"
        " (SELECT image_id, min(snapshot_id) AS first FROM snapshot_image GROUP BY image_id) AS uses"
        " WHERE uses.image_id = image.id"
    )


def reference(name: str, target: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, sa.ForeignKey(target), nullable=False, primary_key=True)
