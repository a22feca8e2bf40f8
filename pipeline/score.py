"""What a network in training says of images, also where several processes share them."""

from collections.abc import Sequence
from typing import Any

from pipeline.arrays import Array
from pipeline.evaluate import as_judged, evaluation, run_forward
from pipeline.network import forward_on
from pipeline.recipes import Recipe
from pipeline.records import Evaluation, SnapshotImage
from pipeline.surroundings import Surroundings
from pipeline.training_data import TrainingData


def score(network: Any, data: TrainingData, recipe: Recipe, around: Surroundings) -> Evaluation:
    """Return the evaluation of the network on the test images."""
    positions, logits = logits_on(network, data.test, data, recipe, around, stage="test images")
    return evaluation([data.test[p] for p in positions], data.classes, logits)


def logits_on(
    network: Any,
    images: Sequence[SnapshotImage],
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
    *,
    stage: str,
) -> tuple[Array, Array]:
    """Return which images can be read, int64 (N,), and the network's logits on them, float32 (N, classes).

    Of processes that share a training, each computes some of them, and all get all.
    """
    sharing = around.sharing
    positions, logits = run_forward(
        as_judged(forward_on(network, sharing.contexts), test_time_flip=recipe.test_time_flip),
        data.reader,
        images[sharing.rank :: sharing.processes],
        recipe.images_at_once * len(sharing.contexts),
        stage=stage,
        check_stop=around.check_stop,
        progress=around.progress,
    )
    positions = sharing.rank + sharing.processes * positions
    return sharing.gathered(positions, logits, len(images), len(data.classes))
