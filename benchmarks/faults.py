"""All faults that a test can inject here, and what came of them: a table by `make faults`.

    python -m benchmarks faults

Killed, starved and damaged is the real program with a tiny network; see `tests/faults`.
"""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FIRST, LAST = "| fault |", "faults injected"


def main(_photos: Path) -> None:
    """Print the table, or raise if anything was lost."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "logical", "-m", "long or not long", "tests/faults"],
        cwd=REPOSITORY, env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith(FIRST)), None)
    end = next((n for n, line in enumerate(lines) if LAST in line), None)
    if done.returncode or begin is None or end is None:
        raise RuntimeError(f"the fault suite failed:\n{done.stdout}")
    print("\n".join([*lines[begin:end], "", lines[end] + "."]))
