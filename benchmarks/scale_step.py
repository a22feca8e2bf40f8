"""One step of `benchmarks.scale`, in a process of its own; prints its seconds and its peak memory as JSON.

    python -m benchmarks.scale_step STEP FOLDER [FIRST END]

A step is made ready and returned as a function; only what that takes is timed.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.scale_images import BROKEN, content_of
from db import store
from db.session import open_database, open_read_only
from jobs.cycle import Request
from jobs.decide_labels import open_doubts
from jobs.home import Home
from jobs.memory import files_of, remember
from jobs.preparation import frozen_settings
from jobs.settings.load import load_config
from jobs.stop import StopFlag
from jobs.survey import _scan
from pipeline.differences import differences
from pipeline.evaluate import silent
from pipeline.layout import find_layout
from pipeline.leaks import fingerprints_of, likeness
from pipeline.read_files import read_files
from pipeline.records import FileState, Snapshot, SnapshotImage

AT_ONCE = 4_096  # rows that are written to the cache together
SHIFT = 0.4  # by which the features of the two classes lie apart, in standard deviations, in SHIFTED of them
SHIFTED = 40
WRONG = 33  # one image in so many has the features of the other class

Timed = Callable[[], str]  # returns what it found, in words


def look(request: Request) -> Timed:
    """Look at the folder and keep what was read, as a cycle does."""
    sessions = open_database(request.home.database)

    def step() -> str:
        found = _scan(sessions, request.config, StopFlag(), silent, read_files)
        return f"{len(found.changed_files):,} files read"

    return step


def past(request: Request) -> Timed:
    """Load the index and all that a look compares it with."""
    folder = request.config.images_folder()

    def step() -> str:
        sessions = open_read_only(request.home.database)
        files = list(files_of(sessions, str(folder)))
        remember(sessions, str(folder), find_layout(folder), files)
        return f"{len(files):,} files"

    return step


def near_duplicates(request: Request) -> Timed:
    """Compare all images."""
    files = _files(request)
    images = [SnapshotImage(file.sha256, "", "train", file.path) for file in files if file.sha256]
    fingerprints = fingerprints_of(files)
    return lambda: f"{len(likeness(images, fingerprints).pairs):,} pairs"


def difference(request: Request) -> Timed:
    """Compare the snapshot of the last cycle with one that lacks an image in a hundred."""
    with open_read_only(request.home.database)() as session:
        last = store.last_finished_snapshot(session, str(request.config.images_folder()))
    assert last is not None
    fewer = Snapshot(last.digest, last.classes, tuple(i for n, i in enumerate(last.images) if n % 100), ())
    return lambda: f"{len(differences(fewer, last)):,} differences"


def doubts(request: Request) -> Timed:
    """Work out what a person should decide, as `suspects` and the web app do."""

    def step() -> str:
        with open_read_only(request.home.database)() as session:
            found = open_doubts(session)
        return f"{len(found.suspects):,} suspects"

    return step


def keep_features(request: Request, first: int, end: int) -> Timed:
    """Put features of images into the cache, so that no network has to run over them."""
    from pipeline.feature_store import FeatureTable

    frozen = frozen_settings(request.home, request.config)
    assert frozen.cache is not None
    noise = np.random.default_rng(0).normal(1.0, 1.0, (AT_ONCE, 1_280)).astype(np.float32)
    table = FeatureTable(frozen.cache, _key(request), noise.shape[1], frozen.cache_bytes)
    numbers = np.array([number for number in range(first, end) if number % 1_000 != BROKEN])

    def step() -> str:
        for begin in range(0, len(numbers), AT_ONCE):
            some = numbers[begin : begin + AT_ONCE]
            hashes = [hashlib.sha256(content_of(int(number))).digest() for number in some]
            rows = np.roll(noise[: len(some)], begin // AT_ONCE, axis=1)  # other ones in each part
            rows[:, :SHIFTED] += SHIFT * ((some + (some % WRONG == 0)) % 2)[:, None]
            table.append(np.array(hashes, "S32"), rows)
        return "; ".join(table.problems) or f"{len(numbers):,} rows"

    return step


def _files(request: Request) -> list[FileState]:
    return list(files_of(open_read_only(request.home.database), str(request.config.images_folder())))


def _key(request: Request) -> str:
    """Return the key of the table that a cycle looks into."""
    from pipeline.backbones import backbone_named
    from pipeline.device import contexts, resolve_device
    from pipeline.features import frozen_block
    from pipeline.frozen_key import block_digest, table_key
    from pipeline.network import pretrained_network
    from pipeline.pretrained.weights import find_weights
    from pipeline.recipes import preprocessing_for

    recipe, devices = request.recipe, contexts(resolve_device("cpu"))
    backbone = backbone_named(recipe.backbone)
    weights = find_weights(backbone, request.home.weights, None)
    network = pretrained_network(backbone, 1, weights, devices, request.config.seed)
    digest = block_digest(frozen_block(network, backbone.tail_start, recipe))
    machine = frozen_settings(request.home, request.config).machine
    return table_key(
        digest, preprocessing_for(backbone, recipe), "onnxruntime", ", ".join(map(str, devices)), machine
    )


STEPS: dict[str, Callable[..., Timed]] = {
    step.__name__: step for step in (look, past, near_duplicates, difference, doubts, keep_features)
}


def main(name: str, folder: Path, numbers: list[int]) -> None:
    """Run a step and print what it took."""
    home = Home(folder / "home")
    config = load_config(home.settings_file)
    step = STEPS[name](Request(home, config, config.resolved_recipe()), *numbers)
    started = time.perf_counter()
    said = step()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mb": _peak_mb(), "said": said}))


def _peak_mb() -> float:
    """Return the most memory that this process held; what its parent held before it does not count."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), list(map(int, sys.argv[3:])))
