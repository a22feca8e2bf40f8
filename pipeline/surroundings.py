"""What a training needs from outside besides data and settings: devices, seed, signals, progress."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.device import Device
from pipeline.evaluate import Progress, silent
from pipeline.sharing import Sharing, sharing_of


@dataclass(frozen=True)
class Surroundings:
    """What a training needs from outside besides data and settings."""

    device: Any  # an mx.Context; it computes what is not shared
    seed: int
    check_stop: Callable[[], None]  # raises Interrupted once a signal has come; called between batches
    progress: Progress = silent
    shared: Sharing | None = None  # with which devices the work is shared; None: with none

    @property
    def sharing(self) -> Sharing:
        """How the work is shared."""
        return self.shared or Sharing((self.device,))


def surroundings_on(
    device: Device, seed: int, check_stop: Callable[[], None], progress: Progress = silent
) -> Surroundings:
    """Return the surroundings of a training on a device, which may be several."""
    sharing = sharing_of(device)
    return Surroundings(sharing.contexts[0], seed, check_stop, progress, sharing)
