"""What the verdict says of models of which we know how good they are.

    python -m benchmarks.verdict PHOTOS

First on real photos: the same again, new photos, a fifth of the training labels wrong. Then on simulated
answers of two models, equally good or one better: how often each rule replaces the champion.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.timed import run_now
from pipeline.arrays import Array
from pipeline.compare import verdict
from pipeline.records import Evaluation, Prediction

CLASSES = ("cat", "dog")
TRIALS = 500


def main(photos: Path) -> None:
    """Print the two tables."""
    _on_photos(photos)
    print()
    _simulated()


# ---------------------------------------------------------------- real photos


def _on_photos(photos: Path) -> None:
    print("| cycle | test accuracy | decision | reason | seconds |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        images, home = Path(name) / "images", Path(name) / "home"
        for split in ("train", "test"):
            shutil.copytree(photos / split, images / split)
        for title, change in _changes(photos):
            change(images)
            done, document = run_now(home, images, "--no-baseline")
            said, run = document["verdict"], document["finetune"]
            print(
                f"| {title} | {run['test_accuracy']:.4f} | {said['decision']} | {said['reason']} "
                f"| {done.seconds:.1f} |",
                flush=True,
            )


def _changes(photos: Path) -> tuple[tuple[str, Callable[[Path], None]], ...]:
    return (
        ("the first one", lambda images: None),
        ("the same photos again", lambda images: None),
        (
            "300 more photos",
            lambda images: shutil.copytree(photos / "arrivals", images / "train", dirs_exist_ok=True),
        ),
        ("a fifth of the training labels wrong", _flip_a_fifth),
    )


def _flip_a_fifth(images: Path) -> None:
    """Move every fifth training photo of each class to the other class."""
    moves = []
    for label, other in (CLASSES, CLASSES[::-1]):
        files = sorted((images / "train" / label).iterdir())[::5]
        moves += [(file, images / "train" / other / f"moved-{file.name}") for file in files]
    for file, target in moves:
        file.rename(target)


# ---------------------------------------------------------------- simulated answers


def _simulated() -> None:
    """Count, over many pairs of models, how often a new one replaces the champion."""
    print(
        "| test images | champion right | new model right | higher accuracy wins "
        "| Whisker promotes | rejects |"
    )
    print("|---|---|---|---|---|---|")
    for images, before, after in (
        (500, 0.99, 0.99),
        (500, 0.95, 0.95),
        (500, 0.95, 0.99),
        (500, 0.95, 0.90),
        (4500, 0.99, 0.99),
    ):
        naive, promoted, rejected = _count(images, before, after)
        print(
            f"| {images:,} | {before:.0%} | {after:.0%} | {naive:.1%} | {promoted:.1%} | {rejected:.1%} |",
            flush=True,
        )
    print(f"\nShares of {TRIALS} pairs; each image is an easy or a hard one for both models.")


def _count(images: int, before: float, after: float) -> tuple[float, float, float]:
    random = np.random.default_rng(0)
    naive = promoted = rejected = 0
    for _ in range(TRIALS):
        hardness = random.random(images)
        old, new = (_answers(random, hardness, right) for right in (before, after))
        naive += new.accuracy > old.accuracy
        decision = verdict(old, new, CLASSES).decision
        promoted += decision == "promote"
        rejected += decision == "reject"
    return naive / TRIALS, promoted / TRIALS, rejected / TRIALS


def _answers(random: np.random.Generator, hardness: Array, right: float) -> Evaluation:
    """Return the answers of a model that is right in this share of the images, the hard ones less often.

    A third of the chance of an error is a matter of the image, the rest of the model.
    """
    chance = (1 - right) * (1 / 3 * (hardness > 0.9) / 0.1 + 2 / 3)
    wrong = random.random(len(hardness)) < chance
    # Calibrated: as sure as it is right.
    predictions = tuple(
        Prediction(f"{n:064x}", b"", "dog", (1 - right, right) if not bad else (right, 1 - right))
        for n, bad in enumerate(wrong)
    )
    loss = -np.log(np.where(wrong, 1 - right, right)).mean()
    return Evaluation(float(1 - wrong.mean()), float(loss), predictions)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
