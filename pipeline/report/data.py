"""What the Data section shows: images for each class, and the files that were left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records import Quarantined, SnapshotSummary

MOST_FILES = 50
# How the reasons begin for which a usable file is left out; all others make a file unusable.
TWO_CLASSES = ("also under class", "shows the same picture as")
DECIDED = "left out, as somebody has decided"


@dataclass(frozen=True)
class DataRow:
    """How many images one class has."""

    label: str
    train: int
    test: int


@dataclass(frozen=True)
class FileList:
    """Files that were left out: the first of them, and how many more there are."""

    files: tuple[Quarantined, ...]
    unlisted: int

    @property
    def in_all(self) -> int:
        """How many files there are."""
        return len(self.files) + self.unlisted


@dataclass(frozen=True)
class Data:
    """What the cycle saw in the image folder."""

    digest: str
    rows: tuple[DataRow, ...]
    total: DataRow
    unusable: FileList
    two_classes: FileList
    decided: FileList


@dataclass(frozen=True)
class LeftOut:
    """The files in quarantine by what can be done about them."""

    unusable: tuple[Quarantined, ...]
    two_classes: tuple[Quarantined, ...]  # the same picture stands in another class, too
    decided: tuple[Quarantined, ...]  # a person has left them out


def left_out(quarantined: Sequence[Quarantined]) -> LeftOut:
    """Tell the files in quarantine apart by the reasons that the snapshot gives."""
    two_classes = tuple(file for file in quarantined if file.reason.startswith(TWO_CLASSES))
    decided = tuple(file for file in quarantined if file.reason == DECIDED)
    apart = {*two_classes, *decided}
    return LeftOut(tuple(file for file in quarantined if file not in apart), two_classes, decided)


def data_of(snapshot: SnapshotSummary) -> Data:
    """Work out the Data section."""
    train, test = snapshot.counts.get("train", {}), snapshot.counts.get("test", {})
    rows = tuple(DataRow(label, train.get(label, 0), test.get(label, 0)) for label in snapshot.classes)
    out = left_out(snapshot.quarantined)
    return Data(
        digest=snapshot.digest,
        rows=rows,
        total=DataRow("all", sum(row.train for row in rows), sum(row.test for row in rows)),
        unusable=_listed(out.unusable),
        two_classes=_listed(out.two_classes),
        decided=_listed(out.decided),
    )


def _listed(files: tuple[Quarantined, ...]) -> FileList:
    return FileList(files[:MOST_FILES], max(0, len(files) - MOST_FILES))
