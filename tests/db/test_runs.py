from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from db import store
from pipeline.errors import NoSuchRecord
from pipeline.records import Artifact, Layer, NetworkStructure
from tests.db.samples import NOON, PHOTOS, RECIPE, begin_cycle, begin_run, epoch, evaluation, snapshot

STRUCTURE = NetworkStructure(
    layers=(Layer("conv0", "Conv2D", (64, 112, 112), 9408), Layer("output", "Dense", (2,), 1026)),
    new_last_layer="output",
    filters=([[[0.0, 0.5, 1.0]]],),
)


def test_a_run_comes_back_with_all_that_was_recorded(session: Session) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    for number in (2, 1):
        store.add_epoch(session, run_id, epoch(number))
    store.add_note(session, run_id, "the learning rate was halved")
    store.add_note(session, run_id, "the best epoch was kept")
    store.set_structure(session, run_id, STRUCTURE)
    store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot(), "a"))
    files = (Artifact("labels.json", "e" * 64, 12), Artifact("model.params", "f" * 64, 2**33))
    store.add_artifacts(session, run_id, files)
    store.finish_run(session, run_id, status="finished", seconds=9.5, images_per_second=101.25)
    session.flush()
    session.expire_all()
    details = store.load_run(session, run_id)
    assert details.structure == STRUCTURE
    assert details.artifacts == files
    assert details.evaluation == evaluation(snapshot(), "a")
    run = details.run
    assert (run.kind, run.status, run.cycle_id, run.started_at) == ("finetune", "finished", cycle_id, NOON)
    assert run.settings == {**RECIPE, "mean": [0.5, 0.25]}
    assert run.environment == {"mxnet": "1.9.1"}
    assert (run.seconds, run.images_per_second, run.error) == (9.5, 101.25, None)
    assert run.notes == ("the learning rate was halved", "the best epoch was kept")
    assert run.epochs == (epoch(1), epoch(2))
    assert (run.test_accuracy, run.test_log_loss) == (0.5, 0.125)


def test_until_it_is_evaluated_a_run_has_the_accuracy_of_its_last_epoch(session: Session) -> None:
    run_id = begin_run(session, begin_cycle(session)[0])
    assert store.load_run(session, run_id).run.test_accuracy is None
    store.add_epoch(session, run_id, epoch(1, accuracy=0.75))
    store.add_epoch(session, run_id, epoch(2, accuracy=0.625))
    run = store.load_run(session, run_id).run
    assert (run.test_accuracy, run.test_log_loss) == (0.625, epoch(2).test_loss)


def test_an_evaluation_on_another_snapshot_does_not_change_the_accuracy_of_the_run(session: Session) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    store.add_evaluation(session, run_id, snapshot_id, evaluation(snapshot()))
    _, later = begin_cycle(session, snapshot("uvwxyz"))
    store.add_evaluation(session, run_id, later, evaluation(snapshot("uvwxyz"), "u"))
    assert store.load_run(session, run_id).run.test_accuracy == 1.0
    assert store.evaluation_on(session, run_id, later) == evaluation(snapshot("uvwxyz"), "u")


def test_a_run_that_was_never_evaluated_on_a_snapshot_has_no_evaluation_on_it(session: Session) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    assert store.evaluation_on(session, begin_run(session, cycle_id), snapshot_id) is None


def test_the_list_has_the_newest_run_first_and_no_epochs(session: Session) -> None:
    cycle_id, _ = begin_cycle(session)
    runs = [begin_run(session, cycle_id), begin_run(session, cycle_id, "scratch")]
    for run_id in runs:
        store.add_epoch(session, run_id, epoch(1, accuracy=0.25))
    listed = store.list_runs(session)
    assert [run.id for run in listed] == runs[::-1]
    assert [(run.epochs, run.test_accuracy) for run in listed] == [((), 0.25)] * 2


def test_a_file_that_is_published_again_replaces_its_row(session: Session) -> None:
    run_id = begin_run(session, begin_cycle(session)[0])
    store.add_artifacts(session, run_id, [Artifact("model.onnx", "1" * 64, 1)])
    store.add_artifacts(session, run_id, [Artifact("model.onnx", "2" * 64, 2)])
    assert store.load_run(session, run_id).artifacts == (Artifact("model.onnx", "2" * 64, 2),)


def test_a_run_that_is_not_there_is_named_with_the_way_out(session: Session) -> None:
    with pytest.raises(NoSuchRecord, match=r"^there is no run 7; `cli.py runs` lists them$"):
        store.load_run(session, 7)
    with pytest.raises(NoSuchRecord, match="no run 7"):
        store.add_epoch(session, 7, epoch(1))
    with pytest.raises(NoSuchRecord, match="no run 7"):
        store.finish_run(session, 7, status="failed")


class TestTheLatestBaseline:
    def baseline(self, session: Session, **changes: object) -> int:
        run_id = begin_run(session, begin_cycle(session)[0], "scratch", **changes)
        store.finish_run(session, run_id, status="finished")
        return run_id

    def found(self, session: Session, **changes: object) -> int | None:
        wanted = {"backbone": "resnet18_v2", "settings": RECIPE, "images_folder": PHOTOS} | changes
        baseline = store.latest_baseline(session, **wanted)  # type: ignore[arg-type]
        return baseline[0].run.id if baseline else None

    def test_is_the_newest_with_the_training_images_of_its_snapshot(self, session: Session) -> None:
        self.baseline(session)
        newest = self.baseline(session)
        baseline = store.latest_baseline(
            session, backbone="resnet18_v2", settings=RECIPE, images_folder=PHOTOS
        )
        assert baseline is not None
        assert (baseline[0].run.id, baseline[1]) == (newest, len(snapshot().part("train")))

    def test_needs_the_same_backbone_settings_and_folder(self, session: Session) -> None:
        run_id = self.baseline(session)
        assert self.found(session) == run_id
        assert self.found(session, backbone="mobilenet1.0") is None
        assert self.found(session, settings={**RECIPE, "epochs": 4}) is None
        assert self.found(session, images_folder="/other") is None

    def test_may_come_from_a_recipe_of_another_name(self, session: Session) -> None:
        run_id = self.baseline(session)
        assert self.found(session, settings={**RECIPE, "name": "tuned"}) == run_id

    def test_is_a_finished_scratch_run(self, session: Session) -> None:
        begin_run(session, begin_cycle(session)[0], "scratch")
        finetune = begin_run(session, begin_cycle(session)[0])
        store.finish_run(session, finetune, status="finished")
        assert self.found(session) is None


def test_predictions_keep_their_order(session: Session) -> None:
    cycle_id, snapshot_id = begin_cycle(session)
    run_id = begin_run(session, cycle_id)
    straight = evaluation(snapshot(), "a")
    turned = replace(straight, predictions=straight.predictions[::-1])
    store.add_evaluation(session, run_id, snapshot_id, turned)
    assert store.evaluation_on(session, run_id, snapshot_id) == turned
