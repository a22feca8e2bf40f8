"""Two evaluations cut down to the test images that both have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.evaluation_arrays import evaluation_of
from pipeline.records import Evaluation


def on_shared_images(
    one: Evaluation, other: Evaluation, truth: Evaluation, classes: Sequence[str]
) -> tuple[Evaluation, Evaluation] | None:
    """Return both evaluations on the images that they share; None if they share none.

    Args:
        one: first evaluation.
        other: second evaluation.
        truth: that of the two whose labels count for both, since an image may have got another one.
        classes: in the order of the probabilities.
    """
    shared = {p.sha256 for p in one.predictions} & {p.sha256 for p in other.predictions}
    if not shared:
        return None
    labels = {p.sha256: p.label for p in truth.predictions if p.sha256 in shared}
    return _on(one, labels, classes), _on(other, labels, classes)


def _on(evaluation: Evaluation, labels: Mapping[str, str], classes: Sequence[str]) -> Evaluation:
    """Return an evaluation on the images that have a label in `labels`, at least one of them."""
    predictions = tuple(
        replace(prediction, label=labels[prediction.sha256])
        for prediction in evaluation.predictions
        if prediction.sha256 in labels
    )
    return evaluation_of(predictions, classes)
