"""How fast `classic` trains, against the plain script: one epoch each, in turn, in fresh processes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pipeline.processors import usable_processors

REPOSITORY = Path(__file__).resolve().parent.parent
BACKBONES = ("resnet18_v2", "efficientnet_lite0")
WORKERS = str(usable_processors())  # of the plain script: no number served it better on two processors


@dataclass(frozen=True)
class Program:
    """One way to train."""

    name: str
    module: str
    threads: int = 0  # OMP_NUM_THREADS; 0: not set

    def run(self, photos: Path, backbone: str, device: str, images: int) -> tuple[float, float]:
        """Train one epoch in a process of its own; return images per second and the peak memory in GB."""
        plain = self.module.endswith("plain_recipe")
        options = [backbone, "1", *([WORKERS] if plain else []), device, str(images)]
        environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
        if self.threads:
            environment["OMP_NUM_THREADS"] = str(self.threads)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", self.module, str(photos), *options],
            cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        epoch, last = (json.loads(line) for line in done.stdout.splitlines())
        return epoch["images_per_second"], last["peak_gb"]


def main(photos: Path, device: str = "cpu", images: int = 320, rounds: int = 3) -> None:
    """Print images per second, the ratio to the plain script with the same threads, and the peak memory."""
    threads = usable_processors()
    programs = (
        Program(f"plain script, OMP_NUM_THREADS={threads}", "benchmarks.plain_recipe", threads),
        Program("plain script as it is", "benchmarks.plain_recipe"),
        Program("Whisker, `classic`", "benchmarks.whisker_recipe"),
    )
    print(f"Device {device}; {images} training photos, batches of 32; medians of {rounds} epochs, in turn.\n")
    print("| backbone | program | images/s | ratio | peak memory, GB |")
    print("|---|---|---|---|---|")
    for backbone in BACKBONES:
        results = [
            [program.run(photos, backbone, device, images) for program in programs] for _ in range(rounds)
        ]
        for index, program in enumerate(programs):
            speed = median(one[index][0] for one in results)
            ratio = median(one[index][0] / one[0][0] for one in results)
            memory = max(one[index][1] for one in results)
            print(f"| {backbone} | {program.name} | {speed:.1f} | {ratio:.2f} | {memory:.2f} |")
    if device == "cpu":
        print("\nGPU: not measured.")
