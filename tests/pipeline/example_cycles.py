"""Cycles as the database would give them: realistic, failed, hostile. The same bytes on each call."""

import io
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from PIL import Image, ImageDraw

from pipeline.records import (
    Artifact,
    Cycle,
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
    Verdict,
)

STARTED = datetime(2026, 3, 14, 3, 0, 12, tzinfo=UTC)
CLASSES = ("cat", "dog")
# After Lighthouse, which keeps such a line in its own source to prove that its report survives it.
CANARY = "</script> pre$`post %%WHISKER_JSON%% <!-- {{7*7}} {% raw %}"
HOSTILE_NAMES = (
    b"<script>alert(1)</script>.jpg",
    b"\"><img src=x onerror='alert(2)'>.jpg",
    b"two\nlines\tand\x1b[31mred.jpg",
    "photo\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe".encode(),
    b"{{7*7}}{% raw %}.jpg",
    b"caf\xe9.jpg",
    b"a$b^$.jpg",
    b"-rf",
    b"x" * 255,
    "ne\u0301e.jpg".encode(),
    CANARY.encode(),
)
SETTINGS: dict[str, object] = {
    "batch_size": 32,
    "epochs": 3,
    "learning_rate": 0.002,
    "optimizer": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.0001},
    "augmentation": ["flip"],
    "preprocessing": {"size": 224, "resize": "squash", "mean": [0.485, 0.456, 0.406]},
}
ENVIRONMENT = {
    "python": "3.11.7",
    "mxnet": "1.9.1",
    "numpy": "1.23.5",
    "platform": "Linux x86_64",
    "processor": "2 cores",
}


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def example_epochs(kind: RunKind) -> tuple[EpochMetrics, ...]:
    """Return 20 epochs of the head and 3 of all layers, or 20 from scratch."""
    drawn = random.Random(kind)
    if kind == "scratch":
        return tuple(
            _epoch(n, "all layers", 0.70 - 0.006 * n, 0.50 + 0.006 * n, 11.4, drawn) for n in range(1, 21)
        )
    head = tuple(_epoch(n, "head", 0.35 / n**0.5, 0.955 + 0.001 * n, 0.06, drawn) for n in range(1, 21))
    return head + tuple(_epoch(n, "all layers", 0.05, 0.982, 10.8, drawn) for n in range(21, 24))


def _epoch(
    n: int, phase: str, loss: float, accuracy: float, seconds: float, drawn: random.Random
) -> EpochMetrics:
    wobble = drawn.uniform(-0.006, 0.006)
    return EpochMetrics(
        epoch=n,
        phase=phase,
        train_loss=loss + wobble,
        train_accuracy=min(1.0, accuracy + 0.01),
        test_loss=loss + 0.02 - wobble,
        test_accuracy=round((accuracy + wobble) * 400) / 400,
        seconds=seconds + wobble,
    )


def example_evaluation(
    wrong: int, *, paths: tuple[bytes, ...] = (), classes: tuple[str, ...] = CLASSES
) -> Evaluation:
    """Return an evaluation on 400 images, 200 a class, `wrong` of which are wrong, spread over the classes."""
    predictions = []
    for n in range(400):
        label = n % 2
        right = n >= wrong
        certainty = 0.5 + 0.499 * random.Random(n).random()
        probabilities = [1 - certainty, 1 - certainty]
        probabilities[label if right else 1 - label] = certainty
        path = paths[n] if n < len(paths) else f"test/{CLASSES[label]}/{CLASSES[label]}.{n:05d}.jpg".encode()
        predictions.append(Prediction(digest_of(f"test {n}"), path, classes[label], tuple(probabilities)))
    return Evaluation((400 - wrong) / 400, 0.049 if wrong < 50 else 0.655, tuple(predictions))


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
        Layer("resnetv20_conv0", "Conv2D", (64, 112, 112), 9408),
        Layer("resnetv20_batchnorm1", "BatchNorm", (64, 112, 112), 256),
        Layer("resnetv20_stage1_", "HybridSequential", (64, 56, 56), 148_224),
        Layer("resnetv20_stage4_", "HybridSequential", (512, 7, 7), 8_393_728),
        Layer("resnetv20_pool1", "GlobalAvgPool2D", (512, 1, 1), 0),
        Layer("resnetv21_dense0", "Dense", (2,), 1026),
    )
    return NetworkStructure(layers, "resnetv21_dense0", filters)


def example_run(kind: RunKind, run_id: int, **changes: object) -> Run:
    scratch = kind == "scratch"
    epochs = example_epochs(kind)
    settings = SETTINGS | (
        {"epochs": 20, "learning_rate": 0.05} if scratch else {"head": {"epochs": 20, "lr_mult": 10.0}}
    )
    run = Run(
        id=run_id,
        cycle_id=7,
        kind=kind,
        status="finished",
        backbone="resnet18_v2",
        recipe="scratch" if scratch else "fast",
        settings=settings,
        environment=ENVIRONMENT,
        device="cpu",
        seed=20260314,
        train_images=1600,
        test_images=400,
        started_at=STARTED + timedelta(seconds=60 if scratch else 4),
        seconds=232.4 if scratch else 38.2,
        images_per_second=141.2 if scratch else 902.7,
        error=None,
        notes=() if scratch else ("The learning rate was halved once, because the loss rose in epoch 21.",),
        epochs=epochs,
        test_accuracy=0.62 if scratch else 0.985,
        test_log_loss=0.655 if scratch else 0.049,
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def example_details(kind: RunKind, run_id: int, **changes: object) -> RunDetails:
    artifacts = (
        Artifact("network.params", digest_of(f"{run_id} params"), 44_800_512),
        Artifact("labels.json", digest_of(f"{run_id} labels"), 24),
    )
    wrong = 152 if kind == "scratch" else 6
    return RunDetails(
        example_run(kind, run_id, **changes), example_evaluation(wrong), example_structure(), artifacts
    )


def example_snapshot(quarantined: int = 3) -> SnapshotSummary:
    reasons = ("the file is cut off", "not an image", "the same image stands in both classes")
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
    return {digest_of(f"test {n}"): _thumbnail(n) for n in range(count)}


def _thumbnail(n: int) -> bytes:
    drawn = random.Random(n)
    colours = [tuple(drawn.randrange(256) for _ in range(3)) for _ in range(3)]
    image = Image.new("RGB", (160, 120), colours[0])
    ImageDraw.Draw(image).ellipse((30, 20, 110 + n, 100), fill=colours[1], outline=colours[2], width=4)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()


def finished_cycle(**changes: object) -> Cycle:
    """Return a cycle whose model was promoted."""
    cycle = Cycle(
        id=7,
        status="finished",
        images_folder="/srv/photos",
        started_at=STARTED,
        finished_at=STARTED + timedelta(seconds=281),
        error=None,
        snapshot=example_snapshot(),
        finetune=example_details("finetune", 13),
        scratch=example_details("scratch", 14),
        scratch_reused=False,
        verdict=Verdict(
            "promote",
            "On the same 400 test images it mends 9 mistakes of run 11 and makes 2 new ones (p = 0.033).",
        ),
        champion_id=13,
        thumbnails=example_thumbnails(),
    )
    return replace(cycle, **changes)  # type: ignore[arg-type]


def failed_cycle() -> Cycle:
    """Return a cycle that failed before it had a snapshot."""
    return finished_cycle(
        id=5,
        status="failed",
        error="class 'cat' has no readable image in photos/train/cat; add images or remove the folder",
        snapshot=None,
        finetune=None,
        scratch=None,
        verdict=None,
        champion_id=None,
        thumbnails={},
    )


def interrupted_cycle() -> Cycle:
    """Return a cycle that a signal stopped after four epochs of its first run."""
    run = example_run(
        "finetune",
        9,
        status="interrupted",
        error="stopped by a signal; all finished epochs are kept",
        epochs=example_epochs("finetune")[:4],
        seconds=None,
        images_per_second=None,
        test_accuracy=None,
        test_log_loss=None,
    )
    return finished_cycle(
        id=6,
        status="interrupted",
        error="stopped by a signal; all finished epochs are kept",
        finetune=RunDetails(run),
        scratch=None,
        verdict=None,
        champion_id=4,
        thumbnails={},
    )


def hostile_cycle() -> Cycle:
    """Return a cycle in which every text of strangers attacks the page."""
    classes = ("<b>cat", CANARY)
    changes = {"recipe": CANARY, "backbone": CANARY, "device": CANARY, "notes": (CANARY,), "error": CANARY}
    settings = {CANARY: {CANARY: [CANARY]}}
    environment = {CANARY: CANARY}
    details = [
        RunDetails(
            example_run(kind, run_id, **changes, settings=settings, environment=environment),
            example_evaluation(len(HOSTILE_NAMES), paths=HOSTILE_NAMES, classes=classes),
            replace(example_structure(), new_last_layer=CANARY),
            (Artifact(CANARY, digest_of("x"), 1),),
        )
        for kind, run_id in (("finetune", 21), ("scratch", 22))
    ]
    snapshot = SnapshotSummary(
        digest=digest_of("hostile"),
        classes=classes,
        counts={"train": {classes[0]: 10, classes[1]: 10}, "test": {classes[0]: 200, classes[1]: 200}},
        quarantined=tuple(Quarantined(name, CANARY) for name in HOSTILE_NAMES),
    )
    return finished_cycle(
        id=8,
        images_folder="/srv/\udce9/" + CANARY,
        error=CANARY,
        snapshot=snapshot,
        finetune=details[0],
        scratch=details[1],
        verdict=Verdict("reject", CANARY),
        thumbnails={digest_of("test 0"): _thumbnail(0)},
    )


def example_history() -> tuple[Cycle, ...]:
    """Return seven cycles, oldest first: a first model, a held one, a failed and an interrupted one, and so on."""
    steps = (("first", 0.9575), ("promote", 0.97), ("hold", 0.9675), ("reject", 0.94))
    cycles = [
        finished_cycle(
            id=n,
            started_at=STARTED - timedelta(days=9 - n),
            finished_at=STARTED - timedelta(days=9 - n, seconds=-250),
            finetune=RunDetails(example_run("finetune", 2 * n - 1, test_accuracy=accuracy)),
            scratch=RunDetails(example_run("scratch", 2, test_accuracy=0.58)),
            scratch_reused=n > 1,
            verdict=Verdict(decision, "Counted on the same test images."),  # type: ignore[arg-type]
            champion_id=1 if n == 1 else 3,
            thumbnails={},
        )
        for n, (decision, accuracy) in enumerate(steps, start=1)
    ]
    stopped = (
        replace(failed_cycle(), started_at=STARTED - timedelta(days=2)),
        replace(interrupted_cycle(), started_at=STARTED - timedelta(days=1)),
    )
    return (*cycles, *stopped, finished_cycle())
