"""Decisions of whole cycles about the champion, on drawn images."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from db import store
from db.session import open_current
from jobs import promotion
from jobs.champion import promote_by_hand
from jobs.preparation import Request
from jobs.rescore import evaluation_today
from jobs.work import Work
from pipeline.errors import Interrupted
from pipeline.records import Cycle, Evaluation, Promotion
from pipeline.report.checks import checks_of
from tests.jobs.cycles import cycles, request, run


def cycle_of(asked: Request) -> Cycle:
    cycle = run(asked).cycle
    assert cycle is not None
    assert cycle.verdict is not None
    return cycle


def by_hand(asked: Request) -> Request:
    return replace(asked, config=replace(asked.config, auto_promote=False))


def history(asked: Request) -> list[Promotion]:
    with open_current(asked.home.database)() as session:
        return store.promotions(session)


def test_the_first_model_becomes_the_champion_and_the_link_leads_to_it(images: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, images)
    cycle = cycle_of(asked)
    assert cycle.finetune is not None
    assert asked.home.champion.readlink() == Path("run-0001")
    assert asked.home.champion.resolve() == asked.home.model(cycle.finetune.run.id)
    assert [(p.run_id, p.source) for p in history(asked)] == [(1, "cycle")]


def test_the_same_model_again_is_a_hold_against_the_champion_on_the_same_images(
    finished_once: Request,
) -> None:
    config = replace(finished_once.config, promotion_margin=0.25)
    again = cycle_of(replace(finished_once, config=config))
    assert again.verdict is not None
    assert (again.verdict.decision, again.verdict.margin, again.champion_id) == ("hold", 0.25, 1)
    assert again.compared is not None
    assert again.compared.run.id == 1
    assert again.compared.evaluation is not None
    assert len(again.compared.evaluation.predictions) == 12
    assert again.previous is not None
    assert again.previous.id == 1
    assert set(again.arrivals.values()) == {1}


def test_test_images_that_the_champion_was_trained_on_take_no_part(
    finished_once: Request, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    (first,) = cycles(finished_once)
    for label in ("cat", "dog"):
        source = images / "train" / label / "drawn-0001.jpg"
        source.rename(images / "test" / label / "moved.jpg")
    second = cycle_of(finished_once)
    assert first.finetune and first.finetune.evaluation
    assert second.finetune and second.finetune.evaluation
    assert second.compared and second.compared.evaluation
    assert second.verdict

    before = {p.sha256 for p in first.finetune.evaluation.predictions}
    assert len(second.finetune.evaluation.predictions) == len(before) + 2
    assert {p.sha256 for p in second.compared.evaluation.predictions} == before
    assert f"of {len(before)} test images" in second.verdict.reason
    said = [check.text for check in checks_of(second)]
    assert any(text.startswith("2\N{NO-BREAK SPACE}test images of 14 took no part") for text in said), said


def test_with_auto_promote_off_the_first_model_waits_for_a_person_too(images: Path, tmp_path: Path) -> None:
    asked = by_hand(request(tmp_path, images))
    cycle = cycle_of(asked)
    assert cycle.verdict is not None
    assert (cycle.verdict.decision, cycle.champion_id, history(asked)) == ("first", None, [])
    assert cycle.verdict.reason.endswith("; promote it by `cli.py promote 1`, since auto_promote is off")
    assert not asked.home.champion.is_symlink()
    promote_by_hand(asked.home, 1, "looks good")
    assert asked.home.champion.readlink() == Path("run-0001")
    second = cycle_of(asked)
    assert second.verdict is not None
    assert second.verdict.decision == "hold"
    assert "auto_promote" not in second.verdict.reason


def test_a_champion_that_cannot_be_read_is_replaced_and_nobody_was_compared_with(
    finished_once: Request,
) -> None:
    asked = finished_once
    (asked.home.model(1) / "model.json").unlink()
    second = cycle_of(asked)
    assert second.verdict is not None
    assert (second.verdict.decision, second.champion_id, second.compared) == ("promote", 2, None)
    assert asked.home.champion.readlink() == Path("run-0002")


def promote_before_the_verdict(
    monkeypatch: pytest.MonkeyPatch, run_id: int, times: int = 1
) -> list[int | None]:
    """Let a person promote a run just when a cycle has compared its own; return whom it was compared with."""
    compared: list[int | None] = []
    judged = evaluation_today

    def meanwhile(work: Work, champion_id: int, batch_size: int) -> Evaluation | None:
        compared.append(champion_id)
        evaluation = judged(work, champion_id, batch_size)
        if len(compared) <= times:
            promote_by_hand(work.home, run_id, "I was quicker")
        return evaluation

    monkeypatch.setattr(promotion, "evaluation_today", meanwhile)
    return compared


def test_a_champion_that_came_while_the_cycle_ran_is_the_one_that_is_compared_with(
    finished_once: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = finished_once
    cycle_of(asked)
    compared = promote_before_the_verdict(monkeypatch, run_id=2)
    third = cycle_of(asked)
    assert compared == [1, 2]
    assert third.compared is not None
    assert (third.compared.run.id, third.champion_id) == (2, 2)
    assert [(p.run_id, p.source) for p in history(asked)] == [(2, "promote"), (1, "cycle")]
    assert asked.home.champion.readlink() == Path("run-0002")


def test_a_run_that_a_person_promoted_before_its_verdict_is_not_compared_with_itself(
    finished_once: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = finished_once
    compared = promote_before_the_verdict(monkeypatch, run_id=2)
    second = cycle_of(asked)
    assert compared == [1]
    assert second.verdict is not None
    assert second.verdict.decision == "hold"
    assert "is the champion already" in second.verdict.reason
    assert (second.champion_id, second.compared) == (2, None)


def test_a_champion_that_can_score_no_test_image_stays(
    finished_once: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, images = finished_once, tmp_path / "images"
    for number, file in enumerate(sorted(images.glob("test/*/*.jpg"))):
        noise = Image.frombytes("RGB", (8, 8), Random(number).randbytes(8 * 8 * 3))
        noise.resize((64, 64)).save(file)
    judged = evaluation_today

    def without_the_disk(work: Work, champion_id: int, batch_size: int) -> Evaluation | None:
        (images / "test").rename(tmp_path / "unplugged")
        return judged(work, champion_id, batch_size)

    monkeypatch.setattr(promotion, "evaluation_today", without_the_disk)
    second = cycle_of(asked)
    assert second.verdict is not None
    assert second.verdict.decision == "hold"
    assert second.verdict.reason == "no test image was given to both, so they cannot be compared"
    assert (second.champion_id, second.compared) == (1, None)


def test_a_link_that_is_wrong_or_missing_is_put_right_by_the_next_start(finished_once: Request) -> None:
    asked = replace(finished_once, if_changed=True)
    link = asked.home.champion
    link.unlink()
    assert run(asked).cycle is None
    assert link.readlink() == Path("run-0001")
    link.unlink()
    link.symlink_to("run-0007")
    assert run(asked).cycle is None
    assert link.readlink() == Path("run-0001")


def test_where_no_link_can_be_made_there_is_a_warning_and_the_cycle_goes_on(
    images: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = request(tmp_path, images)
    asked.home.champion.mkdir(parents=True)
    assert cycle_of(asked).champion_id == 1
    assert "does not lead to the champion" in caplog.text
    assert asked.home.champion.is_dir()


def test_an_interruption_before_the_verdict_promotes_nobody(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tmp_path, images)

    def stop(_work: Work, _run_id: int, _batch_size: int) -> bool:
        raise Interrupted(2)

    monkeypatch.setattr(promotion, "_settled", stop)
    with pytest.raises(Interrupted):
        run(asked)
    (cycle,) = cycles(asked)
    assert (cycle.status, cycle.verdict, history(asked)) == ("interrupted", None, [])


def test_the_verdict_and_the_promotion_are_one_transaction(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(tmp_path, images)

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(store, "set_verdict", full)
    with pytest.raises(OSError, match="the disk is full"):
        run(asked)
    assert history(asked) == []
