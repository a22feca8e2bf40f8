"""What a network says of the test images, and how good that is."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.arrays import Array
from pipeline.decode import normalise
from pipeline.errors import TrainingDiverged
from pipeline.reader import ImageReader
from pipeline.records import Evaluation, Prediction, SnapshotImage

Forward = Callable[[Array], Array]  # float32 (N, 3, S, S) -> outputs float32 (N, anything)
Progress = Callable[[str, int, int], None]  # stage, images done, images in all


def silent(stage: str, done: int, total: int) -> None:
    """Show no progress."""


def run_forward(
    forward: Forward,
    reader: ImageReader,
    images: Sequence[SnapshotImage],
    batch_size: int,
    *,
    stage: str,
    check_stop: Callable[[], None],
    progress: Progress = silent,
) -> tuple[Array, Array]:
    """Run all images through `forward`, without augmentation.

    Returns:
        The positions (int64, (M,)) in `images` of those that could be read, and their outputs (M, ...).
    """
    positions, outputs = [], []
    done = 0
    for batch in reader.batches(images, batch_size):
        check_stop()
        positions.append(batch.positions)
        outputs.append(forward(normalise(batch.pixels, reader.preprocessing)))
        done += len(batch.positions)
        progress(stage, done, len(images))
    if not positions:
        return np.empty(0, np.int64), np.empty((0, 0), np.float32)
    return np.concatenate(positions), np.concatenate(outputs)


def as_judged(forward: Forward, *, test_time_flip: bool) -> Forward:
    """Return a network's function as its images are judged: with `test_time_flip` over their mirrors, too."""
    return over_mirrors(forward) if test_time_flip else forward


def over_mirrors(forward: Forward) -> Forward:
    """Return a function whose outputs are the means over each image and its mirror image."""

    def both(images: Array) -> Array:
        return np.asarray((forward(images) + forward(mirror(images))) / 2)

    return both


def mirror(rows: Array) -> Array:
    """Turn images or maps left to right along their last axis."""
    return np.ascontiguousarray(rows[..., ::-1])


def softmax(logits: Array) -> Array:
    """Return the softmax over the last axis, float64, safe for large logits."""
    return np.asarray(np.exp(log_softmax(logits)))


def log_softmax(logits: Array) -> Array:
    """Return the logarithm of the softmax over the last axis, float64, safe for large logits."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def loss_and_accuracy(logits: Array, labels: Array) -> tuple[float, float]:
    """Return the mean cross-entropy (nats) and the fraction right.

    Args:
        logits: (N, classes).
        labels: class indices, int (N,).
    """
    losses = cross_entropies(logits, labels)
    return float(losses.mean()), float((logits.argmax(axis=-1) == labels).mean())


def cross_entropies(logits: Array, labels: Array) -> Array:
    """Return the cross-entropy of each row, nats, float64 (N,); arguments as of `loss_and_accuracy`."""
    return np.asarray(-log_softmax(logits)[np.arange(len(labels)), labels])


def evaluation(images: Sequence[SnapshotImage], classes: Sequence[str], logits: Array) -> Evaluation:
    """Return the evaluation of a network whose logits (N, classes) on `images` (N) are given.

    Raises:
        TrainingDiverged: a logit is not finite.
    """
    if not np.isfinite(logits).all():
        raise TrainingDiverged(
            "the network's outputs on the test images are not finite; choose a smaller learning rate"
        )
    log_probabilities = log_softmax(logits)
    loss, accuracy = loss_and_accuracy(logits, label_indices(images, classes))
    predictions = tuple(
        Prediction(image.sha256, image.path, image.label, tuple(float(p) for p in row))
        for image, row in zip(images, np.exp(log_probabilities), strict=True)
    )
    return Evaluation(accuracy=accuracy, log_loss=loss, predictions=predictions)


def label_indices(images: Sequence[SnapshotImage], classes: Sequence[str]) -> Array:
    """Return the class index of each image, int64 (N,)."""
    index = {label: position for position, label in enumerate(classes)}
    return np.array([index[image.label] for image in images], dtype=np.int64)
