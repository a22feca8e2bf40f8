"""A linear head on frozen features: softmax regression with an L2 penalty, at its optimum.

The loss is convex, so L-BFGS reaches the one optimum surely, whatever the seed; gradient descent on the
same features overfits within a few passes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from pipeline.arrays import Array
from pipeline.evaluate import cross_entropies, log_softmax, loss_and_accuracy
from pipeline.fits import LARGE, each
from pipeline.stretches import stretches


@dataclass(frozen=True)
class LinearHead:
    """logits = features @ weight.T + bias."""

    weight: Array  # float32 (classes, F)
    bias: Array  # float32 (classes,)

    def logits(self, features: Array) -> Array:
        """Return the logits, float32 (N, classes), of features (N, F)."""
        return np.asarray(features @ self.weight.T + self.bias)


@dataclass(frozen=True)
class _Scaling:
    """Standardisation of the features, folded into the head when it is done."""

    mean: Array  # float32 (F,)
    std: Array  # float32 (F,), never 0

    @classmethod
    def of(cls, features: Array) -> "_Scaling":
        if features.size <= LARGE:
            return cls(features.mean(axis=0), cls._never_0(features.std(axis=0)))
        # Sums of millions of float32 need float64; those of a stretch do not.
        count = len(features)
        sums = (features[some].sum(axis=0).astype(np.float64) for some in stretches(count))
        mean = np.asarray(sum(sums) / count, dtype=np.float32)
        squares = (np.square(features[some] - mean).sum(axis=0) for some in stretches(count))
        return cls(mean, cls._never_0(np.sqrt(sum(part.astype(np.float64) for part in squares) / count)))

    @staticmethod
    def _never_0(std: Array) -> Array:
        return np.where(std > 1e-6, std, 1.0).astype(np.float32)

    def apply(self, features: Array) -> Array:
        return np.asarray((features - self.mean) / self.std)

    def fold(self, weight: Array, bias: Array) -> LinearHead:
        """Return the head that does on raw features what (weight, bias) does on standardised ones."""
        raw = weight / self.std
        return LinearHead(raw.astype(np.float32), (bias - raw @ self.mean).astype(np.float32))


@dataclass(frozen=True)
class _Scaled:
    """Standardised features: of many images a stretch at a time, and anew in each pass."""

    features: Array  # standardised only if `scaling` is None
    targets: Array  # float32 (N, classes)
    scaling: _Scaling | None

    @classmethod
    def of(cls, features: Array, targets: Array, scaling: _Scaling) -> "_Scaled":
        if features.size <= LARGE:
            return cls(scaling.apply(features), targets, None)
        return cls(features, targets, scaling)

    def parts(self) -> Iterator[tuple[Array, Array]]:
        """Yield features and targets."""
        if self.scaling is None:
            yield self.features, self.targets
            return
        for some in stretches(len(self.features)):
            yield self.scaling.apply(self.features[some]), self.targets[some]


def fit_head(
    features: Array,
    labels: Array,
    classes: int,
    *,
    strength: float,
    iterations: int,
    check_stop: Callable[[], None] = lambda: None,
) -> list[LinearHead]:
    """Fit a head; return what each iteration of the optimiser reached, the last one being the optimum.

    One iteration passes over all the features, so it is what an epoch is elsewhere.

    Args:
        features: float32 (N, F); they may be more than fits into memory, see `pipeline.room`.
        labels: class indices, int64 (N,).
        classes: number of classes.
        strength: C, the inverse of the L2 penalty: minimised is sum(cross-entropy) + |W|^2 / (2 C)
            on standardised features; the bias is not penalised.
        iterations: the most that are made; it stops before when it has converged.
        check_stop: is called before each pass over the features; of millions, one takes a while.

    Raises:
        Whatever `check_stop` raises.
    """
    scaling = _Scaling.of(features)
    scaled = _Scaled.of(features, np.eye(classes, dtype=np.float32)[labels], scaling)
    shape = (classes, features.shape[1] + 1)
    steps: list[Array] = []

    def objective(flat: Array) -> tuple[float, Array]:
        check_stop()
        return _objective(flat.reshape(shape), scaled, strength)

    with threadpool_limits(None if features.size > LARGE else 1, "blas"):
        minimize(
            objective,
            np.zeros(shape[0] * shape[1]),
            method="L-BFGS-B",
            jac=True,
            callback=lambda flat: steps.append(flat.copy()),
            options={"maxiter": iterations, "ftol": 1e-9, "gtol": 1e-6},
        )
    parameters = [step.reshape(shape) for step in steps or [np.zeros(shape)]]
    return [scaling.fold(step[:, :-1], step[:, -1]) for step in parameters]


def _objective(parameters: Array, scaled: _Scaled, strength: float) -> tuple[float, Array]:
    """Return the penalised loss, divided by the number of images, and its gradient (flat)."""
    weight, bias = parameters[:, :-1], parameters[:, -1]
    loss, gradient = (weight**2).sum() / (2 * strength), np.zeros_like(parameters)
    for features, targets in scaled.parts():
        log_probabilities = log_softmax(features @ weight.T.astype(np.float32) + bias)
        loss -= (log_probabilities * targets).sum()
        error = np.exp(log_probabilities) - targets
        gradient[:, :-1] += error.T.astype(np.float32) @ features
        gradient[:, -1] += error.sum(axis=0)
    gradient[:, :-1] += weight / strength
    count = len(scaled.targets)
    return loss / count, gradient.ravel() / count


def losses_and_accuracies(
    heads: Sequence[LinearHead], features: Array, labels: Array
) -> list[tuple[float, float]]:
    """Return for each head what `loss_and_accuracy` says, in one pass over the features for all."""
    losses, right = np.zeros(len(heads)), np.zeros(len(heads))
    for some in stretches(len(features)):
        for number, head in enumerate(heads):
            logits = head.logits(features[some])
            losses[number] += cross_entropies(logits, labels[some]).sum()
            right[number] += (logits.argmax(axis=-1) == labels[some]).sum()
    return list(zip((losses / len(features)).tolist(), (right / len(features)).tolist(), strict=True))


def held_out_losses(
    features: Array,
    labels: Array,
    held_out: Array,
    classes: int,
    strengths: Sequence[float],
    iterations: int,
) -> Iterator[tuple[float, float]]:
    """Yield (strength, log loss on the held-out images) for a head fitted on the others.

    Args:
        features: float32 (N, F).
        labels: int64 (N,).
        held_out: bool (N,).
        classes: number of classes.
        strengths: values of C to try.
        iterations: see `fit_head`.
    """
    others, their_labels = features[~held_out], labels[~held_out]

    def fit(strength: float) -> LinearHead:
        return fit_head(others, their_labels, classes, strength=strength, iterations=iterations)[-1]

    for strength, head in zip(strengths, each(fit, strengths, others.size), strict=True):
        loss, _ = loss_and_accuracy(head.logits(features[held_out]), labels[held_out])
        yield strength, loss
