"""The tables of what a cycle found out about its images, and of what somebody decided about them.

Labels are text here: an image may have a label that is none of the classes of the cycle's snapshot.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from db.base import WITHOUT_ROWID, Base
from pipeline.records import ChangeKind


class CycleChangeRow(Base):
    """How one image differs from the snapshot of the cycle before."""

    __tablename__ = "cycle_change"
    __table_args__ = (WITHOUT_ROWID,)

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[ChangeKind]
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    path: Mapped[bytes]
    label: Mapped[str]
    split: Mapped[int] = mapped_column(SmallInteger)
    before: Mapped[str | None]


class CycleLeakRow(Base):
    """A training image that shows the same as a test image."""

    __tablename__ = "cycle_leak"
    __table_args__ = (WITHOUT_ROWID,)

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    train_image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    train_path: Mapped[bytes]
    train_label: Mapped[str]
    test_image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    test_path: Mapped[bytes]
    test_label: Mapped[str]
    distance: Mapped[int]
    transform: Mapped[str]


class CycleSuspectRow(Base):
    """A training image whose label is probably wrong."""

    __tablename__ = "cycle_suspect"
    __table_args__ = (WITHOUT_ROWID,)

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    path: Mapped[bytes]
    label: Mapped[str]
    suggested: Mapped[str]
    probability: Mapped[float]
    score: Mapped[float]


class LabelDecisionRow(Base):
    """What somebody decided about one image; without a label, it is left out."""

    __tablename__ = "label_decision"

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), primary_key=True)
    label: Mapped[str | None]
    decided_at: Mapped[datetime]
