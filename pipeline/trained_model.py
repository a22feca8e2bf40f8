"""Open a trained model for use, on whatever runs it: ONNX Runtime where its writer found that to agree."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.evaluate import Forward, over_mirrors
from pipeline.manifest import ONNX, preprocessing_of, read_manifest, temperature_of, uses_test_time_flip
from pipeline.records import Preprocessing


@dataclass(frozen=True)
class TrainedModel:
    """A trained network, ready to be used."""

    classes: tuple[str, ...]
    preprocessing: Preprocessing
    forward: Forward  # normalised images, float32 (N, 3, S, S) -> logits (N, classes)
    temperature: float  # divides the logits where probabilities are shown; stored ones are without it


def open_trained(folder: Path, manifest_sha256: str | None = None) -> TrainedModel:
    """Open the model in a folder on the CPU; MXNet is imported only if the folder has no ONNX file.

    Args:
        folder: of the model.
        manifest_sha256: what its `model.json` must have, where that is known.

    Raises:
        WeightsError: a file of the model is missing or is not what was written.
    """
    manifest = read_manifest(folder, manifest_sha256)
    forward = _forward(folder, has_onnx=ONNX in manifest["sha256"])
    if uses_test_time_flip(manifest):
        forward = over_mirrors(forward)
    return TrainedModel(
        tuple(manifest["classes"]), preprocessing_of(manifest), forward, temperature_of(manifest)
    )


def _forward(folder: Path, *, has_onnx: bool) -> Forward:
    if has_onnx:
        from pipeline.onnx_runtime import open_model

        return open_model(folder / ONNX)
    from pipeline.bundle import load_model
    from pipeline.network import forward_of
    from pipeline.runtime import mx

    return forward_of(load_model(folder, mx.cpu()).network, mx.cpu())
