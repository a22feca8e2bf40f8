"""Class activation maps: where in an image a network sees a class, whatever computes its activations.

After Zhou, Khosla, Lapedriza, Oliva and Torralba, "Learning Deep Features for Discriminative Localization",
CVPR 2016. A network that ends in global average pooling and one dense layer computes a logit as the mean over
all places of the evidence sum_k weight[class, k] * activation_k(place), plus the bias. So the map is exact.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.arrays import Array
from pipeline.evaluate import Forward, mirror
from pipeline.records import Preprocessing


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


def map_values(evidence: Array) -> bytes:
    """Return the evidence (H, W) as bytes, row by row: nothing or less as 0, the most as 255."""
    positive = np.maximum(evidence, 0.0)
    scaled = np.rint(255 * (positive / (positive.max() or 1.0))).astype(np.uint8)
    return bytes(scaled.tobytes())
