"""What it costs to share a training: by several devices, several processes, and several hosts.

Two processors show what sharing costs and that the result is the same, not how much faster more machines are.
"""

import importlib.util
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import cluster_devices, cluster_hosts
from benchmarks.timed import run_now
from pipeline.processors import usable_processors
from pipeline.runtime import mx

BACKBONE, BATCH_SIZE, TRAIN, TEST, EPOCHS = "efficientnet_lite0", 16, 64, 16, 2
STEPS = math.ceil(TRAIN / BATCH_SIZE)  # of an epoch
WORKERS = (1, 2, 4)
KVSTORES = ("dist_sync", "horovod")
COLUMNS = (
    "added up by", "workers", "images/s", "alone", "more seconds a step", "train loss", "alone",
    "weights differ by at most",
)  # fmt: skip
SENTENCE = (
    f"This machine has {usable_processors()} processors: the tables show what sharing costs and whether its "
    "result is the same, not how much faster more processors, GPUs or hosts are."
)


def main(photos: Path) -> None:
    """Print a table for each way to share."""
    kvstores = KVSTORES if importlib.util.find_spec("horovod") else KVSTORES[:1]
    print(f"{SENTENCE}{'' if kvstores == KVSTORES else ' Horovod is not installed.'}\n")
    with tempfile.TemporaryDirectory() as place:
        images = some_photos(photos, Path(place) / "images")
        cluster_devices.main()
        processes(images, Path(place), kvstores)
        cluster_hosts.main(images, Path(place), BACKBONE, kvstores)


def some_photos(photos: Path, folder: Path) -> Path:
    """Copy the first photos of each class and split into a folder of their own."""
    for split, number in (("train", TRAIN), ("test", TEST)):
        for label in ("cat", "dog"):
            (folder / split / label).mkdir(parents=True)
            for file in sorted((photos / split / label).iterdir())[: number // 2]:
                shutil.copy(file, folder / split / label)
    return folder


def processes(images: Path, place: Path, kvstores: Sequence[str]) -> None:
    """Print what workers on this machine take and give, each number beside one process without workers."""
    print(
        f"Workers on this machine, all layers of {BACKBONE}, {TRAIN} photos in batches of {BATCH_SIZE}; the "
        "second epoch. Alone: one process that computes each batch in as many parts as there are workers.\n"
    )
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for number in WORKERS:
        alone = trained(place / f"alone-{number}", images, parts=number)
        for kvstore in kvstores:
            home = place / f"{kvstore}-{number}"
            shared = trained(home, images, workers=number, kvstore=kvstore)
            seconds, seconds_alone = (run["epochs"][-1]["seconds"] for run, _ in (shared, alone))
            print(
                f"| {kvstore} | {number} | {TRAIN / seconds:.1f} | {TRAIN / seconds_alone:.1f} "
                f"| {(seconds - seconds_alone) / STEPS:.2f} "
                f"| {shared[0]['epochs'][-1]['train_loss']:.6f} | {alone[0]['epochs'][-1]['train_loss']:.6f} "
                f"| {largest_difference(shared[1], alone[1]):.1e} |"
            )
    print()


def trained(
    home: Path, images: Path, *, parts: int = 1, workers: int = 0, kvstore: str = "dist_sync"
) -> tuple[Any, dict[str, Any]]:
    """Train all layers; return the run's document, and the parameters of its model."""
    home.mkdir(mode=0o700)
    cluster = f'[cluster]\nhosts = {["localhost"] * workers}\nkvstore = "{kvstore}"\n'
    (home / "whisker.toml").write_text(cluster if workers else "")
    recipe = f"--recipe classic --backbone {BACKBONE} --epochs {EPOCHS} --no-baseline"
    settings = f"--set batch_size={BATCH_SIZE} --set gradient_parts={parts}"
    _, document = run_now(home, images, *recipe.split(), *settings.split())
    return document["finetune"], parameters(home)


def parameters(home: Path) -> dict[str, Any]:
    """Return the trained parameters of the model of a home's first run."""
    arrays = mx.nd.load(str(home / "models" / "run-0001" / "network-0000.params"))
    return {name: array.asnumpy() for name, array in arrays.items() if name.startswith("arg:")}


def largest_difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Return by how much two sets of parameters differ at most."""
    return max(float(np.abs(a - b).max()) for a, b in zip(one.values(), other.values(), strict=True))
