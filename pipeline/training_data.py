"""The images of a run, as a training takes them."""

from dataclasses import dataclass
from functools import cached_property

from pipeline.epoch_batches import in_order_of_hashes
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

    @cached_property
    def by_hash(self) -> list[int]:
        """The positions of the training images, in the order of their content hashes."""
        return in_order_of_hashes(self.train)
