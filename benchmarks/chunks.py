"""What it costs to share work in leased chunks: reading and the frozen pass, alone and with workers.

    python -m benchmarks chunks

Real photos, on a SQLite file and on a PostgreSQL server of its own. Each way of working has its turn in each
round, and the medians count. Where DASK_PYTHON names a Python with `dask.distributed`, its scheduler does as
many empty tasks as are claimed here.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.databases import DURABLE
from benchmarks.frozen_pass import network_of
from benchmarks.photos import training_data
from benchmarks.timed import CLI
from db import store
from db.session import open_again, open_database
from jobs.config import Config
from jobs.home import Home
from jobs.preparation import frozen_settings
from jobs.sharing.features import SharedRows
from jobs.sharing.offer import Offer
from jobs.sharing.owner import Owner, owner_of
from jobs.sharing.scan import SharedReading
from pipeline.device import Device
from pipeline.frozen_pass import run_frozen
from pipeline.processors import usable_processors
from pipeline.read_files import ReadFiles, read_files
from pipeline.recipes import recipe_named
from pipeline.records import FileState
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN
from pipeline.surroundings import surroundings_on
from pipeline.training_data import TrainingData
from tests.postgres import running_server

PHOTOS = 1_000
ROUNDS = 3
EMPTY = 300  # chunks in which nothing is to be done
RECIPE = recipe_named("fast")
DASK = Path(__file__).with_name("dask_tasks.py")


@dataclass(frozen=True)
class Place:
    """A home on one kind of database, and the photos of the measurement."""

    home: Home
    images: Path
    files: list[FileState]
    data: TrainingData
    block: Any

    @property
    def config(self) -> Config:
        """The settings of the home."""
        return Config(images=self.images, engine="onnxruntime")


def main(photos: Path, number: int = PHOTOS, rounds: int = ROUNDS) -> None:
    """Print a table for each kind of database."""
    print(
        f"{number:,} photos, {usable_processors()} processors for all processes together: this shows what\n"
        "sharing costs, not what more hosts would bring. Images/s, medians of"
        f" {rounds} rounds; `in chunks`\nputs up chunks that nobody else takes.\n"
    )
    print("| database | work | alone | in chunks | 1 worker | 2 workers |")
    print("|---|---|---|---|---|---|")
    for name, url in _databases():
        with tempfile.TemporaryDirectory() as folder:
            _measure(name, url, photos, Path(folder), number, rounds)
    print()
    _print_dask()


def _databases() -> Iterator[tuple[str, str]]:
    yield "SQLite", ""
    with running_server(**DURABLE) as server, server.database() as url:
        yield "PostgreSQL", url


def _measure(name: str, url: str, photos: Path, folder: Path, number: int, rounds: int) -> None:
    os.environ["WHISKER_DATABASE_URL"] = url
    place = _place(photos, folder, number)
    seconds: dict[str, list[list[float]]] = {"reading": [], "features": []}
    for _ in range(rounds):
        for work, measured in (("reading", _reading), ("features", _features)):
            seconds[work].append([_timed(measured, place, None), *_shared(measured, place)])
    for work, times in seconds.items():
        cells = " | ".join(f"{number / statistics.median(column):.0f}" for column in zip(*times, strict=True))
        print(f"| {name} | {work} | {cells} |", flush=True)
    each = 1000 * _empty(place) / EMPTY
    print(f"| {name} | {EMPTY} empty chunks, ms each | | {each:.1f} | | |", flush=True)


def _place(photos: Path, folder: Path, number: int) -> Place:
    images, home = folder / "images", Home(folder / "home")
    data = training_data(photos, number)
    for image in data.train:
        file = images / image.label / f"{image.sha256}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photos / os.fsdecode(image.path), file)
    home.create(images)
    open_database(home.records)
    files: list[FileState] = []
    scan(images, NOTHING_KNOWN, settle_seconds=0, read=_noted(files))
    return Place(home, images, files, training_data_of(images, data), network_of(RECIPE.backbone).features)


def training_data_of(images: Path, data: TrainingData) -> TrainingData:
    """Return the data with the photos where they have been copied to."""
    train = tuple(replace(i, path=f"{i.label}/{i.sha256}.jpg".encode()) for i in data.train)
    return replace(data, train=train, reader=replace(data.reader, folder=images))


def _noted(files: list[FileState]) -> ReadFiles:
    def note(_folder: Any, some: Any) -> Any:
        files.extend(some)
        yield from ()

    return note


def _shared(measured: "Measured", place: Place) -> Iterator[float]:
    """Yield the seconds with nobody who helps, and with workers."""
    with _idle_worker(place):
        yield _timed(measured, place, owner_of(place.home, lambda sessions: sessions))
    for number in (1, 2):
        with _workers(place, number):
            _timed(measured, place, owner_of(place.home, lambda sessions: sessions))  # they get ready
            yield _timed(measured, place, owner_of(place.home, lambda sessions: sessions))


Measured = Callable[[Place, Owner | None], None]


def _timed(measured: Measured, place: Place, owner: Owner | None) -> float:
    for folder in place.home.cache.glob("*/*.rows"):
        folder.unlink()
    started = time.perf_counter()
    measured(place, owner)
    return time.perf_counter() - started


def _reading(place: Place, owner: Owner | None) -> None:
    read = read_files if owner is None else SharedReading(owner, lambda: None)
    assert sum(state is not None for _, state in read(place.images, place.files)) == len(place.files)


def _features(place: Place, owner: Owner | None) -> None:
    share = None if owner is None else SharedRows(owner, place.home, RECIPE, None, 10**9)
    settings = replace(frozen_settings(place.home, place.config), share=share)
    around = surroundings_on(Device("cpu"), 0, lambda: None)
    data = place.data
    found = run_frozen(place.block, data.train, data.reader, RECIPE.batch_size, around, settings)
    assert found.found.all()


def _empty(place: Place) -> float:
    """Return the seconds that it takes to put up chunks, claim and finish them, with nothing in them."""
    offer: Offer[int, None] = Offer(
        kind="scan",
        parameters={},
        items=range(EMPTY),
        least=1,
        most=1,
        pack=lambda _: b"",
        unpack=lambda *_: None,
        here=lambda *_: None,
        path=lambda _: b"",
        check_stop=lambda: None,
    )
    owner = owner_of(place.home, lambda sessions: sessions)
    started = time.perf_counter()
    assert sum(1 for _ in owner.share(offer)) == EMPTY
    return time.perf_counter() - started


@contextmanager
def _idle_worker(place: Place) -> Iterator[None]:
    """Let there be a worker that does nothing."""
    sessions = open_again(place.home.records, 30)
    with sessions.begin() as session:
        worker = store.add_worker(session, os.getpid(), "", "")
    yield
    with sessions.begin() as session:
        store.remove_worker(session, worker)


@contextmanager
def _workers(place: Place, number: int) -> Iterator[None]:
    """Let workers be there, ready."""
    command = [sys.executable, str(CLI), "--home", str(place.home.folder), "--quiet", "work"]
    with ExitStack() as stack:
        for _ in range(number):
            process = subprocess.Popen([*command, "--images", str(place.images)], stdout=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        sessions = open_again(place.home.records, 30)
        while True:
            with sessions() as session:
                if store.count_workers(session) == number:
                    break
            time.sleep(0.1)
        yield


def _print_dask() -> None:
    python = os.environ.get("DASK_PYTHON")
    if python is None:
        print("Dask was not measured: DASK_PYTHON names no Python that has it.")
        return
    print(subprocess.run([python, str(DASK), str(EMPTY)], check=True, capture_output=True, text=True).stdout)
