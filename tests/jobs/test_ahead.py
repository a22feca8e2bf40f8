"""What is done in the wait between two looks."""

import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jobs.ahead import Ahead
from jobs.cycle import Outcome
from jobs.preparation import Request, frozen_settings
from jobs.stop import StopFlag
from pipeline.ahead import BATCH, FIRST_PART, LARGEST_PART, _parts, compute_ahead
from pipeline.backbones import backbone_named
from pipeline.errors import Interrupted
from pipeline.pretrained.weights import find_weights
from pipeline.records import Run, RunDetails
from pipeline.runtime import mx
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN, ScanResult
from pipeline.surroundings import Surroundings
from tests import tiny
from tests.jobs.cycles import REAL, cycles, request, run

ALL = 36  # images of the folder


def first_look(images: Path) -> ScanResult:
    """Return what a look finds where all files are young."""
    return scan(images, NOTHING_KNOWN, settle_seconds=3600)


def ahead_of(asked: Request, **changes: object) -> Ahead:
    frozen = frozen_settings(asked.home, asked.config)
    config = replace(asked.config, settle_seconds=3600.0)
    made = Ahead(asked.home, config, asked.recipe, asked.weights, frozen, asked.if_changed)
    return replace(made, **changes)  # type: ignore[arg-type]


def at_work() -> bool:
    return any(thread.name == "ahead" for thread in threading.enumerate())


def wait_for_the_end(ahead: Ahead, images: Path, flag: StopFlag | None = None) -> None:
    """Let the wait last for as long as there is something to do."""
    with ahead.while_waiting(first_look(images), flag or StopFlag()):
        while at_work():
            time.sleep(0.01)


def kept(asked: Request) -> int:
    """Return how many rows of features the cache holds."""
    features = {tiny.NAME: tiny.FEATURES, REAL: 1280}[asked.recipe.backbone]
    return sum(file.stat().st_size for file in asked.home.cache.glob("*/*.rows")) // (32 + 4 * features + 4)


def details(outcome: Outcome) -> RunDetails:
    assert outcome.cycle is not None
    assert outcome.cycle.finetune is not None
    return outcome.cycle.finetune


def numbers(run: Run) -> list[object]:
    return [replace(metrics, seconds=0.0) for metrics in run.epochs]


def test_the_training_finds_the_features_in_the_cache_and_has_the_same_numbers(
    images: Path, tmp_path: Path
) -> None:
    early, late = request(tmp_path / "early", images), request(tmp_path / "late", images)
    wait_for_the_end(ahead_of(early), images)
    assert kept(early) == ALL
    one, other = details(run(early)), details(run(late))
    assert [note for note in one.run.notes if "from the cache" in note] == [
        f"features: {ALL} of {ALL} images from the cache"
    ]
    assert numbers(one.run) == numbers(other.run)
    assert one.evaluation == other.evaluation
    assert one.findings == other.findings


def test_a_file_that_changes_after_the_first_look_is_computed_again(images: Path, tmp_path: Path) -> None:
    early, late = request(tmp_path / "early", images), request(tmp_path / "late", images)
    half = images / "train" / "cat" / "drawn-0001.jpg"
    whole = half.read_bytes()
    half.write_bytes(whole[: len(whole) // 2])  # as a copy that is under way
    wait_for_the_end(ahead_of(early), images)
    assert kept(early) == ALL - 1
    half.write_bytes(whole)
    one, other = details(run(early)), details(run(late))
    assert f"features: {ALL - 1} of {ALL} images from the cache" in one.run.notes
    assert numbers(one.run) == numbers(other.run)
    assert one.evaluation == other.evaluation


def test_a_cycle_that_waits_has_the_numbers_of_one_that_does_not(images: Path, tmp_path: Path) -> None:
    plain, waiting = request(tmp_path / "plain", images), request(tmp_path / "waiting", images)
    waiting = replace(waiting, config=replace(waiting.config, settle_seconds=1.0))
    one, other = details(run(plain)), details(run(waiting))
    assert numbers(one.run) == numbers(other.run)
    assert one.evaluation == other.evaluation
    assert not at_work()


@pytest.mark.parametrize(
    "changed",
    [
        lambda asked: replace(asked, config=replace(asked.config, cache_gb=0.0)),
        lambda asked: replace(asked, recipe=replace(asked.recipe, trains="all layers")),
        lambda asked: replace(
            asked, if_changed=True, config=replace(asked.config, quiet_hours="00:00-23:59:59")
        ),
    ],
    ids=["no cache", "all layers", "quiet hours"],
)
def test_nothing_is_computed_where_it_would_be_of_no_use(
    images: Path, tmp_path: Path, changed: Callable[[Request], Request]
) -> None:
    asked = changed(request(tmp_path, images))
    wait_for_the_end(ahead_of(asked), images)
    assert not asked.home.cache.exists()


def test_without_a_wait_nothing_is_started(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images)
    with ahead_of(asked, config=asked.config).while_waiting(first_look(images), StopFlag()) as wait_is_over:
        assert not at_work()
        wait_is_over()
    assert not asked.home.cache.exists()


def test_a_signal_ends_the_work(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images)
    flag = StopFlag()
    flag.signal_number = signal.SIGTERM
    wait_for_the_end(ahead_of(asked), images, flag)
    assert not asked.home.cache.exists()


def test_the_end_of_the_wait_ends_the_work_and_what_was_computed_stays(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images, backbone=REAL)  # the tiny one would be through
    with ahead_of(asked).while_waiting(first_look(images), StopFlag()) as wait_is_over:
        while at_work() and not kept(asked):
            time.sleep(0.001)
        wait_is_over()
    assert not at_work()
    assert kept(asked)
    assert f"features: {kept(asked)} of {ALL} images from the cache" in details(run(asked)).run.notes


def test_the_work_ends_between_two_batches(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images)

    def check() -> None:
        if kept(asked):
            raise Interrupted(signal.SIGTERM)

    backbone = backbone_named(asked.recipe.backbone)
    weights = find_weights(backbone, asked.home.weights, download=False)
    around = Surroundings(mx.cpu(), 0, check)
    paths = first_look(images).settling
    with pytest.raises(Interrupted):
        compute_ahead(
            images,
            paths,
            backbone,
            weights,
            asked.recipe,
            around,
            frozen_settings(asked.home, asked.config),
        )
    assert kept(asked) == BATCH


def test_a_ctrl_c_in_the_wait_is_an_interruption_without_a_cycle(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images)
    asked = replace(asked, config=replace(asked.config, settle_seconds=600.0))
    flag = StopFlag()

    def interrupt() -> None:
        while not kept(asked):
            time.sleep(0.01)
        flag.signal_number = signal.SIGINT

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(Interrupted):
        run(asked, flag)
    assert not at_work()
    assert cycles(asked) == []


def test_a_failure_is_a_line_in_the_log(
    images: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(b"no weights")
    asked = replace(request(tmp_path, images), weights=damaged)
    with caplog.at_level(logging.DEBUG, "whisker"):
        wait_for_the_end(ahead_of(asked), images)
    (record,) = (record for record in caplog.records if "while waiting" in record.message)
    assert record.levelno == logging.DEBUG
    assert "damaged.pth" in record.message


def test_the_background_uses_up_no_names_of_layers(images: Path, tmp_path: Path) -> None:
    # The names of the layers are counted, and stand in the report and in the saved model.
    before = mx.gluon.nn.Dense(1).prefix
    wait_for_the_end(ahead_of(request(tmp_path, images)), images)
    after = mx.gluon.nn.Dense(1).prefix
    number = [int(prefix.strip("_").removeprefix("dense")) for prefix in (before, after)]
    assert number[1] == number[0] + 1


def test_copies_are_computed_once(images: Path, tmp_path: Path) -> None:
    shutil.copy(images / "train" / "cat" / "drawn-0001.jpg", images / "train" / "cat" / "copy.jpg")
    asked = request(tmp_path, images)
    wait_for_the_end(ahead_of(asked), images)
    assert kept(asked) == ALL


def test_the_parts_grow_and_leave_nothing_out() -> None:
    paths = [os.fsencode(str(number)) for number in range(10_000)]
    parts = list(_parts(paths))
    assert [path for part in parts for path in part] == paths
    sizes = [len(part) for part in parts]
    assert sizes[0] == FIRST_PART
    assert max(sizes) == LARGEST_PART
    assert (np.diff(sizes[:-1]) >= 0).all()
    assert list(_parts([])) == []
