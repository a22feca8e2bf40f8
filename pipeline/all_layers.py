"""Train all layers on from a fitted head, as the recipe `thorough` does, and keep them only where that helps.

There is one training, on the training images that are not held out. After each epoch the averaged weights are
judged on those that are; the best ones are kept if they beat the head there by more than chance does.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.checkpoint import Checkpoints
from pipeline.evaluate import cross_entropies, label_indices
from pipeline.gradients import Gradients
from pipeline.head import LinearHead
from pipeline.network import set_head
from pipeline.recipes import Recipe
from pipeline.records import EpochMetrics, SnapshotImage
from pipeline.runtime import mx
from pipeline.score import logits_on, score
from pipeline.surroundings import Surroundings
from pipeline.train import gradients_of, metrics_of, resume, train_epoch, trainer_of
from pipeline.training_data import TrainingData
from pipeline.training_state import Arrays, TrainingState
from pipeline.weight_average import WeightAverage, set_weights, weights_of

CLEARLY = 0.01  # the least share of the head's loss by which it has to fall
LOSSES, BEST = "held-out losses", "best:"  # what a checkpoint holds besides


@dataclass(frozen=True)
class Start:
    """Where the training of all layers begins."""

    head: LinearHead  # fitted on the training images that are not held out
    held_out: tuple[SnapshotImage, ...]
    losses: Array  # float64 (N,): the head's cross-entropy on each of these, nats
    epoch: int  # the number of the first epoch


@dataclass(frozen=True)
class Outcome:
    """What training all layers did to the log loss of held-out images."""

    losses: tuple[float, ...]  # means over these images, nats: of the head, then after each epoch
    first_epoch: int
    stopped_early: bool  # before all epochs that the recipe allows
    logits: Array  # float32 (M, classes): after the best epoch, of the M images that can be read
    labels: Array  # int64 (M,)
    gains: Array  # float64 (M,): what the head cost on each of them, less what the best epoch does

    @property
    def helps(self) -> bool:
        """Whether the loss fell clearly, and by more than its standard error: in doubt, the head stays."""
        least = CLEARLY * self.losses[0]
        return len(self.gains) > 1 and float(self.gains.mean()) > max(self._error, least)

    @property
    def sentence(self) -> str:
        """What was decided, and why."""
        verb = "kept" if self.helps else "not kept"
        best = _least(self.losses[1:])
        number, early = len(self.losses) - 1, " until an early stop" if self.stopped_early else ""
        return (
            f"all layers: {verb}, since training them took the held-out log loss from {self.losses[0]:.4f} "
            f"to {self.losses[1:][best]:.4f} in epoch {self.first_epoch + best}, the best of {number}{early}"
            f"{self._uncertainty}"
        )

    @property
    def _uncertainty(self) -> str:
        return f" (standard error of the gain {self._error:.4f})" if len(self.gains) > 1 else ""

    @property
    def _error(self) -> float:
        return float(self.gains.std(ddof=1) / np.sqrt(len(self.gains)))


def _least(losses: tuple[float, ...]) -> int:
    return min(range(len(losses)), key=losses.__getitem__)


class AllLayers:
    """A network of which all layers are trained from a fitted head on.

    BatchNorm keeps its pretrained statistics, for the head was fitted on features that were made with them.
    """

    def __init__(
        self, network: Any, data: TrainingData, start: Start, recipe: Recipe, around: Surroundings
    ) -> None:
        """Put the head that it starts from on the network.

        Args:
            network: with the features on which the head was fitted.
            data: its training images are those that are not held out.
            start: the head, and what it says of the images that are held out.
            recipe: how to train.
            around: device, seed, stop and progress.
        """
        self.network, self.data, self.start = network, data, start
        self.recipe, self.around = recipe, around
        self._before = weights_of(network)
        set_head(network, start.head)
        self._average = WeightAverage(network, recipe.average_decay)
        self._losses = [float(start.losses.mean())]
        self._best: dict[str, Any] = {}  # the averaged weights after the best epoch, if one beat the head

    def fit(self, checkpoints: Checkpoints | None = None) -> Iterator[EpochMetrics]:
        """Train; yield one record an epoch.

        With checkpoints it goes on from the one that was found, and each epoch leaves one before it is
        yielded. All that is random in an epoch depends on the seed and its number alone.

        Raises:
            TrainingDiverged: the loss is not finite.
            Interrupted: from `around.check_stop`.
            SaveFailed: a checkpoint could not be written.
            WeightsError: the checkpoint is that of another network.
        """
        trainer = trainer_of(self.network, self.recipe, self.around.sharing)
        state = TrainingState({"network": self.network}, trainer)
        resume(state, checkpoints)
        if checkpoints and checkpoints.found:
            self._take_up(checkpoints.found.arrays)
        gradients = gradients_of(self.network, self.data, self.recipe, self.around, as_used=True)
        labels = label_indices(self.data.train, self.data.classes)
        while not self._is_over():
            metrics = self._epoch(gradients, trainer, labels)
            if checkpoints:
                checkpoints.keep(metrics, {**state.arrays(), **self._arrays()})
            yield metrics

    def settle(self) -> Outcome:
        """Give the network the best weights where they help, else those that it had before."""
        logits, labels, gains = np.empty((0, 0), np.float32), np.empty(0, np.int64), np.empty(0)
        if self._best:
            set_weights(self.network, self._best)
            positions, logits, labels = self._held_out()
            gains = self.start.losses[positions] - cross_entropies(logits, labels)
        stopped_early = len(self._losses) - 1 < self.recipe.epochs
        outcome = Outcome(tuple(self._losses), self.start.epoch, stopped_early, logits, labels, gains)
        if not outcome.helps:
            set_weights(self.network, self._before)
        return outcome

    def _is_over(self) -> bool:
        """Return whether all epochs were made, or too many in a row were no better than the best."""
        done = len(self._losses) - 1
        waited = done - _least(tuple(self._losses))
        return done >= self.recipe.epochs or 0 < self.recipe.early_stop_epochs <= waited

    def _epoch(self, gradients: Gradients, trainer: Any, labels: Array) -> EpochMetrics:
        """Train for one epoch, and judge the averaged weights."""
        started, epoch = time.perf_counter(), len(self._losses)
        rate, each = learning_rates(self.recipe, len(self.data.train))
        updates = _Updates(trainer, rate, self._average, count=(epoch - 1) * each)
        loss, accuracy = train_epoch(gradients, updates, self.data, labels, self.recipe, self.around, epoch)
        with self._average.in_use():
            _, logits, targets = self._held_out()
            tested = score(self.network, self.data, self.recipe, self.around)
        held_out_loss = float(cross_entropies(logits, targets).mean())
        if held_out_loss < min(self._losses):
            self._best = {name: mean.copy() for name, mean in self._average.means.items()}
        self._losses.append(held_out_loss)
        return metrics_of(self.start.epoch + epoch - 1, loss, accuracy, tested, started)

    def _held_out(self) -> tuple[Array, Array, Array]:
        """Return which held-out images can be read (M,), their logits (M, classes) and their labels (M,)."""
        positions, logits = logits_on(
            self.network, self.start.held_out, self.data, self.recipe, self.around, stage="held-out images"
        )
        return positions, logits, label_indices(self.start.held_out, self.data.classes)[positions]

    def _arrays(self) -> dict[str, Any]:
        losses = {LOSSES: mx.nd.array(self._losses, dtype="float64")}
        return {**self._average.arrays(), **{f"{BEST}{name}": w for name, w in self._best.items()}, **losses}

    def _take_up(self, arrays: Arrays) -> None:
        self._average.restore(arrays)
        self._losses = arrays[LOSSES].asnumpy().tolist()
        best = {name.removeprefix(BEST): array for name, array in arrays.items() if name.startswith(BEST)}
        self._best = best


class _Updates:
    """Stands for the trainer: each update is made at a rate of its own, and counts in the average."""

    def __init__(
        self, trainer: Any, rate: Callable[[int], float], average: WeightAverage, *, count: int
    ) -> None:
        self._trainer, self._rate, self._average = trainer, rate, average
        self._count = count  # of the updates that were made before

    def allreduce_grads(self) -> None:
        """Add up the gradients of all devices."""
        self._trainer.allreduce_grads()

    def update(self, images: float) -> None:
        """Make one update, from gradients that are sums over so many images."""
        self._trainer.set_learning_rate(self._rate(self._count))
        self._trainer.update(images)
        self._count += 1
        self._average.add(self._count)


def learning_rates(recipe: Recipe, images: int) -> tuple[Callable[[int], float], int]:
    """Return the learning rate by the number of updates before, and how many updates an epoch has."""
    each = -(-images // recipe.batch_size)
    total = recipe.epochs * each
    rising = min(round(recipe.warm_up_epochs * each), total - 1)
    rate = mx.lr_scheduler.CosineScheduler(total, recipe.learning_rate, warmup_steps=rising)
    return rate, each
