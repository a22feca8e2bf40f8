"""Run the measurements and write `benchmarks/RESULTS.md`.

    python -m benchmarks [--device gpu] [NAME ...]

Without names, all of them, which takes over an hour on two cores. Results of measurements that are not named
stay as they are. The photos are taken from WHISKER_CATDOG, by default ../shared/data/catdog.
On a GPU, only what trains is measured: recipe, torch and time_to_98.
"""

import argparse
import contextlib
import io
import os
import platform
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks import (
    backbones,
    baseline_memory,
    batch_norm,
    batches,
    capacity,
    chunks,
    cluster,
    databases,
    export,
    faults,
    frozen_pass,
    growth,
    main_job,
    near_duplicates,
    object_store,
    phases,
    pixel_store,
    precision,
    predict,
    recipe,
    scale,
    scan,
    soak,
    storage,
    suspects,
    thorough,
    threads,
    time_to_98,
    torch_speed,
    tune,
    verdict,
)
from jobs.environment import processor
from pipeline.processors import usable_processors

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"
PHOTOS = Path(os.environ.get("WHISKER_CATDOG", HERE.parent.parent / "shared" / "data" / "catdog"))
MEASUREMENTS: dict[str, Callable[[Path], None]] = {
    "main_job": main_job.main,
    "thorough": thorough.main,
    "verdict": verdict.main,
    "batch_norm": batch_norm.main,
    "batches": batches.main,
    "baseline_memory": baseline_memory.main,
    "near_duplicates": near_duplicates.main,
    "frozen_pass": frozen_pass.main,
    "suspects": suspects.main,
    "scan": scan.main,
    "growth": growth.main,
    "scale": scale.main,
    "object_store": object_store.main,
    "capacity": capacity.main,
    "predict": predict.main,
    "export": export.main,
    "backbones": backbones.main,
    "recipe": recipe.main,
    "threads": threads.main,
    "precision": precision.main,
    "pixel_store": pixel_store.main,
    "torch": torch_speed.main,
    "time_to_98": time_to_98.main,
    "phases": phases.main,
    "soak": soak.main,
    "faults": faults.main,
    "storage": storage.main,
    "databases": databases.main,
    "tune": tune.main,
    "chunks": chunks.main,
    "cluster": cluster.main,
}

ON_A_GPU: dict[str, Callable[..., None]] = {
    "recipe": recipe.main,
    "torch": torch_speed.main,
    "time_to_98": time_to_98.main,
}


def main(names: list[str], device: str) -> None:
    """Run the named measurements, all if none is named, and put their tables into the results."""
    sections = _sections()
    for name in names or (MEASUREMENTS if device == "cpu" else ON_A_GPU):
        print(f"== {name}", flush=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            if device == "cpu":
                MEASUREMENTS[name](PHOTOS)
            else:
                ON_A_GPU[name](PHOTOS, device=device)
        print(printed.getvalue())
        title = name if device == "cpu" else f"{name}_{device}"
        sections[title] = f"{_machine(device)}\n\n{printed.getvalue().strip()}\n"
    body = "\n".join(f"## {name}\n\n{text}" for name, text in sections.items())
    RESULTS.write_text(f"# Results of `make bench`\n\n{body}", encoding="utf-8")


def _machine(device: str) -> str:
    gpu = "no GPU used" if device == "cpu" else f"device {device}"
    return f"{date.today()}, {processor()}, {usable_processors()} processors, {platform.system()}, {gpu}"


def _sections() -> dict[str, str]:
    """Return the results that were there, by name."""
    if not RESULTS.exists():
        return {}
    parts = re.split(r"^## (\w+)\n\n", RESULTS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (text.rstrip() + "\n" for text in parts[1::2]), strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASUREMENTS if arguments.device == "cpu" else ON_A_GPU):
        parser.error(f"no measurement on this device is called {', '.join(sorted(unknown))}")
    main(arguments.names, arguments.device)
