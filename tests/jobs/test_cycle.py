"""Whole cycles, on drawn images."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from db import store
from db.backups import list_backups
from db.session import open_database, open_read_only
from jobs.preparation import Request
from jobs.stop import StopFlag
from pipeline.backbones import backbone_named
from pipeline.bundle import load_model
from pipeline.differences import count_by_kind
from pipeline.drawings import draw_animal
from pipeline.errors import (
    BadSettings,
    DiskFull,
    EmptyClass,
    Interrupted,
    Locked,
    TrainingDiverged,
    WeightsError,
)
from pipeline.pretrained.importing import import_weights
from pipeline.recipes import with_settings
from pipeline.runtime import mx
from tests.jobs.cycles import cycles, request, run
from tests.jobs.receivers import Receiver, receiving


def tree(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def told_at(receiver: Receiver, asked: Request) -> Request:
    return replace(asked, config=replace(asked.config, notify_webhook=receiver.address))


def test_a_cycle_records_its_runs_publishes_the_model_and_writes_the_report(
    images: Path, tmp_path: Path
) -> None:
    before = tree(images)
    asked = request(tmp_path, images, baseline=True)
    with receiving() as receiver:
        outcome = run(told_at(receiver, asked))
    cycle = outcome.cycle
    assert cycle is not None
    assert cycle.finetune is not None
    assert cycle.scratch is not None
    assert (cycle.status, cycle.finetune.run.status, cycle.scratch.run.status) == ("finished",) * 3
    assert cycle.verdict is not None
    assert cycle.verdict.decision == "first"
    assert cycle.champion_id == cycle.finetune.run.id
    assert cycle.finetune.run.train_images == 24
    assert cycle.scratch.run.train_images == 8
    assert cycle.finetune.evaluation is not None
    assert len(cycle.finetune.evaluation.predictions) == 12
    assert cycle.finetune.structure is not None
    assert load_model(asked.home.model(cycle.finetune.run.id), mx.cpu()).classes == ("cat", "dog")
    assert outcome.report == asked.home.reports / "cycle-0001.html"
    assert "First model" in outcome.report.read_text(encoding="utf-8")
    assert "cycle-0001.html" in (asked.home.reports / "index.html").read_text(encoding="utf-8")
    assert tree(images) == before, "the image folder is only read"
    (notice,) = [json.loads(received.body) for received in receiver.received]
    assert (notice["event"], notice["cycle"], notice["report"]) == ("promoted", 1, str(outcome.report))
    logged = asked.home.cycle_log.read_text(encoding="utf-8")
    assert " INFO cycle=1 run=1 run 1: finetune" in logged
    assert " INFO cycle=1 run=2 run 2: scratch" in logged
    assert logged.endswith(f" INFO cycle=1 report: {outcome.report}\n")


def test_nothing_runs_when_nothing_changed_and_one_more_cycle_when_images_arrive(
    drawn: Path, images: Path, tmp_path: Path
) -> None:
    asked = replace(request(tmp_path, images), if_changed=True)
    assert run(asked).cycle is not None
    assert run(asked).cycle is None
    for number, source in enumerate(sorted((drawn / "test" / "cat").iterdir())[:3]):
        from PIL import Image

        with Image.open(source) as image:
            image.rotate(33 + number).save(images / "train" / "cat" / f"new-{number}.jpg")
    again = run(asked)
    assert again.cycle is not None
    assert count_by_kind(again.look.changes) == {"added": 3}
    assert again.cycle.finetune is not None
    assert again.cycle.finetune.run.train_images == 27
    assert run(asked).cycle is None
    with open_read_only(asked.home.database)() as session:
        looks = store.latest_looks(session, 9)
        assert store.load_activity(session) is None
    assert [(look.outcome, look.cycle_id) for look in looks] == [
        ("nothing-new", None), ("finished", 2), ("nothing-new", None), ("finished", 1)
    ]  # fmt: skip
    assert looks[1].reason.startswith("3 new, 0 relabelled and 0 gone images")


def test_the_same_data_again_is_a_hold_and_the_champion_stays(finished_once: Request) -> None:
    asked = finished_once
    keeping_little = replace(asked, config=replace(asked.config, keep_last=0, keep_days=0))
    (first,), second = cycles(asked), run(keeping_little).cycle
    assert second is not None
    assert second.verdict is not None
    assert second.verdict.decision == "hold"
    assert second.champion_id == first.champion_id == 1
    assert asked.home.model(1).is_dir() and not asked.home.model(2).exists(), "it is not kept"
    assert len(list_backups(asked.home.database)) == 1, "made at the start of the second one"
    assert asked.home.reserve.exists()


def test_the_baseline_is_reused_until_its_own_settings_change_or_the_data_have_grown(
    images: Path, tmp_path: Path
) -> None:
    asked = request(tmp_path, images, baseline=True)

    def baseline_of(**changes: object) -> tuple[int, bool]:
        cycle = run(replace(asked, recipe=with_settings(asked.recipe, changes, where="here"))).cycle
        assert cycle is not None
        assert cycle.scratch is not None
        return cycle.scratch.run.id, cycle.scratch_reused

    assert baseline_of() == (2, False)
    assert baseline_of(batch_size=6) == (2, True), "a setting of the fine-tuning"
    assert baseline_of(baseline_batch_size=6) == (5, False), "a setting of the baseline"
    (images / "test" / "cat" / "drawn-0001.jpg").rename(images / "train" / "cat" / "moved.jpg")
    assert baseline_of(baseline_batch_size=6, baseline_reuse_growth=0.01) == (7, False), "one image more"


def test_a_champion_is_scored_again_when_the_test_images_have_changed(
    finished_once: Request, tmp_path: Path
) -> None:
    asked = finished_once
    (first,) = cycles(asked)
    draw_animal("dog", Random(77)).save(tmp_path / "images" / "test" / "dog" / "new.jpg")
    second = run(asked).cycle
    assert first.champion_id is not None
    assert second is not None
    assert second.verdict is not None
    assert "of 13 test images" in second.verdict.reason
    with open_read_only(asked.home.database)() as session:
        snapshot_id = 2
        scored = store.evaluation_on(session, first.champion_id, snapshot_id)
    assert scored is not None
    assert len(scored.predictions) == 13


def test_a_champion_whose_file_is_damaged_gives_way_and_the_reason_says_so(finished_once: Request) -> None:
    asked = finished_once
    (first,) = cycles(asked)
    assert first.champion_id is not None
    parameters = asked.home.model(first.champion_id) / "network-0000.params"
    parameters.write_bytes(parameters.read_bytes()[:-1])
    second = run(asked).cycle
    assert second is not None
    assert second.verdict is not None
    assert second.verdict.decision == "promote"
    assert "cannot be used any more" in second.verdict.reason


def test_bad_files_are_listed_and_the_rest_still_trains(images: Path, tmp_path: Path) -> None:
    cut = images / "train" / "cat" / "cut.jpg"
    cut.write_bytes((images / "train" / "cat" / "drawn-0001.jpg").read_bytes()[:2000])
    (images / "train" / "dog" / "notes.jpg").write_text("no image")
    cycle = run(request(tmp_path, images)).cycle
    assert cycle is not None
    assert cycle.snapshot is not None
    assert cycle.status == "finished"
    assert {os.fsdecode(q.path): q.reason for q in cycle.snapshot.quarantined} == {
        "train/cat/cut.jpg": "truncated",
        "train/dog/notes.jpg": "not an image",
    }


def stop_during(stage: str, flag: StopFlag) -> Callable[[str, int, int], None]:
    """Return a progress display that behaves like a Ctrl-C once a stage is under way."""

    def progress(now: str, done: int, total: int) -> None:
        if now.startswith(stage):
            flag.signal_number = signal.SIGINT

    return progress


def test_an_interruption_in_the_baseline_keeps_the_promotion_and_every_finished_epoch(
    images: Path, tmp_path: Path
) -> None:
    asked, flag = request(tmp_path, images, baseline=True, baseline_epochs=3), StopFlag()
    with pytest.raises(Interrupted):
        run(asked, flag, stop_during("epoch 2/3", flag))
    (cycle,) = cycles(asked)
    assert cycle.status == "interrupted"
    assert cycle.finetune is not None
    assert cycle.champion_id == cycle.finetune.run.id
    assert cycle.scratch is not None
    assert cycle.scratch.run.status == "interrupted"
    assert [epoch.epoch for epoch in cycle.scratch.run.epochs] == [1]
    assert "Interrupted" in (asked.home.reports / "cycle-0001.html").read_text(encoding="utf-8")
    assert sorted(p.name for p in asked.home.models.iterdir()) == ["champion", "run-0001"]


@pytest.mark.parametrize("stage", ["files", "comparing images"])
def test_an_interrupted_look_keeps_what_it_has_read(images: Path, tmp_path: Path, stage: str) -> None:
    asked, flag = request(tmp_path, images), StopFlag()
    with pytest.raises(Interrupted):
        run(asked, flag, stop_during(stage, flag))
    with open_read_only(asked.home.database)() as session:
        assert len(store.known_files(session, str(images))) > 0
        assert store.cycle_ids(session) == []


def test_a_run_that_diverges_fails_the_cycle_with_the_reason_and_is_reported(
    images: Path, tmp_path: Path
) -> None:
    asked = request(tmp_path, images, trains="all layers", epochs=2, learning_rate=1e20)
    with receiving() as receiver, pytest.raises(TrainingDiverged):
        run(told_at(receiver, asked))
    (cycle,) = cycles(asked)
    (notice,) = [json.loads(received.body) for received in receiver.received]
    assert (notice["event"], notice["cycle"], notice["reason"]) == ("failed", 1, cycle.error)
    assert notice["report"] == str(asked.home.reports / "cycle-0001.html")
    assert cycle.status == "failed"
    assert cycle.finetune is not None
    assert cycle.finetune.run.status == "failed"
    assert "smaller learning rate" in (cycle.error or "")
    assert "smaller learning rate" in (asked.home.reports / "cycle-0001.html").read_text(encoding="utf-8")
    assert cycle.champion_id is None
    again = run(replace(asked, if_changed=True, new_data_only=True))
    assert again.cycle is None
    assert again.held_back
    assert again.look.reason == f"cycle 1 has failed on these very images ({cycle.error})"
    (images / "train" / "cat" / "text.jpg").write_text("no image, so the images are the same")
    assert run(replace(asked, if_changed=True, new_data_only=True)).held_back
    next((images / "train" / "cat").glob("*.jpg")).unlink()
    with pytest.raises(TrainingDiverged):
        run(replace(asked, if_changed=True, new_data_only=True))


def test_a_baseline_that_diverges_is_recorded_and_fails_no_cycle(images: Path, tmp_path: Path) -> None:
    cycle = run(request(tmp_path, images, baseline=True, baseline_learning_rate=1e20)).cycle
    assert cycle is not None
    assert cycle.status == "finished"
    assert cycle.scratch is not None
    assert cycle.scratch.run.status == "failed"


def test_what_cannot_work_leaves_no_cycle_behind(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images)
    with pytest.raises(WeightsError, match=r"no\.params"):
        run(replace(asked, weights=tmp_path / "no.params"))
    with pytest.raises(BadSettings, match="precision = 'float16' cannot be used"):
        run(request(tmp_path, images, precision="float16"))
    with pytest.raises(DiskFull, match=r"a cycle needs 1000\.0 TB on the disk of .*home"):
        run(replace(asked, config=replace(asked.config, min_free_gb=1_000_000)))
    shutil.rmtree(images / "train" / "cat")
    (images / "train" / "cat").mkdir()
    with pytest.raises(EmptyClass, match="class 'cat' has no readable image in"):
        run(asked)
    with open_read_only(asked.home.database)() as session:
        assert store.cycle_ids(session) == []


def test_what_a_killed_process_left_is_repaired_by_the_next_one(images: Path, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    asked = request(tmp_path, images)
    asked.home.create(images)
    sessions = open_database(asked.home.database)
    with sessions.begin() as session:
        store.start_cycle(session, str(images), datetime(2026, 1, 1, tzinfo=UTC))
    (asked.home.models / "run-0001.tmp").mkdir(parents=True)
    assert run(asked).cycle is not None
    newest, killed = cycles(asked)
    assert (newest.status, killed.status) == ("finished", "interrupted")
    assert (asked.home.reports / "cycle-0001.html").exists()
    assert sorted(p.name for p in asked.home.models.iterdir()) == ["champion", "run-0001"]


def test_a_report_that_is_missing_is_written_by_the_next_start(images: Path, tmp_path: Path) -> None:
    asked = replace(request(tmp_path, images), if_changed=True)
    outcome = run(asked)
    assert outcome.report is not None
    page = outcome.report.read_bytes()
    outcome.report.unlink()
    assert run(asked).cycle is None
    assert outcome.report.read_bytes() == page


def test_a_second_cycle_at_the_same_time_is_refused(images: Path, tmp_path: Path) -> None:
    from jobs.lock import hold

    asked = request(tmp_path, images)
    with hold(asked.home.lock_file, "a test"), pytest.raises(Locked):
        run(asked)


@pytest.mark.parametrize("backbone", ["resnet18_v2", "mobilenet0.25"])
def test_classic_trains_a_backbone_from_a_weights_file(images: Path, tmp_path: Path, backbone: str) -> None:
    """The file is made as Gluon's model zoo would save a network for ImageNet's 1,000 classes."""
    network = mx.gluon.model_zoo.vision.get_model(backbone, classes=1000)
    network.initialize(mx.init.Xavier())
    network(mx.nd.zeros((1, 3, 224, 224)))
    network.save_parameters(str(tmp_path / "zoo.params"))
    asked = request(tmp_path, images, backbone=backbone, trains="all layers", epochs=1)
    cycle = run(replace(asked, weights=tmp_path / "zoo.params")).cycle
    assert cycle is not None
    assert cycle.finetune is not None
    assert cycle.finetune.run.backbone == backbone
    assert cycle.finetune.run.epochs[0].phase == "all layers"
    assert any("pretrained weights: the file that was named" in note for note in cycle.finetune.run.notes)


def test_imported_weights_are_used_and_the_run_notes_which_file_they_came_from(
    images: Path, tmp_path: Path
) -> None:
    backbone = backbone_named("mobilenet0.25")
    network = backbone.build(5)
    network.initialize(mx.init.Xavier())
    network.save_parameters(str(tmp_path / "colleague.params"))
    asked = request(tmp_path, images, backbone=backbone.name)
    report = import_weights(tmp_path / "colleague.params", asked.home.weights, backbone, datetime.now(UTC))
    cycle = run(asked).cycle
    assert cycle is not None and cycle.finetune is not None
    (note,) = [
        note for note in cycle.finetune.run.notes if note.startswith("pretrained weights: imported on")
    ]
    assert f"from colleague.params (SHA-256 {report.source_sha256}), SHA-256 {report.sha256}" in note
