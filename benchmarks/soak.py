"""Many cycles in a row, with images that come and go: memory and files stay flat, and nothing is lost.

    python -m benchmarks.soak

First all cycles in one process, which is harder than what the daemon does, for it starts a process for each.
Then fewer by a real daemon that looks each second. The network is the tiny one of the tests.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil

from benchmarks.timed import CLI
from pipeline.drawings import draw_animal, draw_demo_images
from tests.faults.outcome import rows
from tests.faults.subject import Subject, make_subject
from tests.faults.whole import Facts, breaches, rows_of, tree
from tests.tiny import write_weights

CYCLES = 500
BY_THE_DAEMON = 40
EVERY = 50  # cycles between two rows of the table
WARM = 100  # cycles after which nothing may grow any more
PATIENCE_SECONDS = 120.0
MIB = 1024 * 1024


def main(_photos: Path, cycles: int = CYCLES, by_the_daemon: int = BY_THE_DAEMON) -> None:
    """Print a table for the process and a row for the daemon."""
    with tempfile.TemporaryDirectory() as folder:
        weights = write_weights(Path(folder) / "gluon")
        draw_demo_images(Path(folder) / "images", train_per_class=8, test_per_class=4, seed=3)
        first = make_subject(Path(folder) / "one", Path(folder) / "images", weights, more="keep_last = 20")
        print(f"{cycles} cycles in one process, an image more and one less before each:\n")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.soak", first.home, str(cycles)],
            cwd=CLI.parent, env=first.environment(), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        print(done.stdout, end="")
        report(first, cycles)
        second = make_subject(Path(folder) / "two", Path(folder) / "images", weights, more="keep_last = 5")
        print(f"\n{by_the_daemon} cycles by a daemon that looks each second:\n")
        watch(second, by_the_daemon)
        report(second, by_the_daemon)


def report(subject: Subject, cycles: int) -> None:
    """Print what the home holds at the end, and what is lost or left over."""
    lost = breaches(subject, Facts(tree(subject.images), rows_of(subject.home / "whisker.db")))
    models = len(list((subject.home / "models").iterdir())) - 1  # without the link to the champion
    print()
    print(f"{finished(subject)} of {cycles} cycles finished, {models} models are kept.")
    print(f"Lost or left over: {lost or 'nothing'}.")


def coming_and_going(images: Path) -> Iterator[None]:
    """Before each step draw an image and remove an older one; at times there is a file that is no image."""
    drawn: list[Path] = []
    for number in itertools.count():
        random = Random(number)
        label = random.choice(("cat", "dog"))
        split = "test" if number % 5 == 4 else "train"
        file = images / split / label / f"drawn-{number}.jpg"
        draw_animal(label, random).save(file)
        drawn.append(file)
        if len(drawn) > 4:
            drawn.pop(0).unlink()
        if number % 7 == 3:
            (file.parent / f"broken-{number}.jpg").write_bytes(b"not an image")
        if number % 7 == 5:
            for broken in images.rglob("broken-*.jpg"):
                broken.unlink()
        yield


def run_cycles(home: Path, cycles: int) -> None:
    """Run all cycles in this process, and print a table of what it holds."""
    from jobs.cycle import Request, run_cycle
    from jobs.home import Home
    from jobs.settings.load import load_config
    from jobs.stop import StopFlag
    from pipeline.evaluate import silent

    config = load_config(home / "whisker.toml")
    request = Request(Home(home), config, config.resolved_recipe(), if_changed=True)
    images, process, held = coming_and_going(config.images_folder()), psutil.Process(), {}
    print("| cycle | memory, MB | file descriptors | threads |\n|---|---|---|---|")
    for number in range(1, cycles + 1):
        next(images)
        run_cycle(request, StopFlag(), silent)
        held[number] = process.memory_info().rss / MIB
        if number % EVERY == 0 or number == 1:
            print(
                f"| {number} | {held[number]:.0f} | {process.num_fds()} | {process.num_threads()} |",
                flush=True,
            )
    if cycles > WARM:
        growth = (held[cycles] - held[WARM]) / (cycles - WARM)
        print(f"\nFrom cycle {WARM} on the process grew by {growth:.3f} MB a cycle.")


def watch(subject: Subject, cycles: int) -> None:
    """Let a daemon run so many cycles; print what it held after the first ones and at the end."""
    images = coming_and_going(subject.images)
    daemon = subject.start("--quiet", "daemon")
    process = psutil.Process(daemon.pid)
    print("| cycle | memory of the daemon, MB | file descriptors | threads |\n|---|---|---|---|")
    for number in range(1, cycles + 1):
        next(images)
        wait_for(subject, number)
        if number in (1, 10, cycles):
            memory = process.memory_info().rss / MIB
            print(f"| {number} | {memory:.0f} | {process.num_fds()} | {process.num_threads()} |")
    daemon.terminate()
    daemon.communicate(timeout=PATIENCE_SECONDS)


def wait_for(subject: Subject, number: int) -> None:
    """Wait until so many cycles have finished."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not ((subject.home / "whisker.db").exists() and finished(subject) >= number):
        if time.monotonic() > end:
            raise TimeoutError(f"cycle {number} did not finish in {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.1)


def finished(subject: Subject) -> int:
    """Return how many cycles have finished."""
    return int(rows(subject, "SELECT count(*) FROM cycle WHERE status = 'finished'")[0][0])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run_cycles(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main(Path(os.devnull))
