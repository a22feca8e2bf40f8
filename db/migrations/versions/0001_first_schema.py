"""The first schema: the file index, snapshots, cycles, runs and what they gave."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

POINTERS_TO_RUNS = ("finetune_run_id", "scratch_run_id", "champion_id")


def upgrade() -> None:
    create_files()
    create_snapshots()
    create_cycles()
    create_runs()
    create_evaluations()
    create_champions()
    if not is_sqlite():
        for column in POINTERS_TO_RUNS:
            op.create_foreign_key(op.f(f"fk_cycle_{column}_run"), "cycle", "run", [column], ["id"])


def create_files() -> None:
    op.create_table(
        "file",
        sa.Column("root", sa.LargeBinary, primary_key=True),
        sa.Column("path", sa.LargeBinary, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("ctime_ns", sa.BigInteger, nullable=False),
        sa.Column("inode", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("problem", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "image",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    )
    op.create_table(
        "thumbnail",
        reference("image_id", "image.id", primary_key=True),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
    )


def create_snapshots() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "snapshot_image",
        reference("snapshot_id", "snapshot.id", primary_key=True),
        reference("image_id", "image.id", primary_key=True),
        sa.Column("label", sa.SmallInteger, nullable=False),
        sa.Column("split", sa.SmallInteger, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def create_cycles() -> None:
    # SQLite takes a reference to a table that is still to come, and cannot add one later.
    pointers = [
        reference(name, "run.id", nullable=True) if is_sqlite() else sa.Column(name, sa.Integer)
        for name in POINTERS_TO_RUNS
    ]
    op.create_table(
        "cycle",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("images_folder", sa.LargeBinary, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text),
        reference("snapshot_id", "snapshot.id", nullable=True),
        *pointers,
        sa.Column("scratch_reused", sa.Boolean, nullable=False),
        sa.Column("decision", sa.String(16)),
        sa.Column("reason", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cycle_quarantine",
        reference("cycle_id", "cycle.id", primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def create_runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        reference("cycle_id", "cycle.id", index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("backbone", sa.String, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("environment", sa.JSON, nullable=False),
        sa.Column("device", sa.String, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("train_images", sa.Integer, nullable=False),
        sa.Column("test_images", sa.Integer, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("images_per_second", sa.Float),
        sa.Column("error", sa.Text),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("structure", sa.JSON),
        sqlite_autoincrement=True,
    )
    create_epochs()


def create_epochs() -> None:
    op.create_table(
        "epoch",
        reference("run_id", "run.id", primary_key=True),
        sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("train_loss", sa.Float, nullable=False),
        sa.Column("train_accuracy", sa.Float, nullable=False),
        sa.Column("test_loss", sa.Float, nullable=False),
        sa.Column("test_accuracy", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )


def create_evaluations() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Integer, primary_key=True),
        reference("run_id", "run.id"),
        reference("snapshot_id", "snapshot.id"),
        sa.Column("accuracy", sa.Float, nullable=False),
        sa.Column("log_loss", sa.Float, nullable=False),
        sa.UniqueConstraint("run_id", "snapshot_id"),
    )
    op.create_table(
        "prediction",
        reference("evaluation_id", "evaluation.id", primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        reference("image_id", "image.id"),
        sa.Column("label", sa.SmallInteger, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("probabilities", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def create_champions() -> None:
    op.create_table(
        "artifact",
        reference("run_id", "run.id", primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "promotion",
        sa.Column("id", sa.Integer, primary_key=True),
        reference("run_id", "run.id"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def reference(
    name: str, target: str, *, nullable: bool = False, primary_key: bool = False, index: bool = False
) -> "sa.Column[int]":
    key = sa.ForeignKey(target)
    return sa.Column(name, sa.Integer, key, nullable=nullable, primary_key=primary_key, index=index)


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
