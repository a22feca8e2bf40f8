"""What a published model says of itself beside what is needed to run it: its data, training and figures."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from pipeline.backbones import backbone_named
from pipeline.calibration import calibrated, expected_calibration_error
from pipeline.class_metrics import ClassMetrics, class_metrics
from pipeline.evaluation_arrays import as_arrays, by_content, log_losses
from pipeline.manifest import FORMAT
from pipeline.paired import Estimate, mean_estimate
from pipeline.pretrained.weights import WeightsFile
from pipeline.records import Evaluation, RunDetails, Snapshot
from pipeline.shares import accuracy_of

Facts = dict[str, Any]  # what JSON can hold


def model_facts(details: RunDetails, snapshot: Snapshot, weights: WeightsFile | None) -> Facts:
    """Return the facts of a run's model, for `model.json`; nothing in it tells where the images lie.

    Args:
        details: the run, with its evaluation on the snapshot.
        snapshot: what it was trained and tested on.
        weights: what it began with; None: nothing.
    """
    run, calibration = details.run, details.findings.calibration
    return {
        "format": FORMAT,
        "whisker": version("whisker"),
        "run": run.id,
        "kind": run.kind,
        "trained_at": run.started_at.isoformat(timespec="seconds"),
        "backbone": run.backbone,
        "weights": None if weights is None else _weights(run.backbone, weights),
        "recipe": dict(run.settings),
        "seed": run.seed,
        "snapshot": snapshot.digest,
        "data": _data(snapshot, run.train_images),
        "calibration": None if calibration is None else asdict(calibration),
        "metrics": _metrics(details, snapshot.classes),
    }


def _weights(backbone: str, weights: WeightsFile) -> Facts:
    """Return what the training began with; the licence is known of the backbone's own file only."""
    licence = None if weights.is_users_own else backbone_named(backbone).licence
    return {"sha256": weights.sha256, "licence": licence}


def _data(snapshot: Snapshot, trained_on: int) -> Facts:
    counts = snapshot.summary().counts
    return {
        "split": "folders" if snapshot.has_split_folders else "drawn by content",
        "train": dict(counts["train"]),
        "test": dict(counts["test"]),
        "trained_on": trained_on,  # a baseline may be trained on a part
    }


def _metrics(details: RunDetails, classes: tuple[str, ...]) -> Facts | None:
    """Return the figures on the test images, with 95 % intervals; None without any image."""
    raw, accuracy = details.evaluation, accuracy_of(details.evaluation)
    if raw is None or accuracy is None:
        return None
    scaled = calibrated(raw, details.findings.temperature, classes)
    return {
        "test_images": len(raw.predictions),
        "accuracy": asdict(accuracy),
        "log_loss": asdict(_log_loss(scaled, classes)),
        "log_loss_without_temperature": raw.log_loss,
        "expected_calibration_error": expected_calibration_error(scaled, classes),
        "classes": {metrics.label: _of_class(metrics) for metrics in class_metrics(raw, classes)},
    }


def _log_loss(evaluation: Evaluation, classes: tuple[str, ...]) -> Estimate:
    return mean_estimate(log_losses(*as_arrays(by_content(evaluation), classes)))


def _of_class(metrics: ClassMetrics) -> Facts:
    return {
        "test_images": metrics.images,
        "recall": None if metrics.recall is None else asdict(metrics.recall),
        "precision": None if metrics.precision is None else asdict(metrics.precision),
    }
