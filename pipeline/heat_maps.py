"""Class activation maps: where in an image a published network sees a class.

After Zhou, Khosla, Lapedriza, Oliva and Torralba, "Learning Deep Features for Discriminative Localization",
CVPR 2016. A network that ends in global average pooling and one dense layer computes a logit as the mean over
all places of the evidence sum_k weight[class, k] * activation_k(place), plus the bias. So the map is exact.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.arrays import Array
from pipeline.decode import normalise
from pipeline.errors import WeightsError
from pipeline.evaluate import Forward, mirror
from pipeline.manifest import PARAMETERS, SYMBOL, preprocessing_of, read_manifest, uses_test_time_flip
from pipeline.network import forward_of
from pipeline.reader import ImageReader
from pipeline.records import HeatMap, Preprocessing, SnapshotImage
from pipeline.runtime import mx

BATCH = 8


@dataclass(frozen=True)
class EvidenceModel:
    """A published network, cut before its pooling."""

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    activations: Forward  # normalised images, float32 (N, 3, S, S) -> (N, K, H, W)
    weight: Array  # float32 (classes, K)
    bias: Array  # float32 (classes,)
    test_time_flip: bool = False  # logits are means over an image and its mirror image, so the evidence is

    def evidence(self, images: Array) -> Array:
        """Return the evidence for each class at each place, float32 (N, classes, H, W).

        Its mean over the places, plus the bias, is the logit.
        """
        found = self._evidence(images)
        return (found + mirror(self._evidence(mirror(images)))) / 2 if self.test_time_flip else found

    def _evidence(self, images: Array) -> Array:
        return np.asarray(np.einsum("ck,nkhw->nchw", self.weight, self.activations(images)))


def heat_maps(
    folder: Path, images: Sequence[SnapshotImage], labels: Sequence[str], images_folder: bytes, device: Any
) -> tuple[HeatMap, ...]:
    """Return a map for each image that can be read.

    Args:
        folder: of the published model.
        images: what to look at.
        labels: for each image, the class whose evidence is shown.
        images_folder: what the images' paths are relative to.
        device: an `mx.Context`.

    Raises:
        WeightsError: the model cannot be read, or does not end in average pooling and a dense layer.
    """
    model = open_evidence(folder, device)
    maps: list[HeatMap] = []
    with closing(ImageReader(images_folder, model.preprocessing).batches(images, BATCH)) as batches:
        for batch in batches:
            evidence = model.evidence(normalise(batch.pixels, model.preprocessing))
            for position, of_image in zip(batch.positions, evidence, strict=True):
                image, label = images[position], labels[position]
                maps.append(_heat_map(image.sha256, label, of_image[model.classes.index(label)]))
    return tuple(maps)


def open_evidence(folder: Path, device: Any) -> EvidenceModel:
    """Open a published model for its evidence; raises WeightsError as `heat_maps` does."""
    manifest = read_manifest(folder)
    dense = mx.sym.load(str(folder / SYMBOL))
    pooling = _pooling_before(dense)
    if pooling is None:
        raise WeightsError(
            f"the network in {folder} does not end in global average pooling and a dense layer, so it has "
            "no heat maps; choose one of Whisker's backbones"
        )
    trunk = mx.gluon.SymbolBlock(pooling.get_children()[0], mx.sym.var("data", dtype="float32"))
    trunk.collect_params().load(str(folder / PARAMETERS), ctx=device, ignore_extra=True)
    trunk.hybridize(static_alloc=True)
    parameters = mx.nd.load(str(folder / PARAMETERS))
    weight, bias = (parameters[f"arg:{child.name}"].asnumpy() for child in dense.get_children()[1:])
    return EvidenceModel(
        tuple(manifest["classes"]),
        preprocessing_of(manifest),
        forward_of(trunk, device),
        weight,
        bias,
        uses_test_time_flip(manifest),
    )


def _pooling_before(dense: Any) -> Any:
    """Return the global average pooling whose flattened output enters a dense layer; None if it is not so."""
    if "num_hidden" not in dense.list_attr() or dense.list_attr().get("no_bias") == "True":
        return None
    for node in _inputs(dense):
        attributes = node.list_attr()
        if "pool_type" in attributes:
            is_mean = attributes["pool_type"] == "avg" and attributes.get("global_pool") == "True"
            return node if is_mean else None
        if "flatten" not in node.name:
            return None
    return None


def _inputs(node: Any) -> Iterator[Any]:
    """Yield the first input of a node, its first input, and so on."""
    while (children := node.get_children()) is not None:
        node = children[0]
        yield node


def _heat_map(sha256: str, label: str, evidence: Array) -> HeatMap:
    """Return the evidence (H, W) as bytes: nothing or less as 0, the most as 255."""
    positive = np.maximum(evidence, 0.0)
    scaled = np.rint(255 * (positive / (positive.max() or 1.0))).astype(np.uint8)
    return HeatMap(sha256, label, scaled.shape[1], scaled.tobytes())
