"""How a training is shared between devices: who computes what of a batch, and how that is added up.

Each batch is cut into parts as on one device with `gradient_parts`, and these are dealt out to the devices in
turn. MXNet's KVStore adds up their gradients before each update, and every device makes the same update: so n
devices give, up to rounding, what one gives with n times as many parts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.device import Device, contexts
from pipeline.errors import ComputingFailed
from pipeline.runtime import mx

ALIKE = 1e-3  # of the sum of a parameter's magnitudes: more than rounding, and less than a lost update


@dataclass(frozen=True)
class Sharing:
    """The devices of this process, which have a batch to themselves or share it with other processes."""

    contexts: tuple[Any, ...]  # `mx.Context`s; the first computes what is not shared
    kvstore: Any = "device"  # what adds up gradients, as `mx.gluon.Trainer` takes it; one device needs none
    rank: int = 0  # of this process
    processes: int = 1  # that have as many devices each

    @property
    def devices(self) -> int:
        """How many devices there are in all processes together."""
        return len(self.contexts) * self.processes

    @property
    def names(self) -> str:
        """The devices of this process, in words."""
        return ", ".join(str(context) for context in self.contexts)

    @property
    def is_shared(self) -> bool:
        """Whether there is more than one device."""
        return self.devices > 1

    def part_size(self, images: int) -> int:
        """Return how many of so many images each device takes."""
        return -(-images // self.devices)

    def parts(self, images: int, part_size: int) -> Iterator[tuple[slice, Any]]:
        """Yield which of this process's images of a batch make up each part, and on which context.

        The last part may be smaller, and a short batch may leave a device without one.
        """
        for number, start in enumerate(range(0, images, part_size)):
            yield slice(start, start + part_size), self.contexts[number % len(self.contexts)]

    def own(self, batch: Sequence[int], part_size: int) -> Sequence[int]:
        """Return which images of a batch this process computes; there may be none in a short one.

        Parts are dealt out to the devices of all processes in turn, as if they were those of one.
        """
        at_once = len(self.contexts) * part_size
        starts = range(self.rank * at_once, len(batch), self.processes * at_once)
        return [image for start in starts for image in batch[start : start + at_once]]

    def trainer(self, parameters: Any, options: Mapping[str, float]) -> Any:
        """Return a trainer by SGD, whose updates are the same on all devices.

        Args:
            parameters: initialised on `contexts`.
            options: of the optimiser.
        """
        if not self.is_shared:
            return mx.gluon.Trainer(parameters, "sgd", dict(options))
        trainer = mx.gluon.Trainer(
            parameters, "sgd", dict(options), kvstore=self.kvstore, update_on_kvstore=False
        )
        # The first time, MXNet gives all devices the parameters and statistics of the first one, which must
        # not happen after a batch.
        trainer.allreduce_grads()
        return trainer

    def total(self, values: Array) -> Array:
        """Return sums over all processes, float64, of what each has added up over its devices."""
        return values

    def gathered(self, positions: Array, rows: Array, images: int, width: int) -> tuple[Array, Array]:
        """Return what all processes have computed of some images.

        Args:
            positions: int64 (M,): the images of this process.
            rows: float32 (M, width): what it has computed of each.
            images: how many there are in all.
            width: of a row.

        Returns:
            Positions, sorted, and rows of all that were computed.
        """
        if self.processes == 1:
            return positions, rows
        table = np.zeros((images, width + 1))
        table[positions, :width], table[positions, width] = rows.reshape(-1, width), 1
        table = self.total(table)
        found = np.flatnonzero(table[:, width])
        return found, table[found, :width].astype(np.float32)

    def check_alike(self, network: Any) -> None:
        """Check that all processes hold the same parameters; each must ask.

        Raises:
            ComputingFailed: they do not.
        """
        trained = [p for p in network.collect_params().values() if p.grad_req != "null"]
        sizes = np.array([float(p.list_data()[0].abs().sum().asscalar()) for p in trained])
        if not np.allclose(sizes, self.total(sizes) / self.processes, rtol=ALIKE):
            raise ComputingFailed(
                "the workers do not hold the same parameters any more, so what was trained is of no use; "
                "start again, and if it comes back, train without [cluster]"
            )


def sharing_of(device: Device) -> Sharing:
    """Return how the devices of this host share a training."""
    return Sharing(contexts(device), device.kvstore)


def leave_nobody_out(parameters: Iterable[Any]) -> None:
    """Let the next update reach also a device that had no image of the batch, so that all stay alike."""
    for parameter in parameters:
        for values in parameter.list_data():
            values._fresh_grad = True  # else Gluon takes its gradient, which holds the sum, for an old one
