"""A linear head on frozen features: softmax regression with an L2 penalty, at its optimum.

The loss is convex, so L-BFGS reaches the one optimum surely, whatever the seed; gradient descent on the
same features overfits within a few passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from pipeline.arrays import Array
from pipeline.evaluate import log_softmax, loss_and_accuracy
from pipeline.fits import LARGE, each


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
        std = features.std(axis=0)
        return cls(features.mean(axis=0), np.where(std > 1e-6, std, 1.0).astype(np.float32))

    def apply(self, features: Array) -> Array:
        return np.asarray((features - self.mean) / self.std)

    def fold(self, weight: Array, bias: Array) -> LinearHead:
        """Return the head that does on raw features what (weight, bias) does on standardised ones."""
        raw = weight / self.std
        return LinearHead(raw.astype(np.float32), (bias - raw @ self.mean).astype(np.float32))


def fit_head(
    features: Array, labels: Array, classes: int, *, strength: float, iterations: int
) -> list[LinearHead]:
    """Fit a head; return what each iteration of the optimiser reached, the last one being the optimum.

    One iteration passes over all the features, so it is what an epoch is elsewhere.

    Args:
        features: float32 (N, F).
        labels: class indices, int64 (N,).
        classes: number of classes.
        strength: C, the inverse of the L2 penalty: minimised is sum(cross-entropy) + |W|^2 / (2 C)
            on standardised features; the bias is not penalised.
        iterations: the most that are made; it stops before when it has converged.
    """
    scaling = _Scaling.of(features)
    scaled = scaling.apply(features)
    targets = np.eye(classes, dtype=np.float32)[labels]
    shape = (classes, features.shape[1] + 1)
    steps: list[Array] = []
    with threadpool_limits(None if scaled.size > LARGE else 1, "blas"):
        minimize(
            lambda flat: _objective(flat.reshape(shape), scaled, targets, strength),
            np.zeros(shape[0] * shape[1]),
            method="L-BFGS-B",
            jac=True,
            callback=lambda flat: steps.append(flat.copy()),
            options={"maxiter": iterations, "ftol": 1e-9, "gtol": 1e-6},
        )
    parameters = [step.reshape(shape) for step in steps or [np.zeros(shape)]]
    return [scaling.fold(step[:, :-1], step[:, -1]) for step in parameters]


def _objective(parameters: Array, features: Array, targets: Array, strength: float) -> tuple[float, Array]:
    """Return the penalised loss, divided by the number of images, and its gradient (flat)."""
    weight, bias = parameters[:, :-1], parameters[:, -1]
    log_probabilities = log_softmax(features @ weight.T.astype(np.float32) + bias)
    count = len(features)
    loss = -(log_probabilities * targets).sum() + (weight**2).sum() / (2 * strength)
    error = np.exp(log_probabilities) - targets
    gradient = np.empty_like(parameters)
    gradient[:, :-1] = error.T.astype(np.float32) @ features + weight / strength
    gradient[:, -1] = error.sum(axis=0)
    return loss / count, gradient.ravel() / count


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
