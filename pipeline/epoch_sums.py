"""Loss and accuracy of an epoch, added up over its images."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.errors import TrainingDiverged


class EpochSums:
    """Sums over images; reads each loss one batch late, so that the device is never waited for in vain."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.images = 0
        self._loss = 0.0
        self._right = 0.0
        self._pending: tuple[Any, Any] | None = None

    def add(self, images: int, loss: Any, right: Any) -> None:
        """Count one batch."""
        self._read()
        self.images += images
        self._pending = (loss, right)

    def means(self, total: Callable[[Array], Array]) -> tuple[float, float]:
        """Return the mean loss and the accuracy over all images counted, here and by others.

        Args:
            total: returns the sums over all who count, see `Sharing.total`.
        """
        self._read()
        loss, right, images = total(np.array([self._loss, self._right, self.images])).tolist()
        return loss / max(images, 1), right / max(images, 1)

    def _read(self) -> None:
        if self._pending is None:
            return
        loss, right = (float(value.asscalar()) for value in self._pending)
        self._pending = None
        if not np.isfinite(loss):
            raise TrainingDiverged(
                f"the training loss became {loss} in epoch {self.epoch}; choose a smaller learning rate"
            )
        self._loss += loss
        self._right += right
