"""Compute what frozen layers make of images, batch by batch."""

from collections.abc import Generator, Sequence

import numpy as np

from pipeline.arrays import Array
from pipeline.decode import normalise
from pipeline.errors import TrainingDiverged
from pipeline.evaluate import Forward
from pipeline.reader import ImageReader
from pipeline.records import SnapshotImage
from pipeline.surroundings import Surroundings


def computed_rows(
    forward: Forward,
    reader: ImageReader,
    images: Sequence[SnapshotImage],
    order: Sequence[int],
    batch_size: int,
    around: Surroundings,
) -> Generator[tuple[Array, Array], None, None]:
    """Yield, batch by batch, the positions of images that could be read, and their rows.

    Raises:
        TrainingDiverged: a value is not finite, so the weights are damaged.
        Interrupted: from `around.check_stop`.
    """
    for batch in reader.batches(images, batch_size, order=order):
        around.check_stop()
        rows = forward(normalise(batch.pixels, reader.preprocessing))
        if not np.isfinite(rows).all():
            raise TrainingDiverged(
                "the frozen features are not finite; the weights file is damaged: fetch it again"
            )
        yield batch.positions, rows
