"""Write a run's model as an ONNX file, once it says of real images what MXNet says of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jobs.compared_images import Comparison
from jobs.published import Published
from pipeline.bundle import Model, load_model
from pipeline.disk import last_line
from pipeline.errors import CannotExport, WhiskerError
from pipeline.evaluate import as_judged
from pipeline.manifest import PARAMETERS, read_manifest, temperature_of, uses_test_time_flip
from pipeline.network import forward_of
from pipeline.onnx_export import export_onnx
from pipeline.onnx_file import OnnxFacts, finished, resizing
from pipeline.onnx_runtime import open_model, open_outputs
from pipeline.parity import MOST_APART, MOST_PIXELS_APART, MOST_WHOLE_APART, Exported, Measured, measure
from pipeline.publish import write_whole
from pipeline.runtime import mx


@dataclass(frozen=True)
class _Graphs:
    """What there is of a model in ONNX."""

    network: bytes  # of normalised images
    whole: bytes | None = None  # of images, with the preprocessing inside
    resizing: bytes | None = None  # that alone

    def opened(self) -> Exported:
        """Return them ready to run."""
        return Exported(
            open_outputs(self.network),
            None if self.whole is None else open_outputs(self.whole),
            None if self.resizing is None else open_model(self.resizing),
        )


def write_onnx(found: Published, target: Path, on: Comparison, *, with_preprocessing: bool) -> Measured:
    """Write the file if it says what MXNet says; return how far the two are apart.

    Raises:
        WeightsError: the model is damaged.
        CannotExport: they are farther apart than rounding explains, or there is no image to find out.
        SaveFailed: the file cannot be written.
    """
    manifest = read_manifest(found.folder, found.manifest_sha256)
    model = load_model(found.folder, mx.cpu(), manifest)
    temperature, flips = temperature_of(manifest), uses_test_time_flip(manifest)
    forward = as_judged(forward_of(model.network, mx.cpu()), test_time_flip=flips)
    metadata = _metadata(manifest, found.run_id)
    facts = OnnxFacts(model.classes, temperature, model.preprocessing, flips, metadata)
    with _failures_in_words(found.run_id):
        graphs = _graphs(model, facts, with_preprocessing=with_preprocessing)
        measured = measure(on.pictures(), forward, graphs.opened(), model.preprocessing, temperature)
    if measured is None:
        raise _nothing_to_compare(found.run_id, on)
    _check(measured, found.run_id)
    write_whole(target, graphs.whole or graphs.network)
    return measured


def _graphs(model: Model, facts: OnnxFacts, *, with_preprocessing: bool) -> _Graphs:
    network = export_onnx(model.network, model.preprocessing.size)
    plain = finished(network, facts, with_preprocessing=False)
    if not with_preprocessing:
        return _Graphs(plain)
    return _Graphs(plain, finished(network, facts, with_preprocessing=True), resizing(facts.preprocessing))


def _metadata(manifest: dict[str, Any], run_id: int) -> dict[str, str]:
    """Return what the file says of itself: texts, of which lists and records are JSON."""
    return {
        "whisker": version("whisker"),
        "run": str(run_id),
        "backbone": manifest.get("backbone", ""),
        "snapshot": manifest.get("snapshot", ""),
        "labels": json.dumps(manifest["classes"]),
        "temperature": repr(temperature_of(manifest)),
        "preprocessing": json.dumps(manifest["preprocessing"]),
        "parameters_sha256": manifest["sha256"][PARAMETERS],
        "weights_licence": (manifest.get("weights") or {}).get("licence") or "",
    }


@contextmanager
def _failures_in_words(run_id: int) -> Iterator[None]:
    try:
        yield
    except WhiskerError:
        raise
    except Exception as error:  # MXNet's translator, the checker and ONNX Runtime raise what they like
        raise CannotExport(
            f"the network of run {run_id} cannot be written as ONNX ({last_line(error)}); "
            "`export --format params` gives it for MXNet"
        ) from error


def _nothing_to_compare(run_id: int, on: Comparison) -> CannotExport:
    why = next(iter(on.unreadable.values()), "there is none")
    return CannotExport(
        f"the ONNX file of run {run_id} cannot be compared with MXNet, since of {len(on.images):,} "
        f"{on.called} none can be read ({why}); connect their disk, or give a folder of any such images "
        "as --images"
    )


def _check(measured: Measured, run_id: int) -> None:
    network, whole, pixels = measured.network, measured.whole, measured.pixels
    if not network.is_close:
        raise CannotExport(
            f"the ONNX file of run {run_id} was not written: it differs from MXNet, in probabilities by "
            f"up to {network.probability_difference:.1e}, in logits by {network.logit_difference:.1e}, where "
            f"{MOST_APART:.0e} is allowed; `export --format params` gives the model for MXNet"
        )
    far = whole is not None and whole.probability_difference > MOST_WHOLE_APART
    if far or (pixels is not None and pixels.mean > MOST_PIXELS_APART):
        raise CannotExport(
            f"the ONNX file of run {run_id} was not written: it resizes images otherwise than Pillow, pixels "
            f"by {pixels.mean if pixels else 0:.2f} on average, where {MOST_PIXELS_APART} is allowed, and "
            f"probabilities by up to {whole.probability_difference if whole else 0:.1e}, where "
            f"{MOST_WHOLE_APART} is allowed; leave --with-preprocessing out"
        )
