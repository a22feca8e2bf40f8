"""Train the last stage of a backbone together with the head, on cached activations."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.checkpoint import Checkpoints
from pipeline.errors import TrainingDiverged
from pipeline.evaluate import loss_and_accuracy
from pipeline.features import Features
from pipeline.gradients import add_gradients, clear_gradients
from pipeline.head import LinearHead
from pipeline.network import forward_on, set_head
from pipeline.recipes import Recipe
from pipeline.records import EpochMetrics
from pipeline.runtime import mx
from pipeline.sharing import leave_nobody_out
from pipeline.surroundings import Surroundings
from pipeline.train import resume
from pipeline.training_state import TrainingState
from pipeline.weight_average import set_weights, weights_of

TRIAL = "trial"  # the name of the trial's logits in a checkpoint


@dataclass(frozen=True)
class Trial:
    """What training the last stage does to the log loss of held-out images."""

    logits: Array  # float32 (N, classes), of the held-out images, after it
    loss_before: float  # mean over these images, nats
    loss: float

    @property
    def helps(self) -> bool:
        """Whether the log loss fell."""
        return self.loss < self.loss_before

    @property
    def sentence(self) -> str:
        """What was decided, and why."""
        verb = "kept" if self.helps else "not kept"
        return (
            f"last stage: {verb}, since training it took the held-out log loss "
            f"from {self.loss_before:.4f} to {self.loss:.4f}"
        )


def trial_of(checkpoints: Checkpoints | None, loss_before: float, labels: Array) -> Trial | None:
    """Return the trial of the training that the checkpoint is of, with its labels; None without one."""
    if checkpoints is None or checkpoints.found is None:
        return None
    return _trial(checkpoints.found.arrays[TRIAL].asnumpy(), loss_before, labels)


def _trial(logits: Array, loss_before: float, labels: Array) -> Trial:
    return Trial(logits, loss_before, loss_and_accuracy(logits, labels)[0])


class LastStage:
    """The last stage and the head of a network, on activations that enter the last stage.

    BatchNorm keeps its pretrained statistics (the graph runs in inference mode): the cached activations and
    the head were made with them, and a small rate should not have to follow moving statistics.
    """

    def __init__(self, network: Any, block: Any, recipe: Recipe, around: Surroundings) -> None:
        self.network = network
        self.block = block
        self.recipe = recipe
        self.around = around
        self._adding: list[Any] = []  # the parameters whose gradients are sums over the parts of a batch

    def try_out(self, head: LinearHead, loss_before: float, train: Features, held_out: Array) -> Trial:
        """Train on the images that are not held out, and judge by the log loss of those that are.

        Leaves the last stage's parameters as they were.

        Args:
            head: fitted on the images that are not held out.
            loss_before: its log loss on those that are, nats.
            train: features of all training images.
            held_out: bool (N,).
        """
        logits = self.tried(head, train, np.flatnonzero(~held_out), np.flatnonzero(held_out))
        return _trial(logits, loss_before, train.labels[held_out])

    def tried(self, head: LinearHead, train: Features, rows: Array, judged: Array) -> Array:
        """Return what the network would say of some training images after training it on others.

        Leaves the last stage's parameters as they were, whatever is raised.

        Args:
            head: fitted on the images to train on.
            train: features of all training images.
            rows: which of them to train on, int64.
            judged: those that the logits are wanted of, float32 (M, classes).
        """
        before = weights_of(self.block)
        set_head(self.network, head)
        trainer = self._trainer()
        boundary, labels = train.boundary[rows], train.labels[rows]
        try:
            for epoch in range(1, self.recipe.last_stage_epochs + 1):
                self._epoch(trainer, epoch, boundary, labels)
            return self.logits(train.boundary[judged])
        finally:
            set_weights(self.block, before)

    def fit(
        self,
        train: Features,
        test: Features,
        *,
        first_epoch: int,
        trial: Trial,
        checkpoints: Checkpoints | None = None,
    ) -> Iterator[EpochMetrics]:
        """Train on all training images, from the head that the network has; yield one record an epoch.

        With checkpoints, each epoch leaves one, which holds the trial too, before it is yielded.
        """
        trainer = self._trainer()
        state = TrainingState({"stage": self.block, "output": self.network.output}, trainer)
        begin = max(first_epoch, resume(state, checkpoints) + 1)
        for epoch in range(begin, first_epoch + self.recipe.last_stage_epochs):
            started = time.perf_counter()
            loss, accuracy = self._epoch(trainer, epoch, train.boundary, train.labels)
            test_loss, test_accuracy = loss_and_accuracy(self.logits(test.boundary), test.labels)
            seconds = time.perf_counter() - started
            metrics = EpochMetrics(epoch, "last stage", loss, accuracy, test_loss, test_accuracy, seconds)
            if checkpoints:
                checkpoints.keep(metrics, {**state.arrays(), TRIAL: mx.nd.array(trial.logits)})
            yield metrics

    def logits(self, boundary: Array) -> Array:
        """Return the logits, float32 (N, classes), of activations (N, C, H, W)."""
        contexts = self.around.sharing.contexts
        forward = forward_on(self._forward, contexts)
        size = self.recipe.images_at_once * len(contexts)
        parts = np.split(boundary, range(size, len(boundary), size))
        return np.concatenate([forward(part) for part in parts])

    def _epoch(self, trainer: Any, epoch: int, boundary: Array, labels: Array) -> tuple[float, float]:
        """Pass once over the activations; return mean loss and accuracy over images."""
        order = np.random.default_rng((self.around.seed, epoch)).permutation(len(labels))
        total_loss, right = 0.0, 0.0
        for start in range(0, len(order), self.recipe.batch_size):
            self.around.check_stop()
            chosen = order[start : start + self.recipe.batch_size]
            loss, right_ones = self._step(trainer, boundary[chosen], labels[chosen])
            total_loss, right = total_loss + loss, right + right_ones
        if not np.isfinite(total_loss):
            raise TrainingDiverged(
                f"the loss of the last stage became {total_loss}; choose a smaller last_stage_learning_rate"
            )
        return total_loss / len(order), right / len(order)

    def _step(self, trainer: Any, boundary: Array, labels: Array) -> tuple[float, float]:
        """Make one update; return the summed loss and the number right."""
        sharing, parts = self.around.sharing, []
        for part, device in sharing.parts(len(labels), sharing.part_size(self.recipe.images_at_once)):
            with mx.autograd.record(train_mode=False):
                logits = self._forward(mx.nd.array(boundary[part], ctx=device))
                targets = mx.nd.array(labels[part], ctx=device)
                losses = mx.gluon.loss.SoftmaxCrossEntropyLoss()(logits, targets)
            losses.backward(train_mode=False)
            parts.append((losses.sum(), logits.argmax(axis=1), labels[part]))
        leave_nobody_out(self._adding)
        trainer.step(len(labels))
        clear_gradients(self._adding)
        loss = sum(float(of_part.asscalar()) for of_part, _, _ in parts)
        return loss, float(sum((found.asnumpy() == right).sum() for _, found, right in parts))

    def _trainer(self) -> Any:
        parameters = self.block.collect_params()
        parameters.update(self.network.output.collect_params())
        if self.recipe.gradient_parts > 1 or self.around.sharing.is_shared:
            self._adding = add_gradients(parameters.values())
        options = {
            "learning_rate": self.recipe.last_stage_learning_rate,
            "momentum": self.recipe.last_stage_momentum,
        }
        return self.around.sharing.trainer(parameters, options)

    def _forward(self, boundary: Any) -> Any:
        return self.network.output(self.block(boundary))
