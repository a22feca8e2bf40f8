"""The clock of `python -m benchmarks phases`: it names functions, which must still be there."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.phased_command import LATE_PHASES, PHASES, REST, Clock
from tests.conftest import REPOSITORY


def test_each_function_of_the_tables_takes_part_in_a_cycle(
    drawn: Path, quickly: dict[str, str], tmp_path: Path
) -> None:
    file, home = tmp_path / "phases.json", tmp_path / "home"
    words = ["--home", str(home), "--json", "run-now", "--images", str(drawn), "--no-baseline"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.phased_command", file, *words],
        cwd=REPOSITORY,
        env=quickly,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["finetune"]["test_images"] == 12, "the command does what it does without"
    seconds = json.loads(file.read_text())
    assert set(seconds) == {REST, *PHASES.values(), *LATE_PHASES.values()}
    assert all(value > 0 for value in seconds.values())


def test_a_phase_is_counted_without_the_phases_inside_it() -> None:
    times = iter((0.0, 1.0, 3.0, 8.0, 18.0))
    clock = Clock(lambda: next(times))
    inner = clock.timed(lambda: "done", "inner")
    outer = clock.timed(inner, "outer")
    assert outer() == "done"
    assert clock.seconds == {REST: 1.0, "outer": 2.0 + 10.0, "inner": 5.0}
