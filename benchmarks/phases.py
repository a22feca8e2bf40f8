"""Where the time of a cycle of `fast` goes: of the first one, and of one with 300 more photos after it.

    python -m benchmarks.phases PHOTOS

Whole commands on copies of the photos, without the baseline, each in a process of its own. What a background
thread does is not a phase: it takes place while the main thread waits.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.phased_command import LATE_PHASES, PHASES, REST
from benchmarks.timed import timed


def main(photos: Path) -> None:
    """Print a row for each phase, in the order in which a cycle comes to them."""
    with tempfile.TemporaryDirectory() as name:
        images, home = Path(name) / "images", Path(name) / "home"
        for split in ("train", "test"):
            shutil.copytree(photos / split, images / split)
        cold = phases(home, images)
        shutil.copytree(photos / "arrivals", images / "train", dirs_exist_ok=True)
        warm = phases(home, images, "--if-changed")
    print("| phase | first cycle, seconds | 300 more photos, seconds |")
    print("|---|---|---|")
    for phase in dict.fromkeys((REST, *PHASES.values(), *LATE_PHASES.values())):
        print(f"| {phase} | {cold.get(phase, 0.0):.2f} | {warm.get(phase, 0.0):.2f} |")
    totals = sum(cold.values()), sum(warm.values())
    print(f"| all | {totals[0]:.2f} | {totals[1]:.2f} |")
    print(f"\nThe first cycle took {totals[0] / totals[1]:.1f} times as long as the one after it.")


def phases(home: Path, images: Path, *options: str) -> dict[str, float]:
    """Run one cycle as a person would; return the seconds of each phase, which add up to the whole."""
    file = home.with_name("phases.json")
    words = ["--home", home, "--json", "run-now", "--images", images, "--no-baseline", *options]
    done = timed([sys.executable, "-m", "benchmarks.phased_command", file, *words])
    seconds: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    seconds[REST] = done.seconds - sum(seconds.values()) + seconds.get(REST, 0.0)
    return seconds


if __name__ == "__main__":
    main(Path(sys.argv[1]))
