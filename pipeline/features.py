"""Frozen features: what the pretrained layers make of each image, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.errors import TrainingDiverged
from pipeline.evaluate import label_indices, run_forward
from pipeline.network import forward_of, split_features
from pipeline.recipes import Recipe
from pipeline.records import SnapshotImage
from pipeline.runtime import mx
from pipeline.train import Surroundings, TrainingData


@dataclass(frozen=True)
class Features:
    """The backbone's output for those images of one split that could be read."""

    images: tuple[SnapshotImage, ...]
    labels: Array  # int64 (N,)
    pooled: Array  # float32 (N, F)
    boundary: Array  # float32 (N, C, H, W): what enters the last stage; (0,) where it is not trained


def compute_features(
    network: Any,
    tail_start: int,
    images: Sequence[SnapshotImage],
    data: TrainingData,
    recipe: Recipe,
    around: Surroundings,
) -> Features:
    """Run the frozen layers over some images once.

    The activations at the boundary are kept in memory only if the last stage is to be trained:
    37 KiB an image for efficientnet_lite0, beside 5 KiB for the pooled features.

    Raises:
        TrainingDiverged: a feature is not finite, so the weights are damaged.
    """
    keep_boundary = recipe.last_stage_epochs > 0
    trunk, last_stage = split_features(network, tail_start)
    forward = forward_of(trunk if keep_boundary else network.features, around.device)
    positions, outputs = run_forward(
        forward,
        data.reader,
        images,
        recipe.batch_size,
        stage="features",
        check_stop=around.check_stop,
        progress=around.progress,
    )
    pooled = _in_batches(last_stage, outputs, recipe.batch_size, around.device) if keep_boundary else outputs
    if not np.isfinite(pooled).all():
        raise TrainingDiverged(
            "the frozen features are not finite; the weights file is damaged: fetch it again"
        )
    found = tuple(images[p] for p in positions)
    boundary = outputs if keep_boundary else np.empty(0, np.float32)
    return Features(found, label_indices(found, data.classes), pooled.reshape(len(found), -1), boundary)


def _in_batches(block: Any, inputs: Array, batch_size: int, device: Any) -> Array:
    """Run a block over rows held in memory."""
    parts = np.split(inputs, range(batch_size, len(inputs), batch_size))
    return np.concatenate([block(mx.nd.array(part, ctx=device)).asnumpy() for part in parts])


def held_out_part(images: Sequence[SnapshotImage], share: float) -> Array:
    """Choose the training images that are held out for decisions, bool (N,).

    Of each class the given share, by the second half of the content hash: independent of the order, of the
    seed and of the draw that makes the test split, which uses the first half. At least one of each class
    is held out and at least one is not, so a class needs two.
    """
    held_out = np.zeros(len(images), dtype=bool)
    for label in {image.label for image in images}:
        members = [i for i, image in enumerate(images) if image.label == label]
        members.sort(key=lambda i: images[i].sha256[32:])
        count = min(max(1, round(share * len(members))), len(members) - 1)
        held_out[members[:count]] = True
    return held_out
