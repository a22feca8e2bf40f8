"""A frozen pass that workers take part in: the same bits as of one process."""

import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.config import Config
from jobs.preparation import frozen_settings
from jobs.sharing.features import SharedRows
from jobs.sharing.task import Unfit
from jobs.sharing.tasks import task_for
from pipeline.backbones import backbone_named
from pipeline.device import Device
from pipeline.errors import UnfitWorker
from pipeline.features import frozen_block
from pipeline.frozen_pass import FrozenRows, run_frozen
from pipeline.network import pretrained_network
from pipeline.pretrained.weights import find_weights
from pipeline.read_files import read_files
from pipeline.reader import ImageReader
from pipeline.recipes import Recipe, preprocessing_for, recipe_named
from pipeline.records import SharedJob, SnapshotImage
from pipeline.surroundings import surroundings_on
from tests import tiny
from tests.jobs.sharing.conftest import ONLY_SQLITE, Place

PLENTY = 10**9
RECIPE: Recipe = replace(recipe_named("fast"), backbone=tiny.NAME, batch_size=8)


def config_of(place: Place) -> Config:
    return Config(images=place.images, engine="onnxruntime")


def images_of(place: Place) -> list[SnapshotImage]:
    read = (state for _, state in read_files(place.images, place.new_files()))
    return [SnapshotImage(s.sha256, "", "train", s.path) for s in read if s and s.sha256 and not s.problem]


def passed(place: Place, check_stop: Callable[[], None], share: SharedRows | None = None) -> FrozenRows:
    backbone = backbone_named(RECIPE.backbone)
    around = surroundings_on(Device("cpu"), 0, check_stop)
    weights = find_weights(backbone, place.home.weights, download=False)
    network = pretrained_network(backbone, 1, weights, around.sharing.contexts, 0)
    block = frozen_block(network, backbone.tail_start, RECIPE)
    reader = ImageReader(place.images, preprocessing_for(backbone, RECIPE))
    settings = replace(frozen_settings(place.home, config_of(place)), share=share)
    return run_frozen(block, images_of(place), reader, RECIPE.batch_size, around, settings)


def alone(place: Place) -> FrozenRows:
    shutil.rmtree(place.home.cache, ignore_errors=True)
    return passed(place, lambda: None)


def shared(place: Place, owner_waits: Callable[[], bool]) -> FrozenRows:
    """Pass over the images with whoever is there; the owner computes none before something has happened."""
    owner = place.owner()
    wait = place.waiting(owner, owner_waits)
    rows = SharedRows(owner, place.home, RECIPE, None, PLENTY)
    return passed(place, lambda: wait() if is_up(place) else None, rows)


def is_up(place: Place) -> bool:
    """Return whether there is something to be shared yet; the engines are compared before."""
    return place.home.mark_file.exists()


def test_workers_compute_the_bits_of_one_process(quick: None, place: Place) -> None:
    with place.worker(WHISKER_CACHE_GB="0"):  # whose settings must not empty the cache of the cycle
        place.wait_for_workers(1)
        found = shared(place, lambda: place.chunks_done() > 0)
    expected = alone(place)
    assert found.found.all() and expected.found.all()
    assert np.array_equal(found.values, expected.values)


@ONLY_SQLITE
def test_the_rows_of_a_worker_that_is_killed_are_computed_again(quick: None, place: Place) -> None:
    with place.worker(WHISKER_FAILPOINT="in_chunk@2:kill") as worker:
        place.wait_for_workers(1)
        found = shared(place, lambda: worker.poll() is not None)
        assert worker.wait() == -signal.SIGKILL
    assert found.found.all()
    assert np.array_equal(found.values, alone(place).values)


def job(place: Place, kind: Any = "features", **changes: Any) -> SharedJob:
    """Return a job of a cycle on this host, with changes."""
    from jobs.program import program

    given = {"program": program(), "mark": "0123", "key": "0" * 32, "engine": "onnxruntime", "weights": None}
    place.home.mark_file.write_text("0123")
    recipe = {name: getattr(RECIPE, name) for name in RECIPE.__dataclass_fields__}
    return SharedJob(1, kind, given | {"recipe": recipe, "cache_bytes": PLENTY} | changes, 20.0, 0, 10)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("changes", "kind_of_error", "words"),
    [
        (
            {"program": {"whisker": "0.0.1"}},
            UnfitWorker,
            "(whisker '0.1.0', there '0.0.1'): install",
        ),
        ({"mark": "4567"}, UnfitWorker, "is not that of the cycle that shares its work"),
        ({}, Unfit, "features computed here could differ in a bit"),
    ],
    ids=["another program", "another home", "another key"],
)
def test_a_worker_that_could_do_harm_says_why_it_takes_no_part(
    quick: None, place: Place, changes: dict[str, Any], kind_of_error: type[Exception], words: str
) -> None:
    with pytest.raises(kind_of_error) as raised:
        task_for(job(place, **changes), place.home, config_of(place))
    assert words in str(raised.value)


@ONLY_SQLITE
def test_a_worker_with_other_images_reads_none(place: Place, tmp_path: Path) -> None:
    from jobs.sharing.content import pack_files

    copied = tmp_path / "copy"
    shutil.copytree(place.images, copied)
    task = task_for(job(place, kind="scan"), place.home, Config(images=copied))
    with pytest.raises(Unfit, match=r"none of 603 new files is in .*copy as the cycle sees it"):
        task.do(pack_files(place.new_files()), lambda: None)


@ONLY_SQLITE
def test_a_file_that_differs_on_the_workers_host_is_left_to_the_cycle(place: Place) -> None:
    from jobs.sharing.content import pack_files, unpack_files

    first, second, *_ = place.new_files()
    task = task_for(job(place, kind="scan"), place.home, config_of(place))
    files = pack_files([replace(first, inode=first.inode + 1), second])
    states = unpack_files(task.do(files, lambda: None))
    assert [state and state.path for state in states] == [None, second.path]
