"""The tables. A column has the name of its field in `pipeline.records`.

Labels and splits of single images are small integers: the index in the classes of their snapshot and the
index in `SPLITS`, so that sorting by them is sorting by name. Deleting a row that others need is refused.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import NUMBERS_USED_ONCE, WITHOUT_ROWID, Base
from db.columns import FolderPath, Probabilities, Sentence, Signed64, Unsigned64
from pipeline.records import Decision, PromotionSource, RunKind, Status


class FileRow(Base):
    """The index: one file that was seen in a folder of images."""

    __tablename__ = "file"
    __table_args__ = (WITHOUT_ROWID,)

    root: Mapped[str] = mapped_column(FolderPath, primary_key=True)
    path: Mapped[bytes] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(Signed64)
    ctime_ns: Mapped[int] = mapped_column(Signed64)
    inode: Mapped[int] = mapped_column(Unsigned64)
    sha256: Mapped[str | None] = mapped_column(String(64))
    width: Mapped[int | None]
    height: Mapped[int | None]
    problem: Mapped[str | None] = mapped_column(Sentence)
    fingerprint: Mapped[bytes | None]


class FolderRow(Base):
    """One folder in a folder of images that has known files.

    The digest is that of its listing (see `pipeline.walk`) when all in it was known; null if not all was.
    """

    __tablename__ = "folder"
    __table_args__ = (WITHOUT_ROWID,)

    root: Mapped[str] = mapped_column(FolderPath, primary_key=True)
    path: Mapped[bytes] = mapped_column(primary_key=True)
    digest: Mapped[str | None] = mapped_column(String(64))


class ImageRow(Base):
    """One content hash that a snapshot has used, or that somebody decided about."""

    __tablename__ = "image"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    # Drawn once for ever; null where folders decide, since these may change their mind.
    split: Mapped[int | None] = mapped_column(SmallInteger)
    # The snapshot that used it first; null if none did.
    first_snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.id"))


class ThumbnailRow(Base):
    """A small JPEG of an image, for the reports."""

    __tablename__ = "thumbnail"

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), primary_key=True)
    jpeg: Mapped[bytes]


class SnapshotRow(Base):
    """One frozen list of images. It never changes, so its counts are kept with it.

    The digest is `snapshots.UNFINISHED` until all its images are stored.
    """

    __tablename__ = "snapshot"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    classes: Mapped[list[str]] = mapped_column(JSON)
    counts: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class SnapshotSpanRow(Base):
    """One image as all snapshots have it from one to just before another one.

    So what does not change from cycle to cycle is stored once, and not with each snapshot.
    """

    __tablename__ = "snapshot_span"
    __table_args__ = (WITHOUT_ROWID,)

    # First in the key, so that the test images are found without the others.
    split: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), primary_key=True)
    since_id: Mapped[int] = mapped_column(ForeignKey("snapshot.id"), primary_key=True)
    # The first snapshot that has the image no more, or otherwise; null: the newest one still has it so.
    until_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.id"))
    label: Mapped[int] = mapped_column(SmallInteger)
    path: Mapped[bytes]


class CycleRow(Base):
    """One pass of scan, training, verdict and report."""

    __tablename__ = "cycle"
    __table_args__ = (NUMBERS_USED_ONCE,)

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[Status]
    images_folder: Mapped[str] = mapped_column(FolderPath)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Sentence)
    snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.id"))
    # A cycle points at runs and a run at its cycle, so one side must come after both tables (`use_alter`).
    finetune_run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", use_alter=True))
    scratch_run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", use_alter=True))
    scratch_reused: Mapped[bool]
    decision: Mapped[Decision | None]
    reason: Mapped[str | None] = mapped_column(Sentence)
    margin: Mapped[float | None]
    champion_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", use_alter=True))
    change_counts: Mapped[dict[str, dict[str, int]] | None] = mapped_column(JSON(none_as_null=True))
    mended: Mapped[int] = mapped_column(server_default="0")
    # Over all that a snapshot is made from (see `jobs.look`); null where some of it was not settled.
    data_digest: Mapped[str | None] = mapped_column(String(64))
    # The champion that the fine-tune was compared with; null where there was none.
    compared_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", use_alter=True))
    resumes: Mapped[int] = mapped_column(server_default="0")  # how often it went on after it was cut off


class CycleQuarantineRow(Base):
    """A file that a cycle could not use. Two cycles with one snapshot may differ in these."""

    __tablename__ = "cycle_quarantine"
    __table_args__ = (WITHOUT_ROWID,)

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    path: Mapped[bytes]
    reason: Mapped[str] = mapped_column(Sentence)


class RunRow(Base):
    """One training of one network."""

    __tablename__ = "run"
    __table_args__ = (NUMBERS_USED_ONCE,)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), index=True)
    kind: Mapped[RunKind]
    status: Mapped[Status]
    backbone: Mapped[str]
    recipe: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    environment: Mapped[dict[str, str]] = mapped_column(JSON)
    device: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    train_images: Mapped[int]
    test_images: Mapped[int]
    started_at: Mapped[datetime]
    seconds: Mapped[float | None]
    images_per_second: Mapped[float | None]
    error: Mapped[str | None] = mapped_column(Sentence)
    notes: Mapped[list[str]] = mapped_column(JSON)
    # Some 100 kB of filters; read only for the page of one run.
    structure: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    model_pruned_at: Mapped[datetime | None]  # when its model was removed to save space; null: it was not


class EpochRow(Base):
    """The metrics of one epoch."""

    __tablename__ = "epoch"
    __table_args__ = (WITHOUT_ROWID,)

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    phase: Mapped[str]
    train_loss: Mapped[float]
    train_accuracy: Mapped[float]
    test_loss: Mapped[float]
    test_accuracy: Mapped[float]
    seconds: Mapped[float]


class EvaluationRow(Base):
    """A network on all test images of a snapshot."""

    __tablename__ = "evaluation"
    __table_args__ = (UniqueConstraint("run_id", "snapshot_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("snapshot.id"))
    accuracy: Mapped[float]
    log_loss: Mapped[float]


class PredictionRow(Base):
    """What a network said of one test image."""

    __tablename__ = "prediction"
    __table_args__ = (WITHOUT_ROWID,)

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    label: Mapped[int] = mapped_column(SmallInteger)
    path: Mapped[bytes]
    probabilities: Mapped[tuple[float, ...]] = mapped_column(Probabilities)


class HeatMapRow(Base):
    """Where in an image a run's network sees a class."""

    __tablename__ = "heat_map"
    __table_args__ = (WITHOUT_ROWID,)

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), primary_key=True)
    label: Mapped[str]
    width: Mapped[int]
    values: Mapped[bytes]


class ArtifactRow(Base):
    """A published file of a run."""

    __tablename__ = "artifact"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)


class PromotionRow(Base):
    """One change of champion; the champion is the run of the newest row."""

    __tablename__ = "promotion"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Sentence)
    source: Mapped[PromotionSource] = mapped_column(server_default="cycle")
