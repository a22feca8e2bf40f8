"""Images per second of a training step by the number of MXNet's threads, and whether Whisker's is the best.

    python -m benchmarks.threads

Each number is set by OMP_NUM_THREADS in a process of its own, in turn. Whisker sets the number of processors
that it may use (`pipeline/runtime.py`); left to itself, MXNet takes half of them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from pipeline.processors import usable_processors

REPOSITORY = Path(__file__).resolve().parent.parent
BACKBONES = ("resnet18_v2", "efficientnet_lite0")
ROUNDS = 3
NOISE = 0.05  # a number of threads that is better by less is no better


def main(_photos: Path, rounds: int = ROUNDS) -> None:
    """Print a table with a row for each number of threads, and a sentence for each backbone."""
    processors = usable_processors()
    numbers = numbers_of_threads(processors)
    speeds: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for backbone in BACKBONES:
            for number in numbers:
                speeds.setdefault((backbone, number), []).append(measured(backbone, number))
    medians = {key: median(values) for key, values in speeds.items()}
    print(f"{processors} processors; batches of 32, medians of {rounds} processes in turn, images/s.\n")
    print(f"| threads | {' | '.join(BACKBONES)} |")
    print(f"|---|{'---|' * len(BACKBONES)}")
    for number in numbers:
        row = " | ".join(f"{medians[backbone, number]:.1f}" for backbone in BACKBONES)
        print(f"| {number}{' (Whisker)' if number == processors else ''} | {row} |")
    print()
    for backbone in BACKBONES:
        print(judged(backbone, {number: medians[backbone, number] for number in numbers}, processors))


def numbers_of_threads(processors: int) -> list[int]:
    """Return what to try: all up to twice the processors where these are few, else doubling."""
    most = 2 * processors
    if most <= 8:
        return list(range(1, most + 1))
    return sorted({processors, most, *(2**power for power in range(most.bit_length()) if 2**power <= most)})


def measured(backbone: str, threads: int) -> float:
    """Return the images per second of a process with so many threads."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.threads", backbone],
        cwd=REPOSITORY, env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return float(json.loads(done.stdout.splitlines()[-1]))


def judged(backbone: str, speeds: dict[int, float], own: int) -> str:
    """Return a sentence on whether Whisker's number of threads is the best of those tried."""
    best = max(speeds, key=lambda number: speeds[number])
    gain = speeds[best] / speeds[own] - 1
    if gain < NOISE:
        return f"{backbone}: Whisker's {own} threads are the best, or within {NOISE:.0%} of it."
    return f"{backbone}: {best} threads are faster than Whisker's {own}, by {gain:.0%}."


if __name__ == "__main__":
    if len(sys.argv) == 2:
        from benchmarks.steps import images_per_second, training_step

        print(json.dumps(images_per_second(training_step(sys.argv[1]))))
    else:
        main(Path())
