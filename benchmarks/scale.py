"""What grows with the number of images, and how: files, a look, a cycle, the commands after it, the database.

    python -m benchmarks.scale [IMAGES ...]

SCALE_FOLDER names a folder that keeps the images and what was measured, so that another call with the same
folder measures only what is missing; without it all is made in a temporary folder. SCALE_SIZES has
the numbers of images, separated by commas. A million take 10 GB.

The images are tiny and their features are put into the cache beforehand, so no network runs over them: what
is measured is all the rest. Each step is a process of its own.
"""

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.beside import Beside
from benchmarks.scale_images import write_images
from benchmarks.timed import CLI, timed

SIZES = tuple(int(size) for size in os.environ.get("SCALE_SIZES", "1000,10000").split(","))
NEW = 100  # one image in so many is new in the second cycle
SETTINGS = (
    'images = "{images}"\nsettle_seconds = 0\ncache_gb = 1000\nengine = "onnxruntime"\nbaseline = false\n'
)


@dataclass
class Measured:
    """What one step took."""

    seconds: float
    peak_mb: float | None = None
    said: str = ""


@dataclass
class Place:
    """The folder of one number of images, and what was measured there."""

    folder: Path
    images: int
    done: dict[str, Measured] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, images: int) -> "Place":
        """Return the place, with what is known from before."""
        folder.mkdir(parents=True, exist_ok=True)
        place = cls(folder, images)
        if place.record.exists():
            known = json.loads(place.record.read_text(encoding="utf-8"))
            place.done = {step: Measured(**measured) for step, measured in known.items()}
        return place

    @property
    def record(self) -> Path:
        """What was measured."""
        return self.folder / "measured.json"

    @property
    def home(self) -> Path:
        """The home."""
        return self.folder / "home"

    @property
    def database(self) -> Path:
        """Its database."""
        return self.home / "whisker.db"

    def measure(self, step: str, action: Callable[[], Measured]) -> None:
        """Take a step, unless it was taken before."""
        if step in self.done:
            return
        self.done[step] = action()
        known = {name: asdict(measured) for name, measured in self.done.items()}
        self.record.write_text(json.dumps(known, indent=1), encoding="utf-8")
        print(f"{self.images:,} {step}: {self.done[step]}", file=sys.stderr, flush=True)


def main(_photos: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """Print the tables; the photos are not used."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get("SCALE_FOLDER", temporary))
        places = [Place.of(folder / str(size), size) for size in sizes]
        for place in places:
            _measure(place)
    report(places)


def _measure(place: Place) -> None:
    images, count, new = place.folder / "images", place.images, place.images // NEW
    (place.home).mkdir(exist_ok=True)
    (place.home / "whisker.toml").write_text(SETTINGS.format(images=images), encoding="utf-8")
    place.measure("files written", lambda: _made(images, range(count)))
    place.measure("first look", lambda: _step(place, "look"))
    place.measure("unchanged look", lambda: _step(place, "look"))
    place.measure("features kept", lambda: _step(place, "keep_features", 0, count))
    _cycle(place, "first cycle")
    _cycle(place, "look and `run-now --if-changed`, unchanged", "--if-changed")
    place.measure("1 % new: files written", lambda: _made(images, range(count, count + new)))
    place.measure("1 % new: look", lambda: _step(place, "look"))
    place.measure("1 % new: features kept", lambda: _step(place, "keep_features", count, count + new))
    _cycle(place, "1 % new: cycle", "--if-changed")
    for step in ("past", "near_duplicates", "difference", "doubts"):
        place.measure(STEPS[step], lambda step=step: _step(place, step))  # type: ignore[misc]
    for words in COMMANDS:
        place.measure(f"`{' '.join(words)}`", lambda words=words: _command(place, *words))  # type: ignore[misc]


STEPS = {
    "past": "index and last snapshot loaded",
    "near_duplicates": "near duplicates",
    "difference": "difference",
    "doubts": "doubts worked out",
}
COMMANDS = (
    ("scan", "--explain"),
    ("status",),
    ("runs",),
    ("report", "--all"),
    ("prune", "--dry-run"),
    ("backup",),
)


def _made(images: Path, numbers: range) -> Measured:
    import time

    started = time.perf_counter()
    write_images(images, numbers)
    return Measured(time.perf_counter() - started)


def _step(place: Place, name: str, *numbers: int) -> Measured:
    command = [sys.executable, "-m", "benchmarks.scale_step", name, place.folder, *numbers]
    return Measured(**json.loads(timed(command).output))


def _command(place: Place, *words: str) -> Measured:
    done = timed([sys.executable, CLI, "--home", place.home, "--quiet", *words])
    return Measured(done.seconds, done.peak_mb)


def _cycle(place: Place, step: str, *options: str) -> None:
    """Run one cycle as a person would; note the size of the database and of the page, and who had to wait."""

    def run() -> Measured:
        file = place.folder / "phases.json"
        words = ["--home", place.home, "--json", "run-now", *options]
        with Beside(place.database) as beside:
            done = timed([sys.executable, "-m", "benchmarks.phased_command", file, *words])
        facts = {
            "phases": json.loads(file.read_text(encoding="utf-8")),
            "locked_out": beside.longest,
            "own_mb": beside.own_mb,
            "database": place.database.stat().st_size,
            "page": max((page.stat().st_size for page in place.home.glob("reports/cycle-*")), default=0),
        }
        return Measured(done.seconds, done.peak_mb, json.dumps(facts))

    place.measure(step, run)


def report(places: list[Place]) -> None:
    """Print what was measured, the numbers of images beside each other."""
    heads = [f"{place.images:,}" for place in places]
    print(f"| seconds | {' | '.join(heads)} | for a million | exponent |")
    print(f"|---|{'---|' * (len(places) + 2)}")
    for step in places[-1].done:
        print(_row(step, places, [place.done[step].seconds for place in places]))
    print()
    print(f"| peak memory, MB | {' | '.join(heads)} |\n|---|{'---|' * len(places)}")
    for step in (step for step, measured in places[-1].done.items() if measured.peak_mb):
        print(f"| {step} | {' | '.join(f'{place.done[step].peak_mb:,.0f}' for place in places)} |")
    for cycle in ("first cycle", "1 % new: cycle"):
        print(f"\nOf the {cycle.replace('1 % new: ', 'second ')}:\n")
        print(f"| | {' | '.join(heads)} | for a million | exponent |\n|---|{'---|' * (len(places) + 2)}")
        for name, values in _facts(cycle, places):
            print(_row(name, places, values))


def _facts(cycle: str, places: list[Place]) -> Iterator[tuple[str, list[float]]]:
    facts = [json.loads(place.done[cycle].said) for place in places]
    for phase in facts[-1]["phases"]:
        yield f"seconds: {phase}", [fact["phases"].get(phase, 0.0) for fact in facts]
    for kind in ("read", "write"):
        yield f"seconds: others could not {kind}, at most", [fact["locked_out"][kind] for fact in facts]
    yield "memory of its own, MB, at most", [fact.get("own_mb", 0.0) for fact in facts]
    yield "database, MB", [fact["database"] / 1e6 for fact in facts]
    yield "page of the cycle, MB", [fact["page"] / 1e6 for fact in facts]


def _row(name: str, places: list[Place], values: list[float]) -> str:
    """Return a row: the values, the last one for a million images, and how fast they grow at the end."""
    cells = [f"{value:,.2f}" for value in values]
    million = values[-1] / places[-1].images * 1e6
    return f"| {name} | {' | '.join(cells)} | {million:,.1f} | {_exponent(places, values)} |"


def _exponent(places: list[Place], values: list[float]) -> str:
    """Return the power of the number of images by which the values grew from the last size but one."""
    if len(values) < 2 or min(values[-2:]) < 0.05:
        return ""
    growth = math.log(values[-1] / values[-2]) / math.log(places[-1].images / places[-2].images)
    return f"{growth:.2f}"


if __name__ == "__main__":
    main(Path(os.devnull), tuple(map(int, sys.argv[1:])) or SIZES)
