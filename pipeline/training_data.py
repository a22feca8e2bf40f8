"""The images of a run, as a training takes them."""

from dataclasses import dataclass

from pipeline.reader import ImageReader
from pipeline.records import SnapshotImage


@dataclass(frozen=True)
class TrainingData:
    """The images of a run."""

    reader: ImageReader
    train: tuple[SnapshotImage, ...]
    test: tuple[SnapshotImage, ...]
    classes: tuple[str, ...]
    fresh: frozenset[str] = frozenset()  # content hashes of the images that are new in this cycle
